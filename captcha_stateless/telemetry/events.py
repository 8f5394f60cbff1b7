"""What the engine and the adapters tell of their work, to whoever counts it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from captcha_stateless.settings import Settings
from captcha_stateless.settings.extras import needed

#: The result of what ended neither well nor with a refusal.
FAULT = "fault"

_UNTIMED = nullcontext()


class Events:
    """Listens to nobody; :class:`captcha_stateless.telemetry.metrics.Metrics` does."""

    def issued(self, protocol: str, kind: str) -> None:
        """A stage was drawn and sealed."""

    def answered(self, protocol: str, kind: str, result: str, seconds: float) -> None:
        """An answer was judged or refused, so many seconds after its challenge was issued."""

    def passed(self, result: str) -> None:
        """A pass was issued, admitted or refused."""

    def refused(self, protocol: str, reason: str) -> None:
        """A request was refused."""

    def visited(self, result: str, rule: str) -> None:
        """The wall was asked about a visit, which was allowed or denied by a rule, cleared by its pass, or asked."""

    def responded(self, protocol: str, status: int, seconds: float) -> None:
        """A request was answered."""

    def inside(self, requests: int) -> None:
        """So many requests are at work or wait."""

    def took(self, part: str, pieces: int = 1) -> AbstractContextManager[object]:
        """Time what happens inside, which is so many pieces of work."""
        return _UNTIMED

    def state(self, fill: float, ready: bool, ahead_seconds: float = 0.0) -> None:
        """So full is the replay filter, and so far this host's clock is ahead of the filter's."""

    def exposed(self) -> bytes:
        """Write what was counted."""
        return b""


def create(settings: Settings, key_ages: Callable[[], Mapping[str, float]]) -> Events:
    """Make what listens to the server's events: metrics where they are wanted, nobody otherwise.

    Args:
        settings: the operator's wishes.
        key_ages: tells the ages of the keys in use, in seconds, by what they do.

    Raises:
        Misconfigured: when their package is not installed.
    """
    if not settings.metrics:
        return Events()
    with needed("CAPTCHA_METRICS", "metrics"):
        from captcha_stateless.telemetry.metrics import Metrics
    return Metrics(key_ages)
