"""Clocks that disagree by 5 s and step back by a minute, against a model that forgets nothing."""

import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from captcha_stateless.errors import Refused, Unavailable
from captcha_stateless.replay.base import Replay, ReplayState
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.replay.shared import SharedReplay
from tests.chaos import size
from tests.replay.contract import KEY
from tests.replay.drive import finish

START = 1_700_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """Let time pass (or step back), then answer with one of the tokens, by a clock that is off."""

    seconds: int
    token: int
    offset: int
    attempts: int


STEPS = st.lists(
    st.builds(
        Step,
        seconds=st.one_of(st.integers(0, 40), st.integers(-60, 0)),
        token=st.integers(0, 5),
        offset=st.integers(-5, 5),
        attempts=st.integers(1, 3),
    ),
    max_size=60,
)


class Floorless(MemoryReplay):
    """The filter as it would be without its floor."""

    def _drop_dead(self, now: float) -> None:
        super()._drop_dead(now)
        self._floor = 0


@dataclass
class Exact:
    """Remembers every attempt for ever, and counts those that were honoured twice."""

    spent: set[tuple[int, int, int]] = field(default_factory=set)
    double: int = 0

    def note(self, token: int, exp: int, attempt: int) -> None:
        self.double += (token, exp, attempt) in self.spent
        self.spent.add((token, exp, attempt))


def double_spends(replay: Replay, steps: list[Step]) -> int:
    """Play the steps on six tokens of 20 to 120 s life, each issued anew once its exp is a minute past."""
    exact = Exact()
    clock = START
    tokens = {n: (secrets.token_bytes(16), START + 20 * (n + 1)) for n in range(6)}
    for step in steps:
        clock += step.seconds
        jti, exp = tokens[step.token]
        if clock > exp + 60:
            jti, exp = tokens[step.token] = (secrets.token_bytes(16), clock + 20 * (step.token + 1))
        now = clock + step.offset
        try:
            attempt = finish(
                replay.spend("grid", jti, iat=START - 100, exp=exp, now=now, attempts=step.attempts)
            )
        except (Refused, Unavailable):
            continue
        exact.note(step.token, exp, attempt)
    return exact.double


class Turns(Replay):
    """Workers that answer in turns, which the digits of a number to base 3 decide."""

    scope = "host"

    def __init__(self, workers: list[SharedReplay], turns: int) -> None:
        self._workers = workers
        self._turns = turns

    async def spend(self, namespace: str, jti: bytes, **options: Any) -> int:
        self._turns, worker = divmod(self._turns, 3)
        return await self._workers[worker].spend(namespace, jti, **options)

    async def state(self, now: float) -> ReplayState:
        return await self._workers[0].state(now)


def memory(kind: type[MemoryReplay] = MemoryReplay) -> MemoryReplay:
    return kind(key=KEY, now=START - 100, spends_per_second=10, false_positives=1e-6)


@settings(max_examples=size(300, 20_000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_clocks_off_and_stepping_back_give_no_double_spend(steps: list[Step]) -> None:
    assert double_spends(memory(), steps) == 0


@settings(max_examples=size(150, 5000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.integers(0, 2**60))
def test_workers_with_clocks_off_give_no_double_spend(steps: list[Step], turns: int) -> None:
    """Three workers on one file take the steps in any order of turns."""
    with tempfile.TemporaryDirectory() as folder:
        workers = [
            SharedReplay(
                Path(folder, "replay"), key=KEY, now=START - 100, spends_per_second=10, false_positives=1e-6
            )
            for _ in range(3)
        ]

        assert double_spends(Turns(workers, turns), steps) == 0

        for worker in workers:
            finish(worker.close())


def test_without_the_floor_a_clock_set_back_gives_double_spends() -> None:
    """Shows that the test above can fail: it finds the steps that break a filter with no floor."""
    steps = find(
        STEPS,
        lambda steps: double_spends(memory(Floorless), steps) > 0,
        settings=settings(
            max_examples=20_000, deadline=None, derandomize=True, database=None, phases=[Phase.generate]
        ),
    )

    assert double_spends(memory(), steps) == 0
