"""Work that costs less done together: what is asked for in one turn of the event loop is done at the end of that turn."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_Waiting: TypeAlias = list[tuple[T, asyncio.Future[R]]]


class Batch(Generic[T, R]):
    """Collects items, and works on all of them at once; whoever is alone waits for one turn of the loop and no longer."""

    def __init__(self, work: Callable[[list[T]], Sequence[R]]) -> None:
        """Take the work: a result for each item, in their order."""
        self._work = work
        # What is being collected, and for which loop: other threads have others, and a loop may end before its turn does.
        self._open: tuple[asyncio.AbstractEventLoop | None, _Waiting[T, R]] = None, []

    async def __call__(self, item: T) -> R:
        """Wait for the result of an item."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[R] = loop.create_future()
        collecting, waiting = self._open
        if collecting is not loop:
            waiting = []
            self._open = loop, waiting
            loop.call_soon(self._close, waiting)
        waiting.append((item, result))
        return await result

    def _close(self, waiting: _Waiting[T, R]) -> None:
        if self._open[1] is waiting:
            self._open = None, []
        self._do(waiting)

    def _do(self, waiting: _Waiting[T, R]) -> None:
        try:
            results = self._work([item for item, _ in waiting])
        except Exception as error:
            if len(waiting) > 1:  # one of them is at fault, and only that one shall be told so
                for each in waiting:
                    self._do([each])
            elif not waiting[0][1].done():
                waiting[0][1].set_exception(error)
        else:
            for (_, result), done in zip(waiting, results, strict=True):
                if not result.done():  # whoever asked may have gone meanwhile
                    result.set_result(done)
