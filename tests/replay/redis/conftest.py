"""Redis servers to break, and filters that ask them."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from captcha_stateless.errors import CaptchaError
from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.redis import RedisReplay
from tests.replay.contract import KEY
from tests.replay.servers import RedisServer

#: 2 s by design; a busy machine may be a little late.
RECOVERY_SECONDS = 3.0


Mode = Literal["exact", "compact"]


Make = Callable[..., RedisReplay]


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.end()


@pytest.fixture
def server(shared_server: RedisServer) -> RedisServer:
    """A server with nothing on it."""
    shared_server.ask("FLUSHALL")
    return shared_server


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Starts servers that a test may break."""
    started: list[RedisServer] = []

    def start(*options: str) -> RedisServer:
        started.append(RedisServer(tmp_path / f"redis{len(started)}", *options))
        return started[-1]

    yield start
    for server in started:
        server.end()


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes filters, with time enough for a busy machine unless the test says otherwise."""
    made: list[RedisReplay] = []

    def make(server: RedisServer, **changed: Any) -> RedisReplay:
        options: dict[str, Any] = {"key": KEY, "spends_per_second": 100, "timeout_seconds": 5.0}
        made.append(RedisReplay(server.url, **options | changed))
        return made[-1]

    yield make
    for replay in made:
        await replay.close()


async def backdate(replay: RedisReplay, server: RedisServer, epoch: int) -> None:
    """Let the server's epoch have begun earlier, as if it had been running for a while."""
    await replay.start()
    for key in server.ask("KEYS", "captcha:*epoch"):
        server.ask("HSET", key, "epoch", epoch)


async def spend_now(replay: Replay, jti: bytes | None = None, *, iat: int | None = None) -> int:
    """Spend a token that was issued just now, or is given."""
    now = int(time.time())
    return await replay.spend(
        "grid", jti or secrets.token_bytes(16), iat=now if iat is None else iat, exp=now + 60, now=now
    )


async def seconds_until_honoured(replay: Replay) -> float:
    """Issue and spend new tokens until one is honoured."""
    begun = time.monotonic()
    while True:
        try:
            await spend_now(replay)
        except CaptchaError:
            assert time.monotonic() < begun + 20
            await asyncio.sleep(0.02)
        else:
            return time.monotonic() - begun
