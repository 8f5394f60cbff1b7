"""A replay filter that goes on alone while the shared one is down; only for operators who ask for it.

What it promises: while the shared filter answers, its promise holds. While it does not, each replica honours a token by what
it has itself seen: with n replicas a token is honoured at most n times in all, before, during and after the outage together.
"""

import logging
from typing import TypedDict

from captcha_stateless.errors import Expired, Unavailable
from captcha_stateless.replay.base import NEVER, Replay, ReplayState

_log = logging.getLogger(__name__)


class _Known(TypedDict):
    iat: int
    exp: int
    now: float
    attempts: int
    mark: bytes
    moments: range


class FallbackReplay(Replay):
    """Asks the shared filter first, and the local one when that is down."""

    def __init__(self, shared: Replay, local: Replay) -> None:
        self.scope = shared.scope
        self._shared, self._local = shared, local
        self._alone = False

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
        """Use up the first unused attempt; see :meth:`Replay.spend`."""
        known: _Known = {
            "iat": iat,
            "exp": exp,
            "now": now,
            "attempts": attempts,
            "mark": mark,
            "moments": moments,
        }
        try:
            found = await self._shared.spend(namespace, jti, moment=moment, **known)
        except Unavailable as error:
            self._tell(error, alone=True)
            return await self._local.spend(namespace, jti, moment=moment, **known)
        self._tell(None, alone=False)
        # Whatever this replica honours, it honours through its local filter, one mark each. So a token spent before the
        # shared filter went down is not fresh here meanwhile, and one spent meanwhile is Spent when it is back.
        try:
            left = moment if found > 0 else moments[-found]
            here = await self._local.spend(namespace, jti, moment=left, **known)
        except (Unavailable, Expired) as error:
            _log.warning("the local replay filter does not remember: %s", error)
            return found
        return found if found <= 0 or here > 0 else here

    async def state(self, now: float) -> ReplayState:
        """Tell the shared filter's state while it is up, else the local one's, whose scope is one process."""
        shared = await self._shared.state(now)
        return shared if shared.ready else await self._local.state(now)

    async def start(self) -> None:
        """Check the shared filter; one that is merely down is no reason not to start."""
        try:
            await self._shared.start()
        except Unavailable as error:
            self._tell(error, alone=True)

    async def close(self) -> None:
        """Close both."""
        await self._shared.close()
        await self._local.close()

    def _tell(self, error: object, *, alone: bool) -> None:
        if alone and not self._alone:
            _log.error("the shared replay filter is down, this replica goes on alone: %s", error)
        if self._alone and not alone:
            _log.warning("the shared replay filter is back")
        self._alone = alone
