"""What a spend costs in CPU time: wall time says nothing on a machine that others use too."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.replay.shared import SharedReplay
from tests.chaos import FULL
from tests.replay.contract import KEY
from tests.replay.drive import finish

NOW = 1_700_000_000


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[SharedReplay]:
    replay = SharedReplay(tmp_path / "replay", key=KEY, now=NOW, spends_per_second=10_000)
    yield replay
    finish(replay.close())


def cpu_seconds(replay: Replay, spends: int = 2_000, rounds: int = 10) -> float:
    """Return the CPU time of one spend, in the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        tokens = [secrets.token_bytes(16) for _ in range(spends)]
        begun = time.process_time()
        for token in tokens:
            finish(replay.spend("cost", token, iat=NOW, exp=NOW + 50, now=NOW))
        best = min(best, time.process_time() - begun)
    return best / spends


def test_sharing_costs_a_few_times_the_private_filter(shared: SharedReplay) -> None:
    private = cpu_seconds(MemoryReplay(key=KEY, now=NOW, spends_per_second=10_000))

    assert cpu_seconds(shared) <= 5 * private


def test_shared_spend_costs_at_most_25_microseconds(shared: SharedReplay) -> None:
    """Ten times that where the machine may be busy with other tests."""
    allowed = 25e-6 if FULL else 250e-6

    assert cpu_seconds(shared) <= allowed
