"""Processes on many hosts, here one, race for the same tokens on one Redis server."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.redis import RedisReplay
from tests.chaos import size
from tests.chaos.races import race
from tests.replay.contract import KEY
from tests.replay.servers import RedisServer

Mode = Literal["exact", "compact"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    yield server
    server.end()


async def opened(url: str, mode: Mode) -> Replay:
    # A lost reply would leave a race without a winner: time enough for a machine that is busy with the race
    # itself.
    return RedisReplay(url, key=KEY, mode=mode, timeout_seconds=30.0)


async def first_epoch(url: str, mode: Mode) -> int:
    replay = await opened(url, mode)
    await replay.start()
    epoch = (await replay.state(time.time())).epoch
    await replay.close()
    return epoch


@pytest.mark.parametrize("mode", ["exact", "compact"])
def test_each_race_has_exactly_one_winner(server: RedisServer, mode: Mode) -> None:
    rounds = size(2_000, 100_000)
    epoch = asyncio.run(first_epoch(server.url, mode))
    time.sleep(max(0, epoch - time.time()))

    winners = race(opened, (server.url, mode), processes=4, rounds=rounds, start=epoch)

    assert Counter(winners) == {1: rounds}
