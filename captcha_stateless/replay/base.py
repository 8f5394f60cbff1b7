"""The contract of a replay filter: the one thing that a deployment remembers is which attempts are spent."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from captcha_stateless.errors import Refused, Unavailable

#: How far a single-use promise reaches: one process, all workers of one host, or every replica.
Scope = Literal["process", "host", "global"]

#: Appended to a namespace where the one right answer is marked.
_WON = "/won"

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

    A filter may wrongly say *spent* (with the small probability it states), never wrongly *fresh*.
    """

    scope: Scope

    @abstractmethod
    async def spend(
        self, namespace: str, jti: bytes, *, iat: int, exp: int, now: float, attempts: int = 1
    ) -> int:
        """Use up the first unused one of a token's attempts, in one atomic step.

        Args:
            namespace: what the attempt is for (at most 32 ASCII characters); equal jtis of two namespaces are
                unrelated.
            jti: the token's sealed identity, 16 random bytes.
            iat: Unix second at which the token was issued; tokens older than the filter's epoch are refused.
            exp: Unix second from which on the attempt may be forgotten; the same for every token that carries
                this jti.
            now: the caller's clock, in Unix seconds.
            attempts: how many times the token may be tried, at least 1.

        Returns:
            The number of the attempt that this call used up, from 1 to ``attempts``.

        Raises:
            Spent: no attempt is left.
            Expired: ``exp`` has come or lies beyond the filter's horizon, or the token is older than its
                memory.
            Unavailable: the filter cannot say, or the namespace has used up its share of the room, or the
                token comes from the future; nothing was spent.
        """

    @abstractmethod
    async def spent(self, namespace: str, jti: bytes, *, exp: int, now: float) -> bool:
        """Tell whether the first attempt is used up, using up nothing; arguments as in :meth:`spend`.

        A filter that was emptied may wrongly say no, never wrongly yes but for its false positives.

        Raises:
            Expired: ``exp`` has come or lies beyond the filter's horizon.
            Unavailable: the filter cannot say.
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

    async def win(self, namespace: str, jti: bytes, *, iat: int, exp: int, now: float, attempts: int) -> None:
        """Let one right answer through and close the attempts that remain.

        Of two right answers at the same moment, exactly one returns. The mark of the winner decides that, not
        the closing: where the closing fails, what is left open can be tried, but no longer won.

        Raises:
            Spent: another right answer came first.
            Expired: as in :meth:`spend`.
            Unavailable: as in :meth:`spend`.
        """
        if attempts == 1:
            return
        await self.spend(namespace + _WON, jti, iat=iat, exp=exp, now=now)
        try:
            while await self.spend(namespace, jti, iat=iat, exp=exp, now=now, attempts=attempts) < attempts:
                pass
        except (Refused, Unavailable):
            return
