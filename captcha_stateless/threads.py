"""A few threads for work that takes milliseconds, with a bounded queue before them."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TypeVar

import anyio
import anyio.to_thread

from captcha_stateless.errors import Unavailable

T = TypeVar("T")

#: How many may wait for each thread: at 2 ms each, the last one waits for 32 ms.
_WAITING_A_THREAD = 16


#: What a request leaves while it waits for a thread: its turn in a queue, so that slow work holds back nobody else's.
ASIDE: ContextVar[Callable[[], AbstractAsyncContextManager[None]]] = ContextVar("aside", default=nullcontext)


class Pool:
    """Runs work beside the event loop, on as many threads as there are cores; more than its queue holds is refused."""

    def __init__(self, threads: int | None = None, waiting: int | None = None) -> None:
        self._threads = threads or os.cpu_count() or 1
        self._most = self._threads + (self._threads * _WAITING_A_THREAD if waiting is None else waiting)
        self._limiter = anyio.CapacityLimiter(self._threads)
        self._inside = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work`` in a thread, and wait for what it returns.

        Raises:
            Unavailable: when the queue is full; ``work`` is not begun then.
        """
        with self.room():
            return await self.within(work)

    @contextmanager
    def room(self) -> Iterator[None]:
        """Hold a place in the queue, so that what is begun inside is not refused after something was paid for it.

        Raises:
            Unavailable: when the queue is full.
        """
        if self._inside >= self._most:
            raise Unavailable("too much work is waiting for a thread")
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    async def within(self, work: Callable[[], T]) -> T:
        """Run ``work`` in a thread, for whoever holds a place."""
        async with ASIDE.get()():
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
