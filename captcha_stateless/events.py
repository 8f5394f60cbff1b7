"""What the engine and the adapters tell of their work, to whoever counts it."""

from contextlib import AbstractContextManager, nullcontext

_UNTIMED = nullcontext()


class Events:
    """Listens to nobody; :class:`captcha_stateless.metrics.Metrics` does."""

    def issued(self, protocol: str, kind: str) -> None:
        """A stage was drawn and sealed."""

    def answered(self, protocol: str, kind: str, result: str, seconds: float) -> None:
        """An answer was judged or refused, so many seconds after its challenge was issued."""

    def passed(self, result: str) -> None:
        """A pass was issued, admitted or refused."""

    def refused(self, protocol: str, reason: str) -> None:
        """A request was refused."""

    def responded(self, protocol: str, status: int, seconds: float) -> None:
        """A request was answered."""

    def inside(self, requests: int) -> None:
        """So many requests are at work or wait."""

    def took(self, part: str, pieces: int = 1) -> AbstractContextManager[object]:
        """Time what happens inside, which is so many pieces of work."""
        return _UNTIMED

    def state(self, fill: float, ready: bool) -> None:
        """So full is the replay filter."""

    def exposed(self) -> bytes:
        """Write what was counted."""
        return b""
