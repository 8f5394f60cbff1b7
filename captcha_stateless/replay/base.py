"""The contract of a replay filter: the one thing that a deployment remembers is which attempts are spent."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from captcha_stateless.errors import Spent, Unavailable

#: How far a single-use promise reaches: one process, all workers of one host, or every replica.
Scope = Literal["process", "host", "global"]

#: Appended to a namespace for the marks that are left beside its attempts.
_MARKS = "/won"

#: No moments: nothing is known again.
NEVER = range(0)

#: How far a token may come from the future: hosts that ask a time server differ by milliseconds.
AHEAD_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class ReplayState:
    """What a filter says of itself for readiness checks and metrics.

    ``fill`` is how much of the fullest live bucket's common room is taken (0 to 1; at 1 a namespace has only
    what is left of its own). A full filter is ready: it refuses by itself, and no other replica has more room.
    ``epoch`` is the Unix second before which issued tokens are refused; before the epoch the filter is not
    ready, for tokens issued meanwhile would be refused later. ``ahead_seconds`` is how far the caller's clock
    is ahead of the one that the filter trusts.
    """

    scope: Scope
    ready: bool
    fill: float
    epoch: int
    ahead_seconds: float = 0.0


def attempt_name(namespace: str, jti: bytes, attempt: int) -> bytes:
    """Return the bytes that stand for one attempt, different for every namespace, jti and attempt."""
    return b"%c%b%c%b%d" % (len(namespace), namespace.encode("ascii"), len(jti), jti, attempt)


def mark_name(namespace: str, jti: bytes, mark: bytes) -> bytes:
    """Return the bytes that stand for a mark beside a token's attempts."""
    return attempt_name(namespace + _MARKS, jti + mark, 0)


def repeat_of(found: Sequence[bool]) -> int:
    """Tell at which of the moments a mark was left, as :meth:`Replay.spend` returns it.

    Raises:
        Spent: at none, or at more than one: all but one are false positives then, and none is believed.
    """
    if found.count(True) != 1:
        raise Spent("every attempt is used up")
    return -found.index(True)


def require_past(iat: int, now: float) -> None:
    """Refuse a token from the future until its time has come.

    Else a spend under a clock that ran ahead would be younger than the epoch of whoever forgot it since.

    Raises:
        Unavailable: the token was issued later than the clock says.
    """
    if iat > now + AHEAD_SECONDS:
        raise early()


def early() -> Unavailable:
    """Word that a token comes from the future."""
    return Unavailable("the clock of the host that issued the token is ahead of the replay filter's")


class Replay(ABC):
    """Remembers which attempts are spent, for as long as their tokens live, and forgets them afterwards.

    A filter may wrongly say *spent*, or *repeated*, with the small probability it states; never wrongly *fresh*.
    """

    scope: Scope

    @abstractmethod
    async def spend(
        self,
        namespace: str,
        jti: bytes,
        *,
        iat: int,
        exp: int,
        now: float,
        attempts: int = 1,
        mark: bytes = b"",
        moment: int | None = None,
        moments: range = NEVER,
    ) -> int:
        """Use up the first unused one of a token's attempts, in one atomic step.

        With a ``moment`` the same step uses up all attempts that remain and leaves the mark beside them: of all callers that
        want to leave one, one does.

        Args:
            namespace: what the attempt is for (at most 32 ASCII characters); equal jtis of two namespaces are
                unrelated.
            jti: the token's sealed identity, 16 random bytes.
            iat: Unix second at which the token was issued; tokens older than the filter's epoch are refused.
            exp: Unix second from which on the attempt may be forgotten; the same for every token that carries
                this jti.
            now: the caller's clock, in Unix seconds.
            attempts: how many times the token may be tried, at least 1.
            mark: 16 bytes that stand for what the caller says, or none.
            moment: the number that the mark is left with; None: it is not left.
            moments: the numbers, one after the other and at most 4,096, with which it is known again.

        Returns:
            The number of the attempt that this call used up, from 1 to ``attempts``; or, where all were used up and the
            mark was left with one of ``moments``, minus that one's place there (0 for the first).

        Raises:
            Spent: no attempt is left, and the mark was not left at such a moment.
            Expired: ``exp`` has come or lies beyond the filter's horizon, or the token is older than its
                memory.
            Unavailable: the filter cannot say, or the namespace has used up its share of the room, or the
                token comes from the future; nothing was spent.
        """

    @abstractmethod
    async def state(self, now: float) -> ReplayState:
        """Tell how the filter is."""

    async def start(self) -> None:  # noqa: B027 - most filters are ready when they are made
        """Check, before the first token is issued, that the filter can work.

        Raises:
            Misconfigured: it cannot, and the message says what to change.
            Unavailable: what it depends on does not answer yet.
        """

    async def close(self) -> None:  # noqa: B027 - most filters have nothing to give back
        """Give back what the filter holds (connections, maps)."""
