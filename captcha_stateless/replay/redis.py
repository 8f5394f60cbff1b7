"""The replay filter of many hosts: one Redis (7 or later) or Valkey server that all replicas ask.

What it promises: no attempt is fresh twice, on whichever replica. Where the server may have forgotten (a
restart, empty or from an old file, FLUSHALL, the promotion of a replica) it refuses every token issued
before, instead. Where the server does not answer within 50 ms the answer is Unavailable: the token stays
unspent, or is burned where only the reply was lost. Nothing is tried again: a second try would find the token
spent by the first.

The hosts' clocks need not agree for that; those of servers that replace one another must, to a quarter of a second.

What it cannot promise: while two servers both believe that they are the master, each may honour a token.
Where there are replicas, set ``min-replicas-to-write 1`` and ``min-replicas-max-lag 1``, which bounds that
time.

The URL is ``redis://``, ``unix://``, or ``rediss://user:password@host:6379/0?ssl_ca_certs=/path/ca.pem`` for
TLS. The user needs no more than this::

    ACL SETUSER captcha on >password resetchannels ~captcha:* -@all +eval +evalsha +info +time +hmget +hset
        +set +exists +setbit +bitfield +expireat +hello +select
"""

import asyncio
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import blake2b, sha1
from typing import Any, Literal, TypeVar

from captcha_stateless.errors import CaptchaError, Expired, Misconfigured, Spent, Unavailable
from captcha_stateless.replay import lua
from captcha_stateless.replay.base import Replay, ReplayState, attempt_name
from captcha_stateless.replay.bloom import BLOCK_BITS, Geometry, Placer
from captcha_stateless.replay.breaker import Breaker
from captcha_stateless.replay.window import Window

try:
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import (
        AuthenticationError,
        NoPermissionError,
        NoScriptError,
        RedisError,
        ResponseError,
    )
except ImportError:
    raise Misconfigured("the Redis replay filter needs redis-py: install captcha-stateless[redis]") from None

#: After a failure, so long nothing is asked of the server. With the quarter of a second below and the rounding to
#: whole seconds, tokens issued 2 s after the server's return are honoured.
_PAUSE_SECONDS = 0.2

#: How far a host's clock may be ahead of the server's before its tokens have to wait, and how much later than
#: its beginning an epoch therefore lies. Hosts that ask a time server differ by milliseconds.
_AHEAD_SECONDS = 0.25

#: Connections that one process opens at most; further spends wait for one within their time.
_CONNECTIONS = 32

#: The bits of a compact bucket follow its count.
_COUNT_BITS = 32


Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Names:
    """What the keys on the server are called; a token's keys lie in one slot of a cluster."""

    prefix: str
    shards: int
    secret: bytes = field(repr=False)

    def shard(self, namespace: str, jti: bytes) -> int:
        """Return the shard of a token's attempts."""
        return int.from_bytes(self._hash(attempt_name(namespace, jti, 0))[:4]) % self.shards

    def epoch(self, shard: int) -> str:
        """Return the key that holds the shard's epoch."""
        return f"{self.prefix}:{{{shard}}}:epoch"

    def bucket(self, shard: int, bucket: int) -> str:
        """Return the key that holds one of the shard's buckets."""
        return f"{self.prefix}:{{{shard}}}:{bucket}"

    def attempt(self, shard: int, attempt: bytes) -> str:
        """Return the key that stands for one attempt."""
        return f"{self.prefix}:{{{shard}}}:{urlsafe_b64encode(self._hash(attempt)).decode()}"

    def _hash(self, message: bytes) -> bytes:
        return blake2b(message, key=self.secret, digest_size=18).digest()


class RedisReplay(Replay):
    """Remembers spent attempts on a Redis server; start it in the process and event loop that use it."""

    scope = "global"

    def __init__(
        self,
        url: str,
        *,
        key: bytes,
        mode: Literal["exact", "compact"] = "exact",
        horizon_seconds: int = 120,
        spends_per_second: int = 1000,
        skew_seconds: int = 5,
        false_positives: float = 1e-9,
        shards: int = 1,
        prefix: str = "captcha",
        timeout_seconds: float = 0.05,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect to nothing yet; :meth:`start` does.

        Args:
            url: the server, with user, password and TLS as the module says.
            key: at least 16 secret bytes that name the keys on the server, the same for every replica and not
                rotating.
            mode: exact keeps a key of some 100 bytes for each attempt; compact keeps a Bloom filter for each
                few seconds, 6 bytes an attempt at 1e-9, allocated whole.
            horizon_seconds: the longest life of a token, every extension included.
            spends_per_second: compact only: attempts, of all namespaces, that each second's tokens bear on
                average.
            skew_seconds: by how much the clock of a replica may be behind without its living tokens being
                refused.
            false_positives: compact only: the rate at which a fresh attempt is taken for a spent one, at full
                load.
            shards: how many slots of a cluster the keys are spread over, each with its own epoch.
            prefix: how the keys begin.
            timeout_seconds: how long a spend may take.
            clock: a monotonic clock, for the pause after a failure.

        Raises:
            Misconfigured: a value is out of range.
        """
        if shards < 1 or not re.fullmatch(r"[\w:.-]+", prefix):
            raise Misconfigured(
                "the replay filter needs a shard or more, and a prefix of letters, digits and _ : . -"
            )
        self._window = Window(horizon_seconds, skew_seconds)
        rate = -(-spends_per_second // shards)
        self._geometry = Geometry.for_load(rate * self._window.bucket_seconds, false_positives)
        self._placer = Placer(key, self._geometry)
        self._names = _Names(prefix, shards, blake2b(key, digest_size=32).digest())
        self._compact = mode == "compact"
        self._script = lua.COMPACT if self._compact else lua.EXACT
        self._settings = self._fingerprint()
        self._redis = _connect(url, timeout_seconds)
        self._timeout = timeout_seconds
        self._breaker = Breaker(_PAUSE_SECONDS)
        self._clock = clock
        self._epochs = [0] * shards
        self._checked = False

    async def start(self) -> None:
        """Check that the server suits, and learn its epochs.

        Raises:
            Misconfigured: the server evicts keys, is too old, refuses the user, or holds a filter with other
                settings.
            Unavailable: it does not answer.
        """
        await self._look()

    async def spend(
        self, namespace: str, jti: bytes, *, iat: int, exp: int, now: float, attempts: int = 1
    ) -> int:
        """Use up the first unused attempt; see :meth:`Replay.spend`."""
        bucket = self._window.bucket(exp, now)
        shard = self._names.shard(namespace, jti)
        names = [attempt_name(namespace, jti, attempt) for attempt in range(1, attempts + 1)]
        try:
            if not self._checked:
                await self._look()
            times = (iat, exp, self._window.skew_seconds)
            result = (await self._run(self._script, shard, times, *self._step(shard, bucket, names)))[0]
            if not self._checked:
                # The server was replaced in this moment: its word counts once it has been looked at.
                await self._look()
        except Misconfigured as problem:
            # What is wrong with the server is not the visitor's fault.
            raise Unavailable(str(problem)) from None
        if result > 0:
            return result
        raise self._refusal(result)

    async def spent(self, namespace: str, jti: bytes, *, exp: int, now: float) -> bool:
        """Tell whether the first attempt is used up; see :meth:`Replay.spent`.

        The epoch does not matter here: what is there was spent, and what was forgotten is told as not spent.
        """
        bucket = self._window.bucket(exp, now)
        shard = self._names.shard(namespace, jti)
        name = attempt_name(namespace, jti, 1)
        try:
            return await self._ask(lambda: self._seen(shard, bucket, name))
        except Misconfigured as problem:
            raise Unavailable(str(problem)) from None

    async def state(self, now: float) -> ReplayState:
        """Tell scope, readiness, fill and epoch."""
        fill, ready = 0.0, False
        try:
            fill = _memory_fill(await self._check())
            server_now = await self._learn_epochs()
            if self._compact:
                fill = max(fill, await self._fullest(now))
            ready = fill < 1 and server_now >= max(self._epochs)
        except CaptchaError:
            # Not ready, and why is in the answer to a spend.
            ready = False
        return ReplayState(self.scope, ready, fill, max(self._epochs))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _fingerprint(self) -> str:
        """Return what differs where two filters would not see each other's spends."""
        # Also of the exact mode: with another skew a replica would still honour what the server has dropped.
        parts = [self._names, self._window.skew_seconds]
        if self._compact:
            parts += [self._geometry, self._window]
        return blake2b(repr(parts).encode(), key=self._names.secret, digest_size=8).hexdigest()

    def _step(self, shard: int, bucket: int, names: list[bytes]) -> tuple[list[str], list[int]]:
        """Return the keys and arguments of a spend."""
        if not self._compact:
            return [self._names.attempt(shard, name) for name in names], []
        length = _COUNT_BITS + self._geometry.blocks * BLOCK_BITS
        ends = (bucket + 1) * self._window.bucket_seconds
        arguments = [length, self._geometry.capacity, ends, self._geometry.hashes]
        for name in names:
            block, positions = self._placer.place(name)
            start = _COUNT_BITS + block * BLOCK_BITS
            arguments += [start + position % BLOCK_BITS for position in positions]
        return [self._names.bucket(shard, bucket)], arguments

    async def _seen(self, shard: int, bucket: int, name: bytes) -> bool:
        """Look for an attempt on the server."""
        if not self._compact:
            return bool(await self._redis.exists(self._names.attempt(shard, name)))
        block, positions = self._placer.place(name)
        start = _COUNT_BITS + block * BLOCK_BITS
        looks = [part for at in positions for part in ("GET", "u1", start + at % BLOCK_BITS)]
        look = self._redis.execute_command("BITFIELD", self._names.bucket(shard, bucket), *looks)  # type: ignore[no-untyped-call]
        bits: list[int] = await look
        return all(bits)

    def _refusal(self, result: int) -> CaptchaError:
        """Word what the server refused."""
        if result == lua.SPENT:
            return Spent("every attempt is used up")
        if result == lua.EXPIRED:
            return Expired("the token was issued before the replay filter's epoch, or its time is over")
        if result == lua.EARLY:
            return Unavailable(
                "the clock of the host that issued the token is ahead of the replay filter's server"
            )
        return Unavailable("the replay filter is full", retry_after_seconds=self._window.bucket_seconds)

    async def _look(self) -> None:
        """Check the server, and learn its epochs."""
        await self._check()
        await self._learn_epochs()

    async def _check(self) -> dict[str, Any]:
        """Refuse a server that would forget spent tokens; return what it says of its memory."""
        server = await self._ask(lambda: self._redis.info("server"))
        memory: dict[str, Any] = await self._ask(lambda: self._redis.info("memory"))
        try:
            _check_server(server, memory)
        except Misconfigured:
            self._checked = False
            raise
        return memory

    async def _learn_epochs(self) -> int:
        """Learn every shard's epoch, beginning new ones where need be; return the server's time."""
        looks = [await self._run(lua.LOOK, shard, (0, 0, 0), [], []) for shard in range(self._names.shards)]
        self._checked = True
        return looks[-1][2]

    async def _run(
        self, script: str, shard: int, times: tuple[int, int, int], keys: list[str], arguments: list[int]
    ) -> list[int]:
        """Run one atomic step on the server, and note its epoch."""
        known = self._epochs[shard]
        values = [*times, _AHEAD_SECONDS, known, self._settings, *arguments]
        result: list[int] = await self._ask(
            lambda: self._evaluate(script, [self._names.epoch(shard), *keys], values)
        )
        if result[1] > known:
            # Another server answers, or the same after a loss: look at it before the next spend.
            self._epochs[shard] = max(result[1], self._epochs[shard])
            self._checked = False
        return result

    async def _evaluate(self, script: str, keys: list[str], values: list[Any]) -> Any:
        """Run a script, sending its text where the server does not know it."""
        try:
            digest = sha1(script.encode(), usedforsecurity=False).hexdigest()
            return await self._redis.evalsha(digest, len(keys), *keys, *values)
        except NoScriptError:
            # Not a second try: the first one ran nothing.
            return await self._redis.eval(script, len(keys), *keys, *values)

    async def _ask(self, question: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask the server once, within the time, unless it failed a moment ago.

        Raises:
            Misconfigured: the server refuses the user or the settings.
            Unavailable: it does not answer.
        """
        self._breaker.enter(self._clock())
        try:
            async with asyncio.timeout(self._timeout):
                answer = await question()
        except (RedisError, OSError) as failure:
            self._breaker.fail(self._clock())
            if isinstance(failure, ResponseError):
                # A master that was demoted still answers: only a new connection finds its successor.
                await self._redis.connection_pool.disconnect(inuse_connections=False)
            raise _worded(failure) from None
        self._breaker.succeed()
        return answer

    async def _fullest(self, now: float) -> float:
        """Return the fullest bucket's load."""
        first = int(now - self._window.skew_seconds) // self._window.bucket_seconds
        buckets = range(first, first + self._window.buckets)

        async def counts() -> list[int]:
            asked = self._redis.pipeline(transaction=False)
            for shard in range(self._names.shards):
                for bucket in buckets:
                    asked.execute_command("BITFIELD", self._names.bucket(shard, bucket), "GET", "u32", 0)
            return [count for (count,) in await asked.execute()]

        return max(await self._ask(counts)) / self._geometry.capacity


def _connect(url: str, timeout_seconds: float) -> Redis:
    """Prepare connections that give up in time and try nothing twice."""
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError:
        raise Misconfigured(
            "the replay filter's URL must begin with redis://, rediss:// or unix://"
        ) from None
    return Redis.from_pool(pool)


def _check_server(server: dict[str, Any], memory: dict[str, Any]) -> None:
    """Refuse what INFO shows to be too old, or to drop keys."""
    if int(str(server["redis_version"]).split(".")[0]) < 7:
        raise Misconfigured("the replay filter needs Redis 7 or later, or Valkey")
    if memory["maxmemory_policy"] != "noeviction":
        raise Misconfigured("the replay filter's server must not evict keys: set maxmemory-policy noeviction")


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


def _memory_fill(memory: dict[str, Any]) -> float:
    """Return how full the server's memory is; 0 where it has no limit."""
    return int(memory["used_memory"]) / int(memory["maxmemory"]) if memory["maxmemory"] else 0.0
