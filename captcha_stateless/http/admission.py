"""Who may come in: a few requests at work, a few that wait, and the rest told at once to come back."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import cached_property

import anyio

from captcha_stateless.errors import Overloaded
from captcha_stateless.threads import ASIDE

#: At work at the same time: as many as wait for a remote filter at once. They share one thread, so that the event loop is
#: back after this many pieces of work at most; a piece takes 0.3 to 3 ms.
AT_WORK = 8
#: How many may wait: at 2 ms each the last of 64 is served after 130 ms.
WAITING = 64


class Admission:
    """A queue in the order of arrival, with a bounded number of places; ``async with`` it, to wait for one's turn."""

    def __init__(
        self,
        waiting: int = WAITING,
        *,
        at_work: int = AT_WORK,
        seen: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Take the number of places; ``seen`` is told how many are taken whenever that changes."""
        self._at_work, self._most, self._inside, self._seen = at_work, at_work + waiting, 0, seen

    @cached_property
    def _places(self) -> anyio.Semaphore:
        # Made where the first request is: outside of an event loop anyio would put a proxy before it.
        return anyio.Semaphore(self._at_work, max_value=self._at_work, fast_acquire=True)

    async def __aenter__(self) -> None:
        """Wait for one's turn.

        Raises:
            Overloaded: when the queue is full; nothing was begun then.
        """
        if self._inside >= self._most:
            raise Overloaded("too many requests are waiting")
        self._count(1)
        try:
            self._places.acquire_nowait()
        except anyio.WouldBlock:
            await self._wait()
        ASIDE.set(self.aside)
        try:
            # Whoever has arrived meanwhile is counted before work begins, or a crowd would wait where nobody counts it; and
            # no more than have a place work between two looks of the event loop at everything else.
            await asyncio.sleep(0)
        except BaseException:
            await self.__aexit__()
            raise

    async def _wait(self) -> None:
        try:
            await self._places.acquire()
        except BaseException:
            self._count(-1)
            raise

    @asynccontextmanager
    async def aside(self) -> AsyncGenerator[None]:
        """Let another take the turn of who is inside, and wait for the next one at the end."""
        self._places.release()
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await self._places.acquire()

    async def __aexit__(self, *_: object) -> None:
        """Make place for the next."""
        self._places.release()
        self._count(-1)

    def _count(self, change: int) -> None:
        self._inside += change
        self._seen(self._inside)
