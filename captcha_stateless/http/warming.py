"""What is slow the first time is done beside the first requests, which other work than theirs would only keep waiting."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from starlette.datastructures import State

_log = logging.getLogger(__name__)


@contextmanager
def warmed(state: State, steps: Iterable[Callable[[], None]]) -> Iterator[None]:
    """Take the steps in a thread, one after the other; ``state.warming`` until the last one is done, so that readiness waits.

    A step that fails leaves it so: this server is not fit for what was to be prepared. At the end, the rest is left out.
    """
    stopped = Event()

    def take() -> None:
        try:
            for step in steps:
                if stopped.is_set():
                    return
                step()
        except Exception:
            _log.exception("This server is never ready: something that it serves cannot be prepared.")
        else:
            state.warming = False

    state.warming = True
    thread = Thread(target=take, name="warming", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
