"""What is asked of whom: risk through the site's policy to a challenge, harder under load and for those who fail."""

import math
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from captcha_stateless.model import Claims, Params
from captcha_stateless.risk import Assessor, Caller
from captcha_stateless.risk.counters import Counters
from captcha_stateless.risk.dnsbl import Dnsbl, resolver
from captcha_stateless.risk.networks import Networks
from captcha_stateless.settings import Settings
from captcha_stateless.settings.extras import needed
from captcha_stateless.settings.reload import Reloaded
from captcha_stateless.sites.policy import Policy
from captcha_stateless.sites.site import Site

#: Load is felt, and forgotten, within seconds.
LOAD_HALF_LIFE_SECONDS = 10.0
#: A prefix that failed much is asked more of for minutes.
FAILURES_HALF_LIFE_SECONDS = 300.0
#: A steady rate r counts to r * half-life / ln 2.
_PER_COUNT = math.log(2) / LOAD_HALF_LIFE_SECONDS


class Limit(Protocol):
    """What counts challenges: :class:`captcha_stateless.risk.rates.Rates`, which is behind an extra."""

    async def require(self, text: str, site: str) -> None:
        """Count a challenge that an address asks of a site."""

    async def close(self) -> None:
        """Close what is open."""


class Demand(NamedTuple):
    """What a caller must solve; ``who`` is sealed with it, so that any replica can count its failure."""

    kind: str
    params: Params
    who: bytes = b""


class Guard:
    """Decides what to ask; the counts behind it are this process's own."""

    def __init__(
        self,
        assessor: Assessor,
        *,
        failures_half_life_seconds: float = FAILURES_HALF_LIFE_SECONDS,
        rates: Limit | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._assessor, self._clock, self._rates = assessor, clock, rates
        self._load = Counters(LOAD_HALF_LIFE_SECONDS)
        self._failures = Counters(failures_half_life_seconds)

    @property
    def limits(self) -> bool:
        """Whether there is a limit at all."""
        return self._rates is not None

    async def demand(self, caller: Caller, site: Site, policy: Policy, *kinds: str) -> Demand:
        """Choose a challenge of one of the kinds.

        Raises:
            Blocked: when the policy, the block list or the site's own list of kinds leaves none.
        """
        now = self._clock()
        load = _rate(self._load.add(site.key.encode(), now))
        risk = await self._assessor.assess(caller, site.key, now)
        allowed = [kind for kind in kinds if not site.kinds or kind in site.kinds]
        rule = policy.choose(risk.score, allowed)
        rule = rule.harder(policy.steps(load, self._failures.value(risk.who, now)))
        return Demand(rule.kind, rule.params, risk.who)

    def first(self, caller: Caller, site: str, policy: Policy, *, counted: bool) -> Demand:
        """Tell the work that must be done before anything is drawn; no kind: none.

        Args:
            caller: who asks.
            site: the site's key.
            policy: the site's policy.
            counted: whether to count that something is asked for; not where a page only wants to know.

        Raises:
            Blocked: when the caller is on the block list.
        """
        now = self._clock()
        count = self._load.add if counted else self._load.value
        who = self._assessor.who(caller, site)
        steps = policy.steps(_rate(count(site.encode(), now)), self._failures.value(who, now))
        params = policy.first(steps)
        return Demand("work" if params else "", params, who)

    async def limit(self, caller: Caller, site: str) -> None:
        """Count a challenge that is asked for.

        Raises:
            TooMany: when the caller's network has asked the site for too many.
        """
        if self._rates is not None:
            await self._rates.require(caller.address, site)

    async def close(self) -> None:
        """Close what is open."""
        if self._rates is not None:
            await self._rates.close()

    def missed(self, claims: Claims) -> None:
        """Count a wrong answer against the prefix that the challenge was made for."""
        if claims.who:
            self._failures.add(claims.who, self._clock())


def create(
    settings: Settings, key: bytes, networks: Reloaded[Networks] | None, clock: Callable[[], float]
) -> Guard:
    """Make the guard that the settings ask for; its key never rotates, so that counts survive a rotation.

    Raises:
        Misconfigured: when what it needs is not installed.
    """
    none = Networks()

    def known() -> Networks:
        return networks.value if networks else none

    assessor = Assessor(
        key,
        networks=known,
        free_challenges=settings.risk_free_challenges,
        dnsbl=Dnsbl(settings.dnsbl_zone, resolver(), key) if settings.dnsbl_zone else None,
        dnsbl_score=settings.dnsbl_score,
    )
    return Guard(assessor, rates=_rates(settings, key, known), clock=clock)


def _rates(settings: Settings, key: bytes, networks: Callable[[], Networks]) -> Limit | None:
    if not settings.rate_limit:
        return None
    with needed("CAPTCHA_RATE_LIMIT", "limits"):
        from captcha_stateless.risk.rates import Rates
    return Rates(key, settings.rate_limit, store=settings.rate_limit_store, networks=networks)


def _rate(count: float) -> float:
    """Turn a count of the load into challenges a second."""
    return count * _PER_COUNT


def open_guard() -> Guard:
    """Make a guard that knows nothing of anybody: for tools and tests."""
    return Guard(Assessor(b"open"))
