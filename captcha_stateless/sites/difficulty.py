"""How much harder a challenge becomes: by the load of a site, and by a step for each doubling past a policy's limits."""

import math

from captcha_stateless.risk.counters import Counters

#: Load is felt, and forgotten, within seconds.
LOAD_HALF_LIFE_SECONDS = 10.0
#: Of a policy's load, what one network can make everybody meet.
NETWORK_SHARE = 0.25
#: A steady rate r counts to r * half-life / ln 2.
_PER_COUNT = math.log(2) / LOAD_HALF_LIFE_SECONDS


def doublings(value: float, limit: float) -> int:
    """Tell how many steps a value is worth: one at its limit, and one more for each doubling."""
    return 1 + int(math.log2(value / limit)) if value >= limit else 0


class Load:
    """How many challenges a second each site is asked for on this process, and what of it each network must meet."""

    def __init__(self) -> None:
        self._sites, self._networks = Counters(LOAD_HALF_LIFE_SECONDS), Counters(LOAD_HALF_LIFE_SECONDS)

    def of(self, site: str, now: float) -> float:
        """Tell the load of a site, in challenges a second."""
        return _rate(self._sites.value(site.encode(), now))

    def count(self, who: bytes, site: str, limit: float, now: float) -> float:
        """Count a challenge, and tell the load that its caller meets, in challenges a second.

        No network adds more than its share of ``limit`` to what everyone meets: what it asks beyond that, it alone meets.
        """
        own = _rate(self._networks.add(who, now) - 1) if who else 0.0
        if own <= limit * NETWORK_SHARE:
            return _rate(self._sites.add(site.encode(), now))
        return max(self.of(site, now), own / NETWORK_SHARE)


def _rate(count: float) -> float:
    """Turn a count into challenges a second."""
    return count * _PER_COUNT
