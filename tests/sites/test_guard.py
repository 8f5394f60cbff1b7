"""The guard: what it asks of whom, when it asks for more, and what it forgets."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import anyio
import pytest

from captcha_stateless.errors import Blocked
from captcha_stateless.model import Claims, Params
from captcha_stateless.risk import Assessor, Caller
from captcha_stateless.risk.dnsbl import Dnsbl
from captcha_stateless.risk.networks import ALLOW, BLOCK, Network, Networks
from captcha_stateless.sites import DEVELOPMENT, Site
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
        self, address: str = "192.0.2.1", score: int | None = None, site: Site = DEVELOPMENT
    ) -> Demand:
        return anyio.run(self.guard.demand, Caller(address, score), site, POLICY, "work")

    def first(self, *, counted: bool = True) -> Demand:
        policy = replace(POLICY, most_work=20)
        return self.guard.first(Caller("192.0.2.1"), DEVELOPMENT.key, policy, counted=counted)

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
    async def lookup(_: str) -> list[str]:
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

    other = Site(name="Other", key="other", secret_sha256=b"")
    assert world.difficulty() == 20
    assert world.difficulty("198.51.100.1") == 10
    assert world.difficulty(site=other) == 10


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


def test_a_site_that_does_not_take_the_kind_refuses_it() -> None:
    with pytest.raises(Blocked):
        World().demand(site=Site(name="", key="grids", secret_sha256=b"", kinds=("grid",)))


def test_nothing_is_asked_before_a_picture_at_rest() -> None:
    assert World().first().kind == ""


def test_who_failed_much_works_before_a_picture() -> None:
    world = World()
    world.fail(world.demand(), 4)

    asked = world.first()

    assert (asked.kind, asked.params["difficulty"], asked.who) == ("work", 16, world.demand().who)


def test_load_asks_for_work_before_a_picture() -> None:
    world = World()

    bits = [world.first().params.get("difficulty", 0) for _ in range(600)]

    assert (bits[0], bits[-1]) == (0, 18)
    assert bits == sorted(bits)


def test_who_only_wants_to_know_is_no_load() -> None:
    world = World()

    asked = [world.first(counted=False).kind for _ in range(600)]

    assert set(asked) == {""}


def test_a_blocked_network_is_drawn_nothing() -> None:
    with pytest.raises(Blocked):
        World((ip_network("192.0.2.0/24"), BLOCK)).first()
