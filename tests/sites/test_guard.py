"""The guard: what it asks of whom, when it asks for more, and what it forgets."""

from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import anyio
import pytest

from captcha_stateless.errors import Blocked, TooMany
from captcha_stateless.model import Claims, Params
from captcha_stateless.risk import Assessor, Caller
from captcha_stateless.risk.dnsbl import Dnsbl
from captcha_stateless.risk.networks import ALLOW, BLOCK, Network, Networks
from captcha_stateless.sites import DEVELOPMENT, terms
from captcha_stateless.sites.guard import Demand, Guard
from captcha_stateless.sites.policy import Policy, Rule
from tests.support import NOW, Clock


def work(low: int, high: int, difficulty: int, most: int = 0) -> Rule:
    params: Params = {"unit": "bits", "difficulty": difficulty}
    return Rule(scores=range(low, high + 1), kind="work", params=params, most=max(most, difficulty))


POLICY = Policy(
    name="test",
    rules=(work(0, 49, 10, 14), work(50, 89, 20), Rule(scores=range(90, 101))),
    load=10,
    failures=4,
)


class World:
    """A guard, its clock, and callers of it."""

    def __init__(self, *networks: tuple[Network, int], **options: Any) -> None:
        self.clock = Clock()
        listed = Networks(networks)
        self.guard = Guard(Assessor(b"key", networks=lambda: listed, **options), clock=self.clock)

    def demand(
        self,
        address: str = "192.0.2.1",
        score: int | None = None,
        kinds: tuple[str, ...] = ("work",),
        site: str = DEVELOPMENT.key,
    ) -> Demand:
        return anyio.run(self.guard.demand, Caller(address, score), site, POLICY, kinds)

    def first(self, address: str = "192.0.2.1", kind: str = "grid", *, counted: bool = True) -> Demand:
        policy = replace(POLICY, most_work=20)
        return self.guard.first(Caller(address), DEVELOPMENT.key, policy, kind, counted=counted)

    def weigh(self, kind: str = "grid", score: int | None = None, address: str = "192.0.2.1") -> Demand:
        return anyio.run(self.guard.weigh, Caller(address, score), DEVELOPMENT.key, POLICY, kind)

    def difficulty(self, *args: Any, **options: Any) -> int:
        return int(self.demand(*args, **options).params["difficulty"])

    def fail(self, demand: Demand, times: int) -> None:
        claims = Claims(purpose="", kind="work", jti=b"", iat=NOW, exp=NOW, until=NOW, who=demand.who)
        for _ in range(times):
            self.guard.missed(claims)


def test_an_unknown_caller_gets_the_easiest() -> None:
    assert World().difficulty() == 10


@pytest.mark.parametrize(("score", "difficulty"), [(0, 10), (49, 10), (50, 20), (89, 20)])
def test_a_score_leads_to_the_configured_difficulty(score: int, difficulty: int) -> None:
    assert World().difficulty(score=score) == difficulty


def test_a_high_score_is_blocked() -> None:
    with pytest.raises(Blocked):
        World().demand(score=90)


def test_a_blocked_network_is_refused_whatever_the_proxy_says() -> None:
    world = World((ip_network("192.0.2.0/24"), BLOCK))

    with pytest.raises(Blocked):
        world.demand(score=0)


def test_an_allowed_network_is_harmless_whatever_the_proxy_says() -> None:
    world = World((ip_network("192.0.2.0/24"), ALLOW))

    assert world.difficulty(score=100) == 10


def test_an_allowed_network_is_not_counted() -> None:
    world = World((ip_network("192.0.2.0/24"), ALLOW))

    assert world.demand().who == b""


def test_a_listed_score_counts_where_it_is_the_higher() -> None:
    world = World((ip_network("192.0.2.0/24"), 60))

    assert world.difficulty(score=10) == 20
    assert world.difficulty("198.51.100.1") == 10


def test_an_address_on_a_dns_blocklist_gets_its_score() -> None:
    async def lookup(name: str, kind: str = "A") -> list[str]:
        return ["127.0.0.2"]

    world = World(dnsbl=Dnsbl("zen.example", lookup, b"key"), dnsbl_score=60)

    assert world.difficulty("8.8.8.8") == 20


def test_without_an_address_the_proxy_s_score_stands() -> None:
    assert World().difficulty("", score=60) == 20


def test_a_prefix_that_asks_much_gets_a_higher_score_and_is_forgiven() -> None:
    world = World(free_challenges=4, half_life_seconds=60)
    spaced = [world.difficulty(f"192.0.2.{number}") for number in range(17)]

    world.clock.pass_(600)

    assert (spaced[0], spaced[-1]) == (10, 20)
    assert world.difficulty() == 10


def test_another_prefix_and_another_site_are_not_held_responsible() -> None:
    world = World(free_challenges=2, half_life_seconds=60)
    for _ in range(7):
        world.demand()

    assert world.difficulty() == 20
    assert world.difficulty("198.51.100.1") == 10
    assert world.difficulty(site="other") == 10


@pytest.mark.parametrize(("failures", "difficulty"), [(3, 10), (4, 11), (8, 12), (16, 13), (1_000, 14)])
def test_a_prefix_that_fails_much_works_harder_within_bounds(failures: int, difficulty: int) -> None:
    world = World()
    world.fail(world.demand(), failures)

    assert world.difficulty("192.0.2.200") == difficulty
    assert world.difficulty("198.51.100.1") == 10


def test_failures_are_forgotten() -> None:
    world = World()
    world.fail(world.demand(), 8)

    harder = world.difficulty()
    world.clock.pass_(600)

    assert (harder, world.difficulty()) == (12, 10)


def test_under_load_everybody_works_harder_and_less_again_afterwards() -> None:
    """25 challenges a second, two and a half times what the policy bears, are two steps."""
    world, difficulties = World(), []
    for number in range(1_200):
        world.clock.pass_(0.04)
        difficulties.append(world.difficulty(f"10.0.{number % 250}.1"))

    world.clock.pass_(60)

    assert (difficulties[0], max(difficulties)) == (10, 12)
    assert difficulties == sorted(difficulties)
    assert world.difficulty() == 10


def test_no_address_is_kept_in_clear() -> None:
    world = World()
    demand = world.demand("192.0.2.1")
    world.fail(demand, 1)

    kept = [*world.guard._failures._counts, *world.guard._assessor._challenges._counts]

    assert kept == [demand.who] * 2
    assert b"\xc0\x00\x02" not in b"".join(kept)


def test_a_policy_without_a_kind_that_can_be_given_refuses() -> None:
    with pytest.raises(Blocked):
        World().demand(kinds=())


def test_nothing_is_asked_before_a_picture_at_rest() -> None:
    assert World().first().kind == ""


def test_who_failed_much_works_before_a_picture() -> None:
    world = World()
    world.fail(world.demand(), 4)

    asked = world.first()

    assert (asked.kind, asked.params["difficulty"], asked.who) == ("work", 16, world.demand().who)


def test_load_asks_for_work_before_a_picture() -> None:
    world = World()

    bits = [
        world.first(f"10.{number // 200}.{number % 200}.1").params.get("difficulty", 0)
        for number in range(600)
    ]

    assert (bits[0], bits[-1]) == (0, 18)
    assert bits == sorted(bits)


def test_who_only_wants_to_know_is_no_load() -> None:
    world = World()

    asked = [world.first(counted=False).kind for _ in range(600)]

    assert set(asked) == {""}


def test_a_blocked_network_is_drawn_nothing() -> None:
    with pytest.raises(Blocked):
        World((ip_network("192.0.2.0/24"), BLOCK)).first()


def test_what_one_network_asks_makes_it_harder_for_itself_alone() -> None:
    """It could ask so often that everybody's work rose."""
    world = World()

    greedy = [world.first("192.0.2.1").params.get("difficulty", 0) for _ in range(600)]

    assert greedy[-1] == 20
    assert world.first("198.51.100.1").kind == ""


@pytest.mark.parametrize(("failures", "steps"), [(3, 0), (4, 1), (8, 2), (16, 3)])
def test_what_a_failing_network_chooses_becomes_harder(failures: int, steps: int) -> None:
    world = World()
    world.fail(world.weigh(), failures)

    assert world.weigh().steps == steps


def test_a_network_that_fails_without_end_is_told_to_wait() -> None:
    world = World()
    world.fail(world.weigh(), 100)

    with pytest.raises(TooMany):
        world.weigh()
    assert world.weigh(address="198.51.100.1").steps == 0


def test_a_refused_score_is_refused_whatever_is_chosen() -> None:
    with pytest.raises(Blocked):
        World().weigh(score=95)


def test_a_network_gives_so_many_answers_and_no_more() -> None:
    clock = Clock()
    guard = Guard(Assessor(b"key"), answers_a_minute=10, clock=clock)

    def answers(address: str) -> int:
        given = 0
        with suppress(TooMany):
            while given < 1_000:
                guard.meter(Caller(address))
                given += 1
        return given

    first, other, local = answers("192.0.2.1"), answers("198.51.100.1"), answers("127.0.0.1")
    clock.pass_(60)

    assert (first, other, local) == (15, 15, 1_000)
    assert 0 < answers("192.0.2.77") < first


def test_answers_that_are_dear_to_judge_count_for_more() -> None:
    """An answer to SCRYPT at its largest cost takes a fifth of a second of a core, and counted as any other."""
    guard = Guard(Assessor(b"key"), answers_a_minute=100, clock=Clock())
    given = 0

    with suppress(TooMany):
        while given < 1_000:
            guard.meter(Caller("192.0.2.1"), 54)
            given += 1

    assert given == 3


def test_one_kind_is_rated_by_network_and_site() -> None:
    """Of text two a minute: the third is refused, from another network or of another kind none is."""
    world = World()
    policy = replace(POLICY, kinds=terms.parse("test", {"text": {"rate": 2}}))

    def ask(address: str = "192.0.2.1", kind: str = "text", site: str = "a") -> None:
        anyio.run(world.guard.limit, Caller(address), site, policy, kind)

    for _ in range(3):
        ask()
    with pytest.raises(TooMany) as refused:
        ask()
    ask("198.51.100.1")
    ask(kind="grid")
    ask(site="b")

    assert refused.value.retry_after_seconds
    world.clock.now += 300
    ask()


def test_a_demand_tells_the_risk() -> None:
    assert World().demand(score=60).risk == 60
    assert World().weigh(score=60).risk == 60


def test_what_the_rules_of_a_site_weigh_is_added_to_the_risk_and_no_more_than_there_is() -> None:
    world = World()

    async def demanded(caller: Caller) -> int:
        return (await world.guard.demand(caller, DEVELOPMENT.key, POLICY, ("work",))).risk

    caller = Caller("192.0.2.1", 20)
    assert anyio.run(demanded, caller.weighed(30)) == 50
    assert anyio.run(demanded, caller.weighed(30).weighed(30)) == 80
    assert caller.weighed(70).weighed(70).weight == 100
    with pytest.raises(Blocked):
        anyio.run(demanded, caller.weighed(500))


def test_a_network_that_is_allowed_is_weighed_by_no_rule() -> None:
    world = World((ip_network("192.0.2.0/24"), ALLOW))

    async def demanded(caller: Caller) -> int:
        return (await world.guard.demand(caller, DEVELOPMENT.key, POLICY, ("work",))).risk

    assert anyio.run(demanded, Caller("192.0.2.1").weighed(30)) == 0
