"""The span of time that a filter remembers, cut into buckets.

A bucket holds the attempts of tokens that expire in the same few seconds. It is chosen by the token's sealed
``exp``, never by a clock, so one bucket is looked up and every worker looks into the same one; it is dropped
whole once its tokens are dead.
"""

import math
from dataclasses import dataclass, field

from captcha_stateless.errors import Expired, Misconfigured

#: Buckets in one horizon. More would waste less room on dead attempts, fewer would even out bursts better;
#: with 12 a filter for 10,000 attempts a second and 120 s at 1e-9 takes 9.7 MB.
_BUCKETS_PER_HORIZON = 12

#: Buckets beyond those that clocks in agreement need, for attempts that were spent while the clock stood
#: wrong.
_SPARE_BUCKETS = 2


@dataclass(frozen=True, slots=True)
class Window:
    """How far ahead tokens may expire, how much clocks may differ, and the buckets that follow."""

    horizon_seconds: int
    skew_seconds: int
    bucket_seconds: int = field(init=False)
    buckets: int = field(init=False)

    def __post_init__(self) -> None:
        if self.horizon_seconds < 1 or self.skew_seconds < 0:
            raise Misconfigured(
                "a replay filter's horizon must be at least 1 s and its clock skew not negative"
            )
        seconds = math.ceil(self.horizon_seconds / _BUCKETS_PER_HORIZON)
        span = self.horizon_seconds + 2 * self.skew_seconds
        object.__setattr__(self, "bucket_seconds", seconds)
        object.__setattr__(self, "buckets", math.ceil(span / seconds) + 1 + _SPARE_BUCKETS)

    def bucket(self, exp: int, now: float) -> int:
        """Return the number of the bucket for ``exp``.

        Raises:
            Expired: ``exp`` has come, or lies farther ahead than the filter remembers.
        """
        if now >= exp:
            raise Expired("the token's time is over")
        if exp > now + self.horizon_seconds + self.skew_seconds:
            raise Expired("the token expires beyond the replay filter's horizon, or the clock is wrong")
        return exp // self.bucket_seconds

    def is_over(self, bucket: int, now: float) -> bool:
        """Tell whether every token of the bucket is dead, also by a clock that is ``skew_seconds`` behind."""
        return (bucket + 1) * self.bucket_seconds + self.skew_seconds <= now
