"""What a spend costs in CPU time: wall time says nothing on a machine that others use too."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from captcha_stateless import Settings
from captcha_stateless.app import create_engine
from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.factory import HORIZON_SECONDS
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.replay.shared import SharedReplay
from captcha_stateless.tokens import keys
from tests.chaos import FULL
from tests.replay.contract import KEY
from tests.replay.drive import finish

NOW = 1_700_000_000


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[SharedReplay]:
    replay = SharedReplay(tmp_path / "replay", key=KEY, now=NOW, spends_per_second=10_000)
    yield replay
    finish(replay.close())


def cpu_seconds(replay: Replay, spends: int = 2_000, rounds: int = 10, **known: Any) -> float:
    """Return the CPU time of one spend, in the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        tokens = [secrets.token_bytes(16) for _ in range(spends)]
        begun = time.process_time()
        for token in tokens:
            finish(replay.spend("cost", token, iat=NOW, exp=NOW + 50, now=NOW, **known))
        best = min(best, time.process_time() - begun)
    return best / spends


def test_sharing_costs_a_few_times_the_private_filter(shared: SharedReplay) -> None:
    private = cpu_seconds(MemoryReplay(key=KEY, now=NOW, spends_per_second=10_000))

    assert cpu_seconds(shared) <= 5 * private


def test_shared_spend_costs_at_most_25_microseconds(shared: SharedReplay) -> None:
    """Ten times that where the machine may be busy with other tests."""
    allowed = 25e-6 if FULL else 250e-6

    assert cpu_seconds(shared) <= allowed


@pytest.mark.parametrize("kind", ["private", "shared"])
def test_being_known_again_makes_a_right_answer_hardly_dearer(kind: str, shared: SharedReplay) -> None:
    """What the mark adds to a spend, against all that a right answer costs: opened, judged, and the next stage drawn."""
    replay = shared if kind == "shared" else MemoryReplay(key=KEY, now=NOW, spends_per_second=10_000)
    marked = cpu_seconds(replay, mark=bytes(16), moment=NOW, moments=range(NOW - 65, NOW + 6))

    assert marked - cpu_seconds(replay) <= 0.1 * right_answer_seconds()


def right_answer_seconds(answers: int = 50, rounds: int = 3) -> float:
    """Return the CPU time of one right answer, in the best of some rounds."""
    ring = keys.fresh_ring(NOW - 100)
    replay = MemoryReplay(key=KEY, now=NOW - 50, horizon_seconds=HORIZON_SECONDS, spends_per_second=10)
    engine = create_engine(Settings(family="filled"), lambda: ring, replay, clock=lambda: NOW)
    best = float("inf")
    for _ in range(rounds):
        sealed = [engine.issue("cost", "grid") for _ in range(answers)]
        right = [engine.tell(each.claims) for each in sealed]
        begun = time.process_time()
        for each, answer in zip(sealed, right, strict=True):
            answered = finish(engine.judge.play(engine.look(each.token, "cost"), answer))
            following = engine.advance(answered)
            assert following is not None
            engine.renderer.picture(following)
        best = min(best, time.process_time() - begun)
    return best / answers
