"""Work that costs less done together: what is asked for in one turn of the event loop is done at the end of that turn."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batch(Generic[T, R]):
    """Collects items, and works on all of them at once; whoever is alone waits for one turn of the loop and no longer."""

    def __init__(self, work: Callable[[list[T]], Sequence[R]]) -> None:
        """Take the work: a result for each item, in their order."""
        self._work = work
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []

    async def __call__(self, item: T) -> R:
        """Wait for the result of an item; where the work fails, all that were in it are told the same."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[R] = loop.create_future()
        # A loop that ended before its turn did leaves behind what nobody waits for any more.
        if not self._waiting or self._waiting[0][1].get_loop() is not loop:
            self._waiting = []
            loop.call_soon(self._do)
        self._waiting.append((item, result))
        return await result

    def _do(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            results = self._work([item for item, _ in waiting])
        except Exception as error:
            for _, result in waiting:
                if not result.done():
                    result.set_exception(error)
        else:
            for (_, result), done in zip(waiting, results, strict=True):
                if not result.done():  # whoever asked may have gone meanwhile
                    result.set_result(done)
