"""What /metrics says, for a terminal: rates, results and times at a glance."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.request import Request, urlopen

from prometheus_client.parser import text_string_to_metric_families

from captcha_stateless.errors import Unavailable

_TIMEOUT_SECONDS = 5
_MAX_BYTES = 4_194_304

#: By name: the samples' values by their labels, as the text has them.
Values = Mapping[str, Mapping[tuple[tuple[str, str], ...], float]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was exposed at one moment (Unix seconds)."""

    now: float
    values: Values


def read(url: str, now: float, key: str = "") -> Reading:
    """Read the metrics of a server.

    Raises:
        Unavailable: when there are none.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with urlopen(Request(url, headers=headers), timeout=_TIMEOUT_SECONDS) as reply:  # noqa: S310 - the operator's own
            return Reading(now, parse(reply.read(_MAX_BYTES).decode("utf-8")))
    except (OSError, ValueError) as error:
        raise Unavailable(f"cannot read {url}: {error}") from None


def parse(text: str) -> Values:
    """Read Prometheus' text format."""
    values: dict[str, dict[tuple[tuple[str, str], ...], float]] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values[sample.name][tuple(sorted(sample.labels.items()))] = sample.value
    return values


def lines(new: Reading, old: Reading | None = None) -> Iterator[str]:
    """Word a reading; with the one before, counts become rates a second."""
    yield "requests   " + _shares(new, old, "captcha_response_seconds_count", "status")
    yield "by protocol " + _shares(new, old, "captcha_response_seconds_count", "protocol")
    yield "challenges " + _shares(new, old, "captcha_challenges_total", "kind")
    yield "answers    " + _shares(new, old, "captcha_answers_total", "result")
    yield "passes     " + _shares(new, old, "captcha_passes_total", "result")
    yield "refusals   " + _shares(new, old, "captcha_refusals_total", "reason")
    if "captcha_visits_total" in new.values:
        yield "wall       " + _shares(new, old, "captcha_visits_total", "result")
        yield "by rule    " + _shares(new, old, "captcha_visits_total", "rule", nameless="no rule")
    yield "work, mean " + _means(new, old, "captcha_work_seconds", "part")
    yield "solve, mean " + _means(new, old, "captcha_solve_seconds", "kind")
    yield "inside {:.0f}   filter {:.1%} full, {}   key {:.1f} d old".format(
        _only(new, "captcha_requests_inside"),
        _only(new, "captcha_replay_fill"),
        "ready" if _only(new, "captcha_replay_ready") else "NOT READY",
        max(new.values.get("captcha_key_age_seconds", {}).values(), default=0) / 86_400,
    )


def _shares(new: Reading, old: Reading | None, name: str, label: str, *, nameless: str = "") -> str:
    counts = _grown(new, old, name, label)
    seconds = new.now - old.now if old else 0
    unit = "/s" if old else ""
    shown = [
        f"{word or nameless} {count / (seconds or 1):.6g}{unit}"
        for word, count in sorted(counts.items())
        if count
    ]
    return "  ".join(shown) or "-"


def _means(new: Reading, old: Reading | None, name: str, label: str) -> str:
    counts = _grown(new, old, f"{name}_count", label)
    sums = _grown(new, old, f"{name}_sum", label)
    shown = [f"{word} {_span(sums[word] / count)}" for word, count in sorted(counts.items()) if count]
    return "  ".join(shown) or "-"


def _grown(new: Reading, old: Reading | None, name: str, label: str) -> Mapping[str, float]:
    grown: dict[str, float] = defaultdict(float)
    before = old.values.get(name, {}) if old else {}
    for labels, value in new.values.get(name, {}).items():
        # A server that was restarted counts from nought.
        grown[dict(labels)[label]] += max(0.0, value - before.get(labels, 0.0))
    return grown


def _only(reading: Reading, name: str) -> float:
    return sum(reading.values.get(name, {}).values())


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.2f} ms"
