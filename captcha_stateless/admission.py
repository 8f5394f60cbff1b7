"""Who may come in: a few requests at work, a few that wait, and the rest told at once to come back."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio

from captcha_stateless.errors import Overloaded

#: At work at the same time: as many as wait for a remote filter at once. They share one thread, so that the event loop is
#: back after this many pieces of work at most; a piece takes 0.3 to 3 ms.
AT_WORK = 16
#: How many may wait: at 2 ms each the last of 64 is served after 130 ms.
WAITING = 64


class Admission:
    """A queue in the order of arrival, with a bounded number of places."""

    def __init__(
        self,
        waiting: int = WAITING,
        *,
        at_work: int = AT_WORK,
        seen: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Take the number of places; ``seen`` is told how many are taken whenever that changes."""
        self._most, self._inside, self._seen = at_work + waiting, 0, seen
        self._places = anyio.Semaphore(at_work, max_value=at_work)

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Wait for one's turn.

        Raises:
            Overloaded: when the queue is full; nothing was begun then.
        """
        if self._inside >= self._most:
            raise Overloaded("too many requests are waiting")
        self._count(1)
        try:
            async with self._places:
                yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self._inside += change
        self._seen(self._inside)
