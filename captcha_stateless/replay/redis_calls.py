"""One question to Redis: within its time, never when it failed a moment ago, and its faults in our words."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from hashlib import sha1
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    NoScriptError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from captcha_stateless.errors import CaptchaError, Misconfigured, Unavailable
from captcha_stateless.replay.breaker import Breaker
from captcha_stateless.stores.connect import Client, close, connect, find
from captcha_stateless.stores.url import RedisUrl

#: After a failure, so long nothing is asked of the server.
_PAUSE_SECONDS = 0.2

#: Connections that one process opens at most; further questions wait for one within their time.
_CONNECTIONS = 32

#: Where the servers are is asked of Sentinels or of a cluster's nodes, some of which may be gone, too.
_FIND_SECONDS = 2.0

Answer = TypeVar("Answer")


class Server:
    """Asks one Redis; use it in one event loop."""

    def __init__(self, url: RedisUrl, *, timeout_seconds: float, clock: Callable[[], float]) -> None:
        """Connect to nothing yet; ``clock`` is a monotonic one."""
        self._client = connect(url, timeout_seconds)
        self._timeout = timeout_seconds
        self._places = asyncio.Semaphore(_CONNECTIONS)
        self._breaker = Breaker(_PAUSE_SECONDS)
        self._clock = clock
        self._lost = True

    async def run(self, script: str, keys: list[str], values: list[Any]) -> Any:
        """Run a script, sending its text where the server does not know it.

        Raises:
            Misconfigured: the server refuses the user or the settings.
            Unavailable: it does not answer.
        """
        digest = sha1(script.encode(), usedforsecurity=False).hexdigest()

        async def evaluate(client: Client) -> Any:
            try:
                return await client.evalsha(digest, len(keys), *keys, *values)
            except NoScriptError:
                # Not a second try: the first one ran nothing.
                return await client.eval(script, len(keys), *keys, *values)

        return await self.ask(evaluate)

    async def ask(self, question: Callable[[Client], Awaitable[Answer]]) -> Answer:
        """Ask the server once, within the time, unless it failed a moment ago.

        Raises:
            Misconfigured: the server refuses the user or the settings.
            Unavailable: it does not answer.
        """
        self._breaker.enter(self._clock())
        try:
            if self._lost:
                async with asyncio.timeout(_FIND_SECONDS):
                    await find(self._client)
            async with asyncio.timeout(self._timeout), self._places:
                answer = await question(self._client)
        except (RedisError, RedisClusterException, OSError) as failure:
            self._breaker.fail(self._clock())
            self._lost = True
            if isinstance(failure, ResponseError) and isinstance(self._client, Redis):
                # A master that was demoted still answers: only a new connection finds its successor.
                await self._client.connection_pool.disconnect(inuse_connections=False)
            raise _worded(failure) from None
        self._breaker.succeed()
        self._lost = False
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await close(self._client)


def require_suitable(info: str) -> None:
    """Refuse a server that is too old, or drops keys, by what its INFO says.

    Raises:
        Misconfigured: it would forget spent tokens.
    """
    if int(info_field(info, "redis_version").partition(".")[0]) < 7:
        raise Misconfigured("the replay filter needs Redis 7 or later, or Valkey")
    if info_field(info, "maxmemory_policy") != "noeviction":
        raise Misconfigured("the replay filter's server must not evict keys: set maxmemory-policy noeviction")


def memory_fill(info: str) -> float:
    """Tell how full the server's memory is; 0 where it has no limit."""
    most = int(info_field(info, "maxmemory"))
    return int(info_field(info, "used_memory")) / most if most else 0.0


def info_field(info: str, name: str) -> str:
    """Read one field of what INFO says."""
    found = re.search(rf"^{name}:(.*?)\r?$", info, re.MULTILINE)
    return found[1] if found else "0"


def _worded(failure: Exception) -> CaptchaError:
    """Return our error for one of the server's, which might name addresses."""
    if isinstance(failure, (AuthenticationError, NoPermissionError)):
        return Misconfigured(
            "the replay filter's server refuses the user, its password or a command: see its ACL"
        )
    if str(failure).startswith("OTHERSETTINGS"):
        return Misconfigured(
            "the keys on the server belong to a filter with other settings or another key: "
            "name another prefix"
        )
    return Unavailable(f"the replay filter's server failed: {type(failure).__name__}")
