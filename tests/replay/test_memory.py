"""The in-process filter against the contract, its bound on memory, and threads."""

import secrets
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from captcha_stateless.errors import Expired, Misconfigured, Spent
from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.memory import MemoryReplay
from tests.replay.contract import KEY, BucketContract
from tests.replay.drive import finish


class TestMemoryReplay(BucketContract):
    @pytest.fixture
    async def replay(self, now: int) -> AsyncIterator[Replay]:
        yield MemoryReplay(key=KEY, now=now - 30, spends_per_second=100)

    @pytest.fixture
    async def tiny(self, now: int) -> AsyncIterator[Replay]:
        yield MemoryReplay(key=KEY, now=now - 30, spends_per_second=1)


def test_memory_stays_below_10_mb_at_the_reference_load() -> None:
    replay = MemoryReplay(key=KEY, now=0, spends_per_second=10_000, horizon_seconds=120)

    assert replay.max_bytes <= 10_000_000


def test_starting_second_belongs_to_the_process_before() -> None:
    replay = MemoryReplay(key=KEY, now=1000.2)

    with pytest.raises(Expired):
        finish(replay.spend("grid", secrets.token_bytes(16), iat=1000, exp=1050, now=1000.3))


def test_starting_second_is_not_ready() -> None:
    replay = MemoryReplay(key=KEY, now=1000.2)

    assert not finish(replay.state(1000.9)).ready
    assert finish(replay.state(1001)).ready


def test_short_key_is_refused() -> None:
    with pytest.raises(Misconfigured, match="16 bytes"):
        MemoryReplay(key=b"short", now=0)


def test_threads_get_one_winner() -> None:
    replay = MemoryReplay(key=KEY, now=0)
    barrier = Barrier(4)
    tokens = [secrets.token_bytes(16) for _ in range(500)]

    def answer() -> list[bytes]:
        won = []
        for token in tokens:
            barrier.wait(10)
            try:
                finish(replay.spend("grid", token, iat=1, exp=50, now=1))
            except Spent:
                continue
            won.append(token)
        return won

    with ThreadPoolExecutor(4) as pool:
        winners = [token for won in pool.map(lambda _: answer(), range(4)) for token in won]

    assert sorted(winners) == sorted(tokens)
