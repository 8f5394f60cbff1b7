"""How many challenges a network may ask of a site: counted in this process, or in Redis for all replicas."""

import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Any

from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter as SharedLimiter
from limits.errors import StorageError
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter as OwnLimiter

from captcha_stateless.errors import TooMany
from captcha_stateless.risk.networks import ALLOW, UNNAMED, Networks, prefix
from captcha_stateless.risk.networks import parse as parse_address
from captcha_stateless.stores.url import RedisUrl
from captcha_stateless.tokens.digests import keyed_hash

#: Counts kept in this process, about 500 bytes each; past that the oldest are forgotten, a sixteenth at a time.
MOST = 65_536
#: Counting is worth no more waiting than that.
_PATIENCE_SECONDS = 0.05

#: Counts one more, and tells when there is room again (Unix seconds) where there was none.
Counter = Callable[[RateLimitItem, str], Awaitable[float | None]]

_log = logging.getLogger(__name__)


class Rates:
    """Counts challenges by prefix and site, under a keyed hash; where it cannot count it lets through."""

    def __init__(
        self,
        key: bytes,
        rates: Iterable[str],
        *,
        store: str = "memory",
        networks: Callable[[], Networks] = Networks,
    ) -> None:
        """Take rates such as ``30/minute``, and where to count: ``memory`` or a Redis URL."""
        self._key, self._networks = key, networks
        self._rates = [parse(rate) for rate in rates]
        self._memory: MemoryStorage | None = None
        self._redis: _Storage | None = None
        if store == "memory":
            self._memory = MemoryStorage()
            self._count = _own(self._memory)
        else:
            from captcha_stateless.stores.connect import connect  # an extra

            self._redis = _Storage(connect(RedisUrl.parse(store), _PATIENCE_SECONDS))
            self._count = _shared(self._redis)
        self._down = False

    async def require(self, text: str, site: str) -> None:
        """Count a challenge that an address asks of a site.

        Raises:
            TooMany: when its network has asked too many; the challenge counts none the less.
        """
        address = parse_address(text)
        if not text or (address and self._networks().find(address) == ALLOW):
            return
        who = keyed_hash(self._key, b"rate", prefix(address) if address else UNNAMED, site.encode()).hex()
        for rate in self._rates:
            seconds = await self._seconds_over(rate, who)
            if seconds is not None:
                raise TooMany(f"over {rate}", retry_after_seconds=seconds)

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._redis is not None:
            from captcha_stateless.stores.connect import close  # an extra

            await close(self._redis.client)

    async def _seconds_over(self, rate: RateLimitItem, who: str) -> int | None:
        if self._memory and len(self._memory.storage) > MOST:
            for oldest in list(islice(self._memory.storage, MOST // 16)):
                self._memory.clear(oldest)
        try:
            free_at = await self._count(rate, who)
        except StorageError as error:
            if not self._down:
                _log.warning("rates are not counted: %s", type(error.storage_error).__name__)
            self._down = True
            return None
        self._down = False
        return None if free_at is None else max(1, math.ceil(free_at - time.time()))


def _own(storage: MemoryStorage) -> Counter:
    limiter = OwnLimiter(storage)

    async def count(rate: RateLimitItem, who: str) -> float | None:
        return None if limiter.hit(rate, who) else limiter.get_window_stats(rate, who).reset_time

    return count


class _Storage(RedisStorage):
    """The library's counts, on connections of ours: to a server, to what Sentinels name, or to a cluster."""

    def __init__(self, client: Any) -> None:
        self.client = client
        super().__init__("async+redis://", True, implementation="redispy", key_prefix="captcha-rates")

    def configure_bridge(self) -> None:
        bridge: Any = self.bridge  # redis-py's, as asked for above
        bridge.connection_getter = lambda _: self.client


def _shared(storage: _Storage) -> Counter:
    limiter = SharedLimiter(storage)

    async def count(rate: RateLimitItem, who: str) -> float | None:
        if await limiter.hit(rate, who):
            return None
        return (await limiter.get_window_stats(rate, who)).reset_time

    return count
