"""The contract of a replay filter: the one thing that a deployment remembers is which attempts are spent."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from captcha_stateless.errors import Refused, Unavailable

#: How far a single-use promise reaches: one process, all workers of one host, or every replica.
Scope = Literal["process", "host", "global"]

#: Appended to a namespace where the one right answer is marked.
_WON = "/won"


@dataclass(frozen=True, slots=True)
class ReplayState:
    """What a filter says of itself for readiness checks and metrics.

    ``fill`` is the fullest live bucket's load as a fraction of its safe capacity (0 to 1; above 1 it
    refuses), ``epoch`` the Unix second before which issued tokens are refused. Before the epoch the filter is
    not ready: tokens issued meanwhile would be refused later.
    """

    scope: Scope
    ready: bool
    fill: float
    epoch: int


def attempt_name(namespace: str, jti: bytes, attempt: int) -> bytes:
    """Return the bytes that stand for one attempt, different for every namespace, jti and attempt."""
    return b"%c%b%c%b%d" % (len(namespace), namespace.encode("ascii"), len(jti), jti, attempt)


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
            Unavailable: the filter cannot say, or is too full to say it safely; nothing was spent.
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
        """Tell scope, readiness, fill and epoch."""

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
