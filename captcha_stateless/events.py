"""What the engine and the adapters tell of their work, to whoever counts it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from captcha_stateless.errors import CaptchaError

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

    def took(self, part: str) -> AbstractContextManager[object]:
        """Time what happens inside."""
        return _UNTIMED

    def state(self, fill: float, ready: bool) -> None:
        """So full is the replay filter."""

    def exposed(self) -> bytes:
        """Write what was counted."""
        return b""

    def judged(self, told: Callable[[str], None], right: str) -> "Judgement":
        """Tell how a judgement ends: with ``right``, or with the code of the error that is raised."""
        return Judgement(told, right)


class Judgement:
    """Tells a listener the outcome of a ``with`` block."""

    def __init__(self, told: Callable[[str], None], right: str) -> None:
        self._told, self._right = told, right

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Tell the outcome; what is no refusal is a fault."""
        code = error.code if isinstance(error, CaptchaError) else "fault"
        self._told(self._right if error is None else code)
