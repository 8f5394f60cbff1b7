"""What happens before the first request and after the last (ASGI's lifespan)."""

import ctypes
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.types import Lifespan

from captcha_stateless.errors import Unavailable
from captcha_stateless.http.signals import drained_on_term, reloaded_on_hangup
from captcha_stateless.http.warming import warmed
from captcha_stateless.replay.base import Replay
from captcha_stateless.settings.reload import Reloaded


def create(
    files: list[Reloaded[Any]],
    replay: Replay,
    clock: Callable[[], float],
    *,
    warm: Iterable[Callable[[], None]],
    close: Iterable[Callable[[], Awaitable[None]]],
    drain_seconds: int,
) -> Lifespan[Starlette]:
    """Make the lifespan: wait for the filter, warm what is slow the first time, heed signals, close at the end."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with suppress(Unavailable):  # then every answer is 503 until it is up
            await replay.start()
        # The filter refuses tokens older than its epoch, a whole second: none is handed out before it.
        state = await replay.state(clock())
        await anyio.sleep(max(0.0, min(state.epoch - clock(), 2.0)))
        with (
            warmed(app.state, [*warm, _give_back]),
            reloaded_on_hangup(files),
            drained_on_term(app.state, drain_seconds),
        ):
            yield
        await replay.close()
        for each in close:
            await each()

    return lifespan


def _give_back() -> None:
    """Give the system the memory back that drawing alphabets took: glibc would keep 17 MB of it."""
    with suppress(AttributeError, OSError, TypeError):  # another C library, or none by that name
        ctypes.CDLL(None).malloc_trim(0)
