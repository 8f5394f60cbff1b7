"""Counters that forget: each halves in a fixed time, and only so many are kept."""

from collections import OrderedDict


class Counters:
    """Decaying counts by keyed hash.

    Memory is bounded: past ``most`` the count that was touched longest ago is dropped, about 250 bytes each. Whoever holds
    that many prefixes can make the oldest forgotten; the count of a whole site does not hang on them.
    """

    def __init__(self, half_life_seconds: float, most: int = 65_536) -> None:
        self._half_life_seconds, self._most = half_life_seconds, most
        self._counts: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, key: bytes, now: float, amount: int = 1) -> float:
        """Count one more, or more than one, and tell the count."""
        count = self.value(key, now) + amount
        self._counts[key] = (count, now)
        self._counts.move_to_end(key)
        if len(self._counts) > self._most:
            self._counts.popitem(last=False)
        return count

    def value(self, key: bytes, now: float) -> float:
        """Tell the count, as far as it is not forgotten."""
        count, then = self._counts.get(key, (0.0, now))
        # A clock that is set back makes nothing grow.
        return float(count * 0.5 ** (max(0.0, now - then) / self._half_life_seconds))
