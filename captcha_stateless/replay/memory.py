"""The replay filter of a server with one process: Bloom filters in its own memory, one for each few seconds.

What it promises: no attempt is fresh twice while the process lives, and a restarted process refuses what was
issued before it (:attr:`MemoryReplay.epoch`). What it does not know: other workers, and what was spent by a
clock that ran ahead, once that was set back, the process restarted, and the time has come again.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from captcha_stateless.errors import Expired, Unavailable
from captcha_stateless.replay.base import (
    NEVER,
    Replay,
    ReplayState,
    attempt_name,
    mark_name,
    repeat_of,
    require_past,
)
from captcha_stateless.replay.bloom import BLOCK_BYTES, Geometry, Placer, is_marked, mark_bits, moments_of
from captcha_stateless.replay.shares import Shares, full, lane
from captcha_stateless.replay.window import Window


@dataclass(slots=True)
class _Bucket:
    """The attempts of tokens that expire in the same few seconds, and how many of them are whose."""

    bits: bytearray
    taken: dict[str, int] = field(default_factory=dict)
    common: int = 0


class MemoryReplay(Replay):
    """Remembers spent attempts in this process, in bounded memory."""

    scope = "process"

    def __init__(
        self,
        *,
        key: bytes,
        now: float,
        horizon_seconds: int = 120,
        spends_per_second: int = 1000,
        skew_seconds: int = 5,
        false_positives: float = 1e-9,
    ) -> None:
        """Start with nothing spent.

        Args:
            key: at least 16 secret bytes that place the bits.
            now: the clock, in Unix seconds; tokens issued before it are refused, for an earlier process may
                have spent them.
            horizon_seconds: the longest life of a token, every extension included.
            spends_per_second: attempts, of all namespaces together, that each second's tokens bear on
                average.
            skew_seconds: by how much the clock of a caller may be behind without its living tokens being
                refused.
            false_positives: the rate at which a fresh attempt is taken for a spent one, at full load.

        Raises:
            Misconfigured: a value is out of range.
        """
        self._window = Window(horizon_seconds, skew_seconds)
        self._geometry = Geometry.for_load(spends_per_second * self._window.bucket_seconds, false_positives)
        self._placer = Placer(key, self._geometry)
        self._shares = Shares.of(self._geometry.capacity)
        self._buckets: dict[int, _Bucket] = {}
        # Rounded up, as iat is whole seconds: a token of the starting second may stem from the process
        # before.
        self.epoch = math.ceil(now)
        self._floor = 0
        self._lock = threading.Lock()

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
        number = self._window.bucket(exp, now)
        if iat < self.epoch:
            raise Expired("the token was issued before the replay filter began")
        require_past(iat, now)
        # One event loop would not need the lock; threads would win a race twice without it.
        with self._lock:
            bucket = self._open(number, now)
            for place in range(1, attempts + 1):
                at = self._placer.place(attempt_name(namespace, jti, place))
                if not is_marked(bucket.bits, at[0] * BLOCK_BYTES, at[1]):
                    more = [attempt_name(namespace, jti, rest) for rest in range(place + 1, attempts + 1)]
                    places = [(*at, 0)]
                    if moment is not None:
                        places += [(*self._placer.place(name), 0) for name in more]
                        places.append((*self._placer.place(mark_name(namespace, jti, mark)), moment))
                    self._mark(bucket, lane(namespace), places)
                    return place
            block, positions = self._placer.place(mark_name(namespace, jti, mark))
            start = block * BLOCK_BYTES
            return repeat_of(moments_of(bucket.bits, start, positions, moments))

    async def state(self, now: float) -> ReplayState:
        """Tell how the filter is."""
        with self._lock:
            live = [b for number, b in self._buckets.items() if not self._window.is_over(number, now)]
        fill = max((bucket.common for bucket in live), default=0) / self._shares.common
        return ReplayState(self.scope, now >= self.epoch, fill, self.epoch)

    @property
    def max_bytes(self) -> int:
        """The most memory that the filter's bits ever take, in bytes."""
        return self._window.buckets * self._geometry.size_bytes

    def _open(self, number: int, now: float) -> _Bucket:
        """Return the bucket, making it where its first attempt arrives."""
        if number < self._floor:
            raise Expired("the replay filter has forgotten tokens of that age")
        bucket = self._buckets.get(number)
        if bucket is None:
            self._drop_dead(now)
            if len(self._buckets) >= self._window.buckets:
                raise Unavailable(
                    "the replay filter holds all the buckets it may: the clock was set back far"
                )
            bucket = self._buckets[number] = _Bucket(bytearray(self._geometry.size_bytes))
        return bucket

    def _drop_dead(self, now: float) -> None:
        """Forget the buckets whose tokens are all dead."""
        for number in [number for number in self._buckets if self._window.is_over(number, now)]:
            del self._buckets[number]
            # The floor only rises. Were it taken from the clock, a clock set back would reopen the bucket
            # empty and let its attempts be fresh again. It follows dropped buckets, so a clock that ran ahead
            # blocks no longer than needed.
            self._floor = max(self._floor, number + 1)

    def _mark(self, bucket: _Bucket, whose: str, places: Sequence[tuple[int, list[int], int]]) -> None:
        """Mark blocks and positions at their moments, all of them or none."""
        taken = bucket.taken.get(whose, 0)
        if self._shares.left(taken, bucket.common) < len(places):
            raise full(self._window.bucket_seconds)
        bucket.taken[whose] = taken + len(places)
        bucket.common += self._shares.charged(taken, len(places))
        for block, positions, moment in places:
            mark_bits(bucket.bits, block * BLOCK_BYTES, positions, moment)
