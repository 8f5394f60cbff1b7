"""A circuit breaker: after a failure it answers at once for a while, then lets one caller try."""

from captcha_stateless.errors import Unavailable


class Breaker:
    """Keeps callers from waiting, one after the other, for something that is down."""

    def __init__(self, pause_seconds: float) -> None:
        self._pause = pause_seconds
        self._until: float | None = None

    def enter(self, now: float) -> None:
        """Let the caller through, or refuse at once.

        Args:
            now: a monotonic clock, in seconds.

        Raises:
            Unavailable: the last try failed a short while ago, or another caller is trying.
        """
        if self._until is None:
            return
        if now < self._until:
            raise Unavailable("the replay filter's server failed a moment ago")
        # This caller tries, for all who come meanwhile; if it never reports back, another may after the next
        # pause.
        self._until = now + self._pause

    def fail(self, now: float) -> None:
        """Refuse everybody for a while."""
        self._until = now + self._pause

    def succeed(self) -> None:
        """Let everybody through."""
        self._until = None
