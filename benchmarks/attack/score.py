"""Scores: a stage's answer from nine log-odds, binomial bounds, and what a stage's rate makes of a run."""

import math
import resource
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from api import Attacker, Stage
from numpy.typing import NDArray

#: How many of the nine match: what the documentation says, so every attacker knows it.
MATCHES = range(2, 7)


def decide(log_odds: NDArray[np.float64], matches: Sequence[int] = MATCHES) -> tuple[bool, ...]:
    """Choose the likeliest permitted set of matches."""
    order = np.argsort(-log_odds, kind="stable")
    gains = np.cumsum(log_odds[order])
    count = max(matches, key=lambda matching: gains[matching - 1] if matching else 0.0)
    chosen = np.zeros(len(log_odds), bool)
    chosen[order[:count]] = True
    return tuple(chosen.tolist())


def contrasted(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn similarities into log-odds where nothing else is known: zero halfway over the widest gap that may be."""
    ordered = np.sort(similarity)[::-1]
    gaps = [above - below for above, below in pairwise(ordered)]
    cut = max(MATCHES, key=lambda count: gaps[count - 1])
    return (similarity - (ordered[cut - 1] + ordered[cut]) / 2) / (similarity.std() + 1e-9)


@dataclass(frozen=True, slots=True)
class Score:
    """How an attacker did."""

    name: str
    stages: int
    passed: int
    tiles_right: int
    cpu_seconds: float
    labels: int = 0

    @property
    def stage(self) -> float:
        """Share of stages passed."""
        return self.passed / self.stages

    @property
    def tile(self) -> float:
        """Share of tiles decided rightly."""
        return self.tiles_right / (9 * self.stages)

    @property
    def milliseconds(self) -> float:
        """CPU time of a stage."""
        return self.cpu_seconds / self.stages * 1000


def score(attacker: Attacker, stages: Iterable[Stage]) -> Score:
    """Let an attacker answer every stage; it sees the pictures alone."""
    asked = passed = tiles = 0
    seconds = 0.0
    for stage in stages:
        start = cpu_seconds()
        answer = decide(attacker.answer(stage.reference, stage.nine))
        seconds += cpu_seconds() - start
        asked, passed = asked + 1, passed + (answer == stage.truth)
        tiles += sum(given == right for given, right in zip(answer, stage.truth, strict=True))
    return Score(attacker.name, asked, passed, tiles, seconds, attacker.labels)


def cpu_seconds() -> float:
    """Tell the CPU time of this process and of the programs that it ran."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def run(stage: float, stages: int, forgiven: int = 0) -> float:
    """Tell the chance of a run from that of a stage."""
    return sum(
        math.comb(stages, hits) * stage**hits * (1 - stage) ** (stages - hits)
        for hits in range(stages - forgiven, stages + 1)
    )


def most(trials: int, rate: float, confidence: float = 0.99) -> int:
    """Tell the most hits that a rate explains: more come in less than 1 - ``confidence`` of samples (binomial)."""
    total = 0.0
    for hits in range(trials + 1):
        total += math.comb(trials, hits) * rate**hits * (1 - rate) ** (trials - hits)
        if total >= confidence:
            return hits
    return trials


def bounds(hits: int, trials: int, confidence: float = 0.99) -> tuple[float, float]:
    """Return the interval of rates that explain so many hits (Clopper and Pearson 1934), by bisection."""
    tail = (1 - confidence) / 2
    low = _root(lambda rate: _above(hits, trials, rate) - tail) if hits else 0.0
    high = _root(lambda rate: tail - (1 - _above(hits + 1, trials, rate))) if hits < trials else 1.0
    return low, high


def _above(hits: int, trials: int, rate: float) -> float:
    logs = [
        math.lgamma(trials + 1)
        - math.lgamma(count + 1)
        - math.lgamma(trials - count + 1)
        + count * math.log(rate)
        + (trials - count) * math.log1p(-rate)
        for count in range(hits, trials + 1)
    ]
    return math.fsum(map(math.exp, logs))


def _root(of: "object") -> float:
    low, high = 1e-12, 1 - 1e-12
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if of(middle) < 0 else (low, middle)  # type: ignore[operator]
    return low
