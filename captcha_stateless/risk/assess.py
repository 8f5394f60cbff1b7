"""The risk of a caller: the highest of what networks, a proxy's score, the prefix's own activity and a blocklist say."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from captcha_stateless.errors import Blocked
from captcha_stateless.risk.counters import Counters
from captcha_stateless.risk.networks import ALLOW, BLOCK, UNNAMED, Address, Networks, parse, prefix
from captcha_stateless.tokens.digests import keyed_hash

if TYPE_CHECKING:
    from captcha_stateless.risk.dnsbl import Dnsbl  # an extra, which few use

#: Risk is a whole number from 0 (harmless) to 100 (certainly a bot), as RESTCaptcha counts it.
MAX_SCORE = 100
#: Each doubling of a prefix's activity above what is free adds so much to its score.
_SCORE_PER_DOUBLING = 25


class Caller(NamedTuple):
    """Who asks: the address that the server believes, and the score that a trusted proxy gave, if one did.

    ``weight`` is what a site's rules add to the risk, 0 to 100.
    """

    address: str
    score: int | None = None
    weight: int = 0

    def weighed(self, weight: int) -> "Caller":
        """Add the weight that a site's rules give, as far as there is any above it."""
        return self._replace(weight=max(0, min(MAX_SCORE, self.weight + weight)))


class Risk(NamedTuple):
    """A score from 0 to 100, and the keyed hash under which the caller's prefix is counted at this site (empty: not)."""

    score: int
    who: bytes = b""


class Assessor:
    """Scores callers; it keeps no address, only counts under keyed hashes."""

    def __init__(
        self,
        key: bytes,
        *,
        networks: Callable[[], Networks] = Networks,
        half_life_seconds: float = 300,
        free_challenges: float = math.inf,
        dnsbl: "Dnsbl | None" = None,
        dnsbl_score: int = 60,
    ) -> None:
        """Take the networks as a call, for they may change; a prefix may ask ``free_challenges`` in a half-life."""
        self._key, self._networks, self._free = key, networks, free_challenges
        self._dnsbl, self._dnsbl_score = dnsbl, dnsbl_score
        self._challenges = Counters(half_life_seconds)

    async def assess(self, caller: Caller, site: str, now: float, *, counted: bool = True) -> Risk:
        """Score a caller that asks for a challenge of a site, and count that it asked unless it only wants to know.

        Raises:
            Blocked: when the address is on the block list.
        """
        address, verdict, who = self._found(caller, site)
        if not who:
            return Risk(0 if address else _weighed(caller.score or 0, caller))
        activity = self._activity((self._challenges.add if counted else self._challenges.value)(who, now))
        listed = await self._listed(address, now) if address else 0
        return Risk(_weighed(max(verdict or 0, caller.score or 0, activity, listed), caller), who)

    @property
    def asks(self) -> bool:
        """Whether others are asked about callers, which may take a while."""
        return self._dnsbl is not None

    async def foresee(self, caller: Caller, now: float) -> None:
        """Ask others about a caller now, so that :meth:`assess` need not wait for them."""
        address = parse(caller.address)
        if address is not None:
            await self._listed(address, now)

    def who(self, caller: Caller, site: str) -> bytes:
        """Tell the keyed hash under which a caller's prefix is counted, counting nothing; empty: it is not.

        Raises:
            Blocked: when the address is on the block list.
        """
        return self._found(caller, site)[2]

    def admit(self, caller: Caller) -> None:
        """Let a caller in who asks for nothing that is counted.

        Raises:
            Blocked: when the address is on the block list.
        """
        if self._networks():
            self._found(caller, "")

    def metered(self, caller: Caller) -> bytes:
        """Tell the keyed hash under which a caller's answers are counted, whatever the site; empty: they are not.

        A proxy on the same machine that is not trusted speaks for everybody: what comes from there is not counted. All who
        are said to come from what is no address share one count.

        Raises:
            Blocked: when the address is on the block list.
        """
        address, _, who = self._found(caller, "")
        return b"" if address is not None and address.is_loopback else who

    def _found(self, caller: Caller, site: str) -> tuple[Address | None, int | None, bytes]:
        address = parse(caller.address)
        if address is None:
            return None, None, keyed_hash(self._key, UNNAMED, site.encode()) if caller.address else b""
        verdict = self._networks().find(address)
        if verdict == BLOCK:
            raise Blocked("the address is on the block list")
        counted = verdict != ALLOW
        return address, verdict, keyed_hash(self._key, prefix(address), site.encode()) if counted else b""

    def _activity(self, challenges: float) -> int:
        if challenges <= self._free:
            return 0
        return min(MAX_SCORE, round(_SCORE_PER_DOUBLING * math.log2(challenges / self._free)))

    async def _listed(self, address: Address, now: float) -> int:
        return self._dnsbl_score if self._dnsbl and await self._dnsbl.listed(address, now) else 0


def _weighed(score: int, caller: Caller) -> int:
    return min(MAX_SCORE, score + caller.weight)
