"""What is asked of whom: risk through the site's policy to a challenge, harder under load and for those who fail."""

import math
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple, Protocol

from captcha_stateless.errors import TooMany
from captcha_stateless.model import Claims, Params
from captcha_stateless.puzzles import PUZZLES
from captcha_stateless.risk import Assessor, Caller, Risk
from captcha_stateless.risk.counters import Counters
from captcha_stateless.risk.networks import Networks
from captcha_stateless.settings import Settings
from captcha_stateless.settings.extras import needed
from captcha_stateless.settings.reload import Reloaded
from captcha_stateless.sites.difficulty import Load
from captcha_stateless.sites.policy import Policy

if TYPE_CHECKING:
    from captcha_stateless.risk.dnsbl import Dnsbl

#: A prefix that failed much is asked more of for minutes.
FAILURES_HALF_LIFE_SECONDS = 300.0
#: What the replay filter is made to remember is counted over a minute.
ANSWERS_HALF_LIFE_SECONDS = 60.0
#: A chosen challenge becomes harder in so many steps (a step is a doubling of the failures); past that nothing is drawn.
MOST_STEPS = 3
#: When half of the failures, or of the answers, are forgotten.
_FAILED_RETRY_SECONDS = int(FAILURES_HALF_LIFE_SECONDS)
_ANSWERED_RETRY_SECONDS = 5
#: What one an answer, or a kind, a minute counts to.
_A_MINUTE = ANSWERS_HALF_LIFE_SECONDS / 60 / math.log(2)


class Limit(Protocol):
    """What counts challenges: :class:`captcha_stateless.risk.rates.Rates`, which is behind an extra."""

    async def require(self, text: str, site: str) -> None:
        """Count a challenge that an address asks of a site."""

    async def close(self) -> None:
        """Close what is open."""


class Demand(NamedTuple):
    """What a caller must solve, how much harder; ``who`` and ``risk`` are sealed with it.

    So any replica can count its failure, and tell what the pass is worth.
    """

    kind: str
    params: Params
    who: bytes = b""
    steps: int = 0
    risk: int = 0


class Guard:
    """Decides what to ask; the counts behind it are this process's own."""

    def __init__(
        self,
        assessor: Assessor,
        *,
        failures_half_life_seconds: float = FAILURES_HALF_LIFE_SECONDS,
        answers_a_minute: float = math.inf,
        rates: Limit | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take who scores callers, and how many answers a network may give in a minute."""
        self._assessor, self._clock, self._rates = assessor, clock, rates
        self._load, self._failures = Load(), Counters(failures_half_life_seconds)
        self._answers, self._kinds = Counters(ANSWERS_HALF_LIFE_SECONDS), Counters(ANSWERS_HALF_LIFE_SECONDS)
        self._most_answers = answers_a_minute * _A_MINUTE

    async def demand(
        self,
        caller: Caller,
        site: str,
        policy: Policy,
        kinds: Collection[str],
        puzzles: Collection[str] = PUZZLES,
    ) -> Demand:
        """Choose a challenge of one of the kinds, as the policy says; work is worded as one of the puzzles.

        Raises:
            Blocked: when the policy or the block list leaves none.
            TooMany: as in :meth:`weigh`, where it is something that is drawn.
        """
        risk, steps, failures = await self._assess(caller, site, policy)
        rule = policy.choose(risk.score, kinds, puzzles).harder(steps)
        if rule.kind == "work":
            return Demand(rule.kind, rule.params, risk.who, steps, risk.score)
        return Demand(rule.kind, rule.params, risk.who, self._harder(caller, policy, failures), risk.score)

    async def weigh(self, caller: Caller, site: str, policy: Policy, kind: str) -> Demand:
        """Tell how much harder a challenge of a kind, which the caller has chosen, must be.

        It becomes harder for networks that fail; load is met by work before it.

        Raises:
            Blocked: when the policy or the block list refuses the caller.
            TooMany: when the caller's network has failed so often that nothing is drawn for it for a while.
        """
        risk, _, failures = await self._assess(caller, site, policy)
        policy.require(risk.score)
        return Demand(kind, {}, risk.who, self._harder(caller, policy, failures), risk.score)

    async def leads(self, caller: Caller, site: str, policy: Policy, kinds: Collection[str]) -> str:
        """Tell to which of the kinds the policy would lead a caller now, counting nothing; empty: to none of them.

        Raises:
            Blocked: when the policy or the block list refuses the caller.
        """
        risk = await self._assessor.assess(caller, site, self._clock(), counted=False)
        policy.require(risk.score)
        ruled = any(rule.kind in kinds for rule in policy.rules)
        return policy.choose(risk.score, kinds).kind if ruled else ""

    def _harder(self, caller: Caller, policy: Policy, failures: float) -> int:
        """Tell by how many steps what is drawn for a network that fails must be harder."""
        steps = policy.steps(0, failures)
        if steps > MOST_STEPS and self._assessor.metered(caller):
            raise TooMany("the network has failed too often", retry_after_seconds=_FAILED_RETRY_SECONDS)
        return steps

    async def _assess(self, caller: Caller, site: str, policy: Policy) -> tuple[Risk, int, float]:
        """Tell the caller's risk, the steps that load and failures ask for, and the failures of its network."""
        now = self._clock()
        risk = await self._assessor.assess(caller, site, now)
        failures = self._failures.value(risk.who, now) if risk.who else 0.0
        return risk, policy.steps(self._load.count(risk.who, site, policy.load, now), failures), failures

    def first(self, caller: Caller, site: str, policy: Policy, kind: str, *, counted: bool) -> Demand:
        """Tell the work that must be done before anything is drawn; no kind: none.

        Args:
            caller: who asks.
            site: the site's key.
            policy: the site's policy.
            kind: what shall be drawn; empty: what the policy says.
            counted: whether to count that something is asked for; not where a page only wants to know.

        Raises:
            Blocked: when the caller is on the block list.
        """
        now = self._clock()
        who = self._assessor.who(caller, site)
        load = self._load.count(who, site, policy.load, now) if counted else self._load.of(site, now)
        params = policy.first(policy.steps(load, self._failures.value(who, now)), kind)
        return Demand("work" if params else "", params, who)

    def meter(self, caller: Caller, price: int = 1) -> None:
        """Count an answer, which makes the replay filter remember something, for as many as judging it costs.

        Raises:
            Blocked: when the caller is on the block list.
            TooMany: when the caller's network has given too many.
        """
        who = self._assessor.metered(caller)
        if not who:
            return
        now = self._clock()
        if self._answers.value(who, now) >= self._most_answers:
            raise TooMany("the network answers too often", retry_after_seconds=_ANSWERED_RETRY_SECONDS)
        self._answers.add(who, now, price)

    @property
    def asks(self) -> bool:
        """Whether others are asked about callers, which may take a while."""
        return self._assessor.asks

    async def foresee(self, caller: Caller) -> None:
        """Ask others about a caller, before it takes a place in the queue."""
        await self._assessor.foresee(caller, self._clock())

    def admit(self, caller: Caller) -> None:
        """Let a caller in who asks for nothing that is counted; raises as :meth:`who`."""
        self._assessor.admit(caller)

    def who(self, caller: Caller, site: str) -> bytes:
        """Tell the keyed hash under which a caller's network is counted at a site; empty: it is not.

        Raises:
            Blocked: when the caller is on the block list.
        """
        return self._assessor.who(caller, site)

    async def limit(self, caller: Caller, site: str, policy: Policy, kind: str) -> None:
        """Count a challenge that is asked for.

        Raises:
            TooMany: when the caller's network has asked the site for too many, or for too many of this kind.
        """
        rate = policy.terms(kind).rate
        if rate and (who := self._assessor.metered(caller)):
            now, name = self._clock(), b"".join((who, kind.encode(), b"\0", site.encode()))
            if self._kinds.value(name, now) >= rate * _A_MINUTE:
                raise TooMany(f"too many of the kind {kind}", retry_after_seconds=_ANSWERED_RETRY_SECONDS)
            self._kinds.add(name, now)
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
        dnsbl=_dnsbl(settings, key),
        dnsbl_score=settings.dnsbl_score,
    )
    return Guard(
        assessor,
        answers_a_minute=settings.answers_a_minute,
        rates=_rates(settings, key, known),
        clock=clock,
    )


def _dnsbl(settings: Settings, key: bytes) -> "Dnsbl | None":
    if not settings.dnsbl_zone:
        return None
    from captcha_stateless.risk.asking import resolver
    from captcha_stateless.risk.dnsbl import Dnsbl  # which few use

    return Dnsbl(settings.dnsbl_zone, resolver("CAPTCHA_DNSBL_ZONE"), key)


def _rates(settings: Settings, key: bytes, networks: Callable[[], Networks]) -> Limit | None:
    if not settings.rate_limit:
        return None
    with needed("CAPTCHA_RATE_LIMIT", "limits"):
        from captcha_stateless.risk.rates import Rates
    return Rates(key, settings.rate_limit, store=settings.rate_limit_store, networks=networks)


def open_guard() -> Guard:
    """Make a guard that knows nothing of anybody: for tools and tests."""
    return Guard(Assessor(b"open"))
