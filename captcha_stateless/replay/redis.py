"""The replay filter of many hosts: one Redis (7 or later) or Valkey server that all replicas ask.

What it promises: no attempt is fresh twice, on whichever replica. Where the server may have forgotten (a
restart, empty or from an old file, FLUSHALL, the promotion of a replica) it refuses every token issued
before, instead. Where the server does not answer within 50 ms the answer is Unavailable: the token stays
unspent, or is spent where only the reply was lost. Nothing is tried again here: the visitor who sends the same answer again
is known by its mark.

The hosts' clocks need not agree for that; those of servers that replace one another must, to a quarter of a second.

What it cannot promise: while two servers both believe that they are the master, each may honour a token.
Where there are replicas, set ``min-replicas-to-write 1`` and ``min-replicas-max-lag 1``, which bounds that
time.

The URL names one server, the Sentinels that know it, or a cluster (:mod:`captcha_stateless.stores.url`). The
user needs no more than this, and in a cluster ``+cluster|slots +command`` as well::

    ACL SETUSER captcha on >password resetchannels ~captcha:* -@all +eval +evalsha +info +time +hmget +hset
        +set +exists +setbit +bitfield +expireat +hello +select
"""

import asyncio
import re
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Literal

from captcha_stateless.errors import CaptchaError, Expired, Misconfigured, Spent, Unavailable
from captcha_stateless.replay import lua
from captcha_stateless.replay.base import (
    AHEAD_SECONDS,
    NEVER,
    Replay,
    ReplayState,
    attempt_name,
    early,
    mark_name,
    repeat_of,
)
from captcha_stateless.replay.bloom import BLOCK_BITS, Geometry, Placer
from captcha_stateless.replay.redis_calls import Server, memory_fill, require_suitable
from captcha_stateless.replay.redis_keys import Names
from captcha_stateless.replay.shares import Shares, full, lane
from captcha_stateless.replay.window import Window
from captcha_stateless.stores.connect import Client
from captcha_stateless.stores.url import RedisUrl

#: The bits of a compact bucket follow its count.
_COUNT_BITS = 32
#: A block is read in words of so many bits: the widest that BITFIELD has.
_WORD = 64

#: A cluster's keys are spread over so many slots: a few for each master that there may be.
_CLUSTER_SHARDS = 16

#: Past these a host is not ready: what is answered within a second of being asked had to wait, or a grid lost a quarter of
#: its time.
_MOST_AHEAD_SECONDS = 1.0
_MOST_BEHIND_SECONDS = 30.0


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
        shards: int | None = None,
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
            spends_per_second: attempts, of all namespaces together, that each second's tokens bear on average.
            skew_seconds: by how much the clock of a replica may be behind without its living tokens being
                refused.
            false_positives: compact only: the rate at which a fresh attempt is taken for a spent one, at full
                load.
            shards: how many slots of a cluster the keys are spread over, each with its own epoch; one on a
                server, 16 in a cluster.
            prefix: how the keys begin.
            timeout_seconds: how long a spend may take.
            clock: a monotonic clock, for the pause after a failure.

        Raises:
            Misconfigured: a value is out of range.
        """
        place = RedisUrl.parse(url)
        if shards is None:
            shards = _CLUSTER_SHARDS if place.topology == "cluster" else 1
        if shards < 1 or not re.fullmatch(r"[\w:.-]+", prefix):
            raise Misconfigured(
                "the replay filter needs a shard or more, and a prefix of letters, digits and _ : . -"
            )
        self._window = Window(horizon_seconds, skew_seconds)
        rate = -(-spends_per_second // shards)
        self._geometry = Geometry.for_load(rate * self._window.bucket_seconds, false_positives)
        self._shares = Shares.of(self._geometry.capacity)
        self._placer = Placer(key, self._geometry)
        self._names = Names(prefix, shards, blake2b(key, digest_size=32).digest())
        self._compact = mode == "compact"
        self._script = lua.COMPACT if self._compact else lua.EXACT
        self._settings = self._fingerprint()
        self._server = Server(place, timeout_seconds=timeout_seconds, clock=clock)
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
        bucket = self._window.bucket(exp, now)
        shard = self._names.shard(namespace, jti)
        names = [attempt_name(namespace, jti, attempt) for attempt in range(1, attempts + 1)]
        known = mark_name(namespace, jti, mark)
        if self._compact:
            keys, arguments = self._bucket(shard, bucket, names, known, moment)
        else:
            keys = [self._names.attempt(shard, name) for name in names]
            value = b"" if moment is None else b"%b%d" % (mark, moment)
            arguments = [value, mark, moments.start, moments.stop]
        keys.insert(0, self._names.room(shard, bucket))
        ends = (bucket + 1) * self._window.bucket_seconds
        room = [lane(namespace), self._shares.own, self._shares.common, ends]
        try:
            if not self._checked:
                await self._look()
            times = (iat, exp, self._window.skew_seconds)
            result, _, *left = await self._run(self._script, shard, times, keys, room + arguments)
            if not self._checked:
                # The server was replaced in this moment: its word counts once it has been looked at.
                await self._look()
            if result == lua.SPENT and self._compact and moments:
                return await self._server.ask(
                    lambda client: self._known(client, shard, bucket, known, moments)
                )
        except Misconfigured as problem:
            # What is wrong with the server is not the visitor's fault.
            raise Unavailable(str(problem)) from None
        if result == lua.REPEATED:
            return -moments.index(left[0])
        if result > 0:
            return result
        raise self._refusal(result)

    async def state(self, now: float) -> ReplayState:
        """Tell how the filter is, by the server's clock."""
        began = self._clock()
        fill, ready, ahead = 0.0, False, 0.0
        try:
            fill = max(await self._check(), await self._fullest(now))
            asked = self._clock()
            server_now = await self._learn_epochs()
            # The server looked at its clock somewhere between question and answer.
            ahead = now + (asked + self._clock()) / 2 - began - server_now
            ready = server_now >= max(self._epochs) and -_MOST_BEHIND_SECONDS <= ahead <= _MOST_AHEAD_SECONDS
        except CaptchaError:
            # Not ready, and why is in the answer to a spend.
            ready = False
        return ReplayState(self.scope, ready, fill, max(self._epochs), ahead)

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()

    def _fingerprint(self) -> str:
        """Return what differs where two filters would not see each other's spends."""
        # Also of the exact mode: with another skew a replica would still honour what the server has dropped. The words are
        # those of the first version, so that replicas of both can share a server.
        names = f"_Names(prefix={self._names.prefix!r}, shards={self._names.shards})"
        parts = [names, str(self._window.skew_seconds)]
        if self._compact:
            parts += [repr(self._geometry), repr(self._window)]
        words = f"[{', '.join(parts)}]"
        return blake2b(words.encode(), key=self._names.secret, digest_size=8).hexdigest()

    def _bucket(
        self, shard: int, bucket: int, names: list[bytes], mark: bytes, moment: int | None
    ) -> tuple[list[str], list[Any]]:
        """Return the key and the arguments that stand for the attempts, and for the mark where it is left."""
        length = _COUNT_BITS + self._geometry.blocks * BLOCK_BITS
        arguments = [length, self._geometry.capacity, self._geometry.hashes, len(names)]
        for name in names:
            arguments += self._bits(name)
        if moment is not None:
            arguments += self._bits(mark, moment)
        return [self._names.bucket(shard, bucket)], arguments

    def _bits(self, name: bytes, moment: int = 0) -> list[int]:
        """Return a name's positions in a compact bucket."""
        block, positions = self._placer.place(name)
        start = _COUNT_BITS + block * BLOCK_BITS
        return [start + (position + moment) % BLOCK_BITS for position in positions]

    async def _known(self, client: Client, shard: int, bucket: int, mark: bytes, moments: range) -> int:
        """Look for a mark in its block of a compact bucket, which is asked for as 64 numbers."""
        block, positions = self._placer.place(mark)
        first = _COUNT_BITS + block * BLOCK_BITS
        looks = [part for at in range(first, first + BLOCK_BITS, _WORD) for part in ("GET", f"i{_WORD}", at)]
        words: list[int] = await client.execute_command("BITFIELD", self._names.bucket(shard, bucket), *looks)
        # Redis counts a byte's bits from the highest.
        bits = [word >> (_WORD - 1 - at) & 1 for word in words for at in range(_WORD)]
        return repeat_of(
            [all(bits[(position + at) % BLOCK_BITS] for position in positions) for at in moments]
        )

    def _refusal(self, result: int) -> CaptchaError:
        """Word what the server refused."""
        if result == lua.SPENT:
            return Spent("every attempt is used up")
        if result == lua.EXPIRED:
            return Expired("the token was issued before the replay filter's epoch, or its time is over")
        return early() if result == lua.EARLY else full(self._window.bucket_seconds)

    async def _look(self) -> None:
        """Check the server, and learn its epochs."""
        await self._check()
        await self._learn_epochs()

    async def _check(self) -> float:
        """Refuse servers that would forget spent tokens; return how full the fullest one's memory is."""
        keys = [self._names.epoch(shard) for shard in range(self._names.shards)]
        told = await asyncio.gather(*(self._server.run(lua.CHECK, [key], []) for key in keys))
        texts = [text.decode() for text in told]
        try:
            for text in texts:
                require_suitable(text)
        except Misconfigured:
            self._checked = False
            raise
        return max(memory_fill(text) for text in texts)

    async def _learn_epochs(self) -> float:
        """Learn every shard's epoch, beginning new ones where need be; return the time of the server most behind."""
        shards = range(self._names.shards)
        looks = await asyncio.gather(*(self._run(lua.LOOK, shard, (0, 0, 0), [], []) for shard in shards))
        self._checked = True
        return min(look[2] for look in looks) / 1000

    async def _run(
        self, script: str, shard: int, times: tuple[int, int, int], keys: list[str], arguments: list[Any]
    ) -> list[int]:
        """Run one atomic step on the server, and note its epoch."""
        known = self._epochs[shard]
        values = [*times, AHEAD_SECONDS, known, self._settings, *arguments]
        result: list[int] = await self._server.run(script, [self._names.epoch(shard), *keys], values)
        if result[1] > known:
            # Another server answers, or the same after a loss: look at it before the next spend.
            self._epochs[shard] = max(result[1], self._epochs[shard])
            self._checked = False
        return result

    async def _fullest(self, now: float) -> float:
        """Tell how much of the fullest bucket's common room is taken."""
        first = int(now - self._window.skew_seconds) // self._window.bucket_seconds
        buckets = range(first, first + self._window.buckets)
        names = [self._names.room(shard, bucket) for shard in range(self._names.shards) for bucket in buckets]

        async def counts(client: Client) -> list[list[bytes | None]]:
            asked = client.pipeline(transaction=False)
            for name in names:
                asked.hmget(name, [lua.COMMON])
            return await asked.execute()

        return max(int(common or 0) for (common,) in await self._server.ask(counts)) / self._shares.common
