"""What the server does on a signal: read its files again on SIGHUP, drain on SIGTERM."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from starlette.datastructures import State

from captcha_stateless.settings.reload import Reloaded


@contextmanager
def reloaded_on_hangup(files: list[Reloaded[Any]]) -> Iterator[None]:
    """Read the files again on SIGHUP, where there is such a signal."""
    if not hasattr(signal, "SIGHUP") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def reload(*_: object) -> None:
        for file in files:
            file.reload()

    before = signal.signal(signal.SIGHUP, reload)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def drained_on_term(state: State, seconds: int) -> Iterator[None]:
    """On SIGTERM set ``draining``, and only after so many seconds, or at a second SIGTERM, do what the server does on it.

    A balancer that asks for readiness takes the server out of its list in the meantime: no request meets a closed port.
    """
    stop = signal.getsignal(signal.SIGTERM)
    if not callable(stop) or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def drain(number: int, frame: FrameType | None) -> None:
        again, state.draining = state.draining, True
        if again or not seconds:
            stop(number, frame)
        else:
            loop.call_soon_threadsafe(loop.call_later, seconds, stop, number, None)

    signal.signal(signal.SIGTERM, drain)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, stop)
