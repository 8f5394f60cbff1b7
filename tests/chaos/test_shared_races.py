"""Workers of one host race for the same tokens."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.bloom import BLOCK_BYTES
from captcha_stateless.replay.locks import FileLock, RangeLock, WholeFileLock
from captcha_stateless.replay.shared import SharedReplay
from tests.chaos import size
from tests.chaos.races import ROUNDS_PER_SECOND, START, race
from tests.replay.contract import KEY


async def opened(directory: Path, lock: Callable[[int], FileLock]) -> Replay:
    return SharedReplay(
        directory,
        key=KEY,
        now=START - 1,
        horizon_seconds=24,
        spends_per_second=5 * ROUNDS_PER_SECOND,
        lock=lock,
    )


@pytest.mark.parametrize("lock", [RangeLock, WholeFileLock])
def test_each_race_has_exactly_one_winner(tmp_path: Path, lock: Callable[[int], FileLock]) -> None:
    rounds = size(5_000, 100_000)

    winners = race(opened, (tmp_path / "replay", lock), processes=4, rounds=rounds)

    assert Counter(winners) == {1: rounds}


class NoBlockLock(RangeLock):
    """What the file would be if only its table were locked, and blocks were not."""

    def acquire(self, start: int, length: int) -> None:
        if length != BLOCK_BYTES:
            super().acquire(start, length)

    def release(self, start: int, length: int) -> None:
        if length != BLOCK_BYTES:
            super().release(start, length)


def test_without_the_lock_races_are_won_twice(tmp_path: Path) -> None:
    """Shows that the test above can fail."""
    winners = race(opened, (tmp_path / "replay", NoBlockLock), processes=4, rounds=size(5_000, 20_000))

    assert max(winners) > 1
