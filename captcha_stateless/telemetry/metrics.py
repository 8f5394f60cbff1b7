"""Counts and times in Prometheus' text format; correct across the workers of one ``serve``.

Labels are the names of protocols, kinds, results and reasons: words of ours, and few. Nothing of a visitor is in them.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from captcha_stateless.render.compiled import COMPILED
from captcha_stateless.telemetry.events import Events

#: Names the folder in which workers share their counts; the library reads it when it is imported.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_SOLVE_SECONDS = (1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600)
_WORK_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1)
_RESPONSE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class Metrics(Events):
    """Listens to the events of one server."""

    def __init__(self, key_ages: Callable[[], Mapping[str, float]] = dict) -> None:
        """Take a call that tells the ages of the keys in use, in seconds."""
        self._key_ages = key_ages
        self._registry = CollectorRegistry()
        self._count_events()
        self._time_work()
        self._read_states()

    def _count_events(self) -> None:
        registry = self._registry
        self._issued = Counter(
            "captcha_challenges", "Stages drawn and sealed", ["protocol", "kind"], registry=registry
        )
        self._answers = Counter(
            "captcha_answers", "Answers by result", ["protocol", "kind", "result"], registry=registry
        )
        self._passes = Counter(
            "captcha_passes", "Passes issued, admitted or refused", ["result"], registry=registry
        )
        self._refusals = Counter(
            "captcha_refusals", "Requests refused", ["protocol", "reason"], registry=registry
        )
        self._visits = Counter(
            "captcha_visits",
            "Visits to the wall: allowed, denied, cleared or asked",
            ["result", "rule"],
            registry=registry,
        )

    def _time_work(self) -> None:
        registry = self._registry
        self._solves = Histogram(
            "captcha_solve_seconds",
            "From a challenge to its right answer",
            ["kind"],
            buckets=_SOLVE_SECONDS,
            registry=registry,
        )
        self._work = Histogram(
            "captcha_work_seconds",
            "Time of a piece of work",
            ["part"],
            buckets=_WORK_SECONDS,
            registry=registry,
        )
        self._responses = Histogram(
            "captcha_response_seconds",
            "From a request's head to its answer",
            ["protocol", "status"],
            buckets=_RESPONSE_SECONDS,
            registry=registry,
        )

    def _read_states(self) -> None:
        def newest(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(name, meaning, labels, registry=self._registry, multiprocess_mode="mostrecent")

        self._fill = newest("captcha_replay_fill", "How full the replay filter is, 0 to 1")
        self._ahead = newest(
            "captcha_clock_ahead_seconds", "How far this host's clock is ahead of the replay filter's"
        )
        self._ready = newest("captcha_replay_ready", "Whether the replay filter can say")
        newest("captcha_drawing_compiled", "Whether drawing is compiled, or numpy's").set(COMPILED)
        self._ages = newest("captcha_key_age_seconds", "Age of the key in use", "use")
        self._inside = Gauge(
            "captcha_requests_inside",
            "Requests at work or waiting",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def issued(self, protocol: str, kind: str) -> None:
        """Count a challenge."""
        self._issued.labels(protocol, kind).inc()

    def answered(self, protocol: str, kind: str, result: str, seconds: float) -> None:
        """Count an answer, and how long a right one took."""
        self._answers.labels(protocol, kind, result).inc()
        if result == "right":
            self._solves.labels(kind).observe(seconds)

    def passed(self, result: str) -> None:
        """Count a pass."""
        self._passes.labels(result).inc()

    def refused(self, protocol: str, reason: str) -> None:
        """Count a refusal."""
        self._refusals.labels(protocol, reason).inc()

    def visited(self, result: str, rule: str) -> None:
        """Count a visit to the wall."""
        self._visits.labels(result, rule).inc()

    def responded(self, protocol: str, status: int, seconds: float) -> None:
        """Count and time an answer."""
        self._responses.labels(protocol, str(status)).observe(seconds)

    def inside(self, requests: int) -> None:
        """Note how many requests are inside."""
        self._inside.set(requests)

    @contextmanager
    def took(self, part: str, pieces: int = 1) -> Iterator[None]:
        """Time what happens inside: for each piece of work its share."""
        began = time.perf_counter()
        try:
            yield
        finally:
            share = (time.perf_counter() - began) / max(pieces, 1)
            for _ in range(pieces):
                self._work.labels(part).observe(share)

    def state(self, fill: float, ready: bool, ahead_seconds: float = 0.0) -> None:
        """Note how the replay filter is."""
        self._fill.set(fill)
        self._ahead.set(ahead_seconds)
        self._ready.set(ready)

    def exposed(self) -> bytes:
        """Write everything, of all workers that share a folder."""
        for use, seconds in self._key_ages().items():
            self._ages.labels(use).set(seconds)
        folder = os.environ.get(FOLDER_VARIABLE)
        if not folder:
            return generate_latest(self._registry)
        _bury(Path(folder))
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def _bury(folder: Path) -> None:
    """Drop the live gauges of workers that are gone; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        number = int(file.stem.rpartition("_")[2])
        if not Path(f"/proc/{number}").exists():
            multiprocess.mark_process_dead(number, str(folder))  # type: ignore[no-untyped-call]
