"""The replay filter for those who prefer answering over exactness while the distributed one is down."""

import logging
from contextlib import suppress

from captcha_stateless.errors import Expired, Unavailable
from captcha_stateless.replay.base import Replay, ReplayState

_log = logging.getLogger(__name__)


class FallbackReplay(Replay):
    """Asks a distributed filter, and a local one where the former is down.

    The bound: an attempt is honoured at most once for each local filter, so a solved token is worth as many passes as there
    are replicas while the distributed filter is down, and never more. A local filter also notes what the distributed one
    honours: an outage does not make that fresh again here, nor does its end what was honoured meanwhile.
    """

    def __init__(self, distributed: Replay, local: Replay) -> None:
        """Take both; while the distributed filter is up, its promise holds."""
        self.scope = distributed.scope
        self._distributed = distributed
        self._local = local
        self._alone = False

    async def start(self) -> None:
        """Start both; that the distributed one is down is what this filter is for."""
        await self._local.start()
        try:
            await self._distributed.start()
        except Unavailable as error:
            self._go_alone(error)

    async def spend(
        self, namespace: str, jti: bytes, *, iat: int, exp: int, now: float, attempts: int = 1
    ) -> int:
        """Use up the first unused attempt; see :meth:`Replay.spend`."""
        try:
            number = await self._distributed.spend(
                namespace, jti, iat=iat, exp=exp, now=now, attempts=attempts
            )
        except Unavailable as error:
            self._go_alone(error)
            return await self._local.spend(namespace, jti, iat=iat, exp=exp, now=now, attempts=attempts)
        self._come_back()
        # A local filter that is full, or younger than the token, refuses it in an outage too: nothing to
        # note.
        with suppress(Unavailable, Expired):
            await self._local.spend(namespace, jti, iat=iat, exp=exp, now=now, attempts=attempts)
        return number

    async def state(self, now: float) -> ReplayState:
        """Tell the distributed filter's state, or the local one's where that one is not ready."""
        state = await self._distributed.state(now)
        return state if state.ready else await self._local.state(now)

    async def close(self) -> None:
        """Close both."""
        await self._distributed.close()
        await self._local.close()

    def _go_alone(self, error: Unavailable) -> None:
        if not self._alone:
            _log.error("the distributed replay filter is down, this replica goes on alone: %s", error)
        self._alone = True

    def _come_back(self) -> None:
        if self._alone:
            _log.warning("the distributed replay filter is back")
        self._alone = False
