"""The agents of a file, verified: a signature counts once, so its nonce is spent for as long as it would count."""

import time
from collections.abc import Callable, Mapping

from captcha_stateless.agents import signatures
from captcha_stateless.agents.base import Agents
from captcha_stateless.agents.directory import AgentKey
from captcha_stateless.replay.base import Replay
from captcha_stateless.risk import Caller
from captcha_stateless.tokens.digests import keyed_hash
from captcha_stateless.wall.visit import Visit

#: Where the nonces of signatures are filed.
NAMESPACE = "agent"


class PinnedAgents(Agents):
    """Tells which agent signed a visit; it keeps nothing but spent nonces, in the filter."""

    def __init__(
        self,
        keys: Callable[[], Mapping[str, AgentKey]],
        replay: Replay,
        key: bytes,
        *,
        meter: Callable[[Caller], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the pinned keys as a call, for they may change; ``meter`` counts what the filter is made to remember."""
        self._keys, self._replay, self._key, self._meter, self._clock = keys, replay, key, meter, clock

    async def verify(self, visit: Visit) -> str:
        """Name the agent that signed a visit, and spend its signature."""
        signed = signatures.read(visit)
        known = self._keys().get(signed.keyid) if signed else None
        if signed is None or known is None:
            return ""
        now = self._clock()
        signatures.require_timely(signed, known, now)
        signatures.require_agent(visit, signed, known)
        signatures.verify(visit, signed, known)
        self._meter(Caller(visit.address))
        # As old as it may be, by whichever clock it was made: a filter that has forgotten it then refuses it.
        made = signed.created - signatures.AHEAD_SECONDS
        jti = keyed_hash(self._key, signed.keyid.encode("ascii"), signed.nonce.encode("ascii"))
        await self._replay.spend(NAMESPACE, jti, iat=made, exp=signed.until, now=now)
        return known.agent
