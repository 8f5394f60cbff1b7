"""Repeats: the same answer sent again leads, on any replica and at any second of its minute, to the same; no other does."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from captcha_stateless.engine import Engine
from captcha_stateless.errors import CaptchaError, Expired, Spent, WrongAnswer
from captcha_stateless.judge import REPEAT_SECONDS, SKEW_SECONDS
from captcha_stateless.kinds.profiles import PROFILES
from captcha_stateless.model import Answered, Claims, Sealed
from captcha_stateless.replay.base import Replay, ReplayState
from captcha_stateless.replay.factory import HORIZON_SECONDS
from captcha_stateless.settings import Settings
from captcha_stateless.sites import DEVELOPMENT
from captcha_stateless.tokens import keys
from tests.support import NOW, Clock, Entropy, solved

RING = keys.fresh_ring(NOW - 100)
SETTINGS = Settings(family="filled")


def replica(replay: Replay, clock: Callable[[], float], name: str = "one") -> Engine:
    """Make one of several engines with the same keys and filter, and a clock and a chance of its own."""
    return made(SETTINGS, replay, clock, name)


def made(settings: Settings, replay: Replay, clock: Callable[[], float], name: str) -> Engine:
    from captcha_stateless.app import create_engine

    return create_engine(settings, lambda: RING, replay, clock=clock, entropy=Entropy(name))


def play(engine: Engine, claims: Claims, answer: object, asked: bytes = b"") -> Answered:
    async def call() -> Answered:
        return await engine.judge.play(claims, answer, asked=asked)

    return anyio.run(call)


def wrong(engine: Engine, claims: Claims) -> list[bool]:
    right = engine.tell(claims)
    assert isinstance(right, list)
    return [not tile for tile in right]


@pytest.mark.parametrize("ahead", [-SKEW_SECONDS, -1, 0, 1, SKEW_SECONDS])
def test_at_every_second_a_repeat_is_the_same_on_a_replica_whose_clock_differs(
    replay: Replay, ahead: int
) -> None:
    """Were a deadline the repeat's own, two copies would lie in two buckets of the filter, and both be honoured."""
    here, there = Clock(NOW + 0.5), Clock(NOW + 0.5 + ahead)
    one, other = replica(replay, here), replica(replay, there, "other")
    claims = one.issue("test", "grid", site="dev-site").claims
    here.pass_(10)
    there.pass_(10)
    first = play(one, claims, one.tell(claims))
    stage, passed, proof = (
        one.advance(first),
        one.passes.vouch(first),
        one.attest(first, "proof", {"of": "x"}),
    )

    for _ in range(REPEAT_SECONDS + 1):
        again = play(other, claims, one.tell(claims))

        assert again == first
        assert other.advance(again) == stage
        assert other.passes.vouch(again) == passed
        assert other.attest(again, "proof", {"of": "x"}) == proof
        here.pass_(1)
        there.pass_(1)


def test_after_a_minute_the_same_answer_is_refused(replay: Replay) -> None:
    clock = Clock()
    engine = replica(replay, clock)
    claims = engine.issue("test", "grid").claims
    play(engine, claims, engine.tell(claims))
    clock.pass_(REPEAT_SECONDS + SKEW_SECONDS + 1)

    for _ in range(3):
        with pytest.raises(Spent):
            play(engine, claims, engine.tell(claims))


def test_repeats_do_not_prolong_their_minute(replay: Replay) -> None:
    clock = Clock()
    engine = replica(replay, clock)
    claims = engine.issue("test", "grid").claims
    for _ in range(2):
        play(engine, claims, engine.tell(claims))
        clock.pass_(40)

    with pytest.raises(Spent):
        play(engine, claims, engine.tell(claims))


def test_a_repeat_comes_before_the_token_s_own_deadline(replay: Replay) -> None:
    clock = Clock()
    engine = replica(replay, clock)
    claims = engine.issue("test", "grid").claims
    clock.pass_(110)
    play(engine, claims, engine.tell(claims))
    clock.pass_(10)

    with pytest.raises(Expired):
        play(engine, claims, engine.tell(claims))


def test_a_wrong_first_answer_is_final(replay: Replay) -> None:
    engine = replica(replay, Clock())
    claims = engine.issue("test", "grid").claims
    with pytest.raises(WrongAnswer):
        play(engine, claims, wrong(engine, claims))

    for answer in (engine.tell(claims), wrong(engine, claims), engine.tell(claims)):
        with pytest.raises(Spent):
            play(engine, claims, answer)


def test_another_answer_after_the_right_one_opens_and_closes_nothing(replay: Replay) -> None:
    engine = replica(replay, Clock())
    claims = engine.issue("test", "grid").claims
    first = play(engine, claims, engine.tell(claims))
    with pytest.raises(Spent):
        play(engine, claims, wrong(engine, claims))

    assert play(engine, claims, engine.tell(claims)) == first


def test_another_right_answer_is_not_the_same_answer(replay: Replay) -> None:
    """The text and its digits are both right; only what came first is known again."""
    engine = replica(replay, Clock())
    claims = engine.issue("test", "text").claims
    first = play(engine, claims, engine.tell(claims))
    digits = "".join(engine.renderer.draw(claims).spoken)

    with pytest.raises(Spent):
        play(engine, claims, digits)
    assert play(engine, claims, f" {engine.tell(claims)} ") == first


def test_a_forgiven_miss_is_repeated_as_a_miss_and_cannot_be_bettered(replay: Replay) -> None:
    """Otherwise whoever missed could search for the answer that is told something else."""
    engine = made(Settings(family="filled", profile="strict"), replay, Clock(), "one")
    claims = engine.issue("test", "grid").claims
    first = play(engine, claims, wrong(engine, claims))

    with pytest.raises(Spent):
        play(engine, claims, engine.tell(claims))
    other = wrong(engine, claims)
    other[0] = not other[0]
    with pytest.raises(Spent):
        play(engine, claims, other)
    assert play(engine, claims, wrong(engine, claims)) == first
    assert (first.claims.hits, first.claims.misses) == (0, 1)


def test_a_repeat_counts_as_no_failure(replay: Replay) -> None:
    missed: list[Claims] = []
    engine = made(Settings(family="filled", profile="strict"), replay, Clock(), "one")
    engine.judge._missed = missed.append
    claims = engine.issue("test", "grid").claims

    for _ in range(3):
        play(engine, claims, wrong(engine, claims))

    assert len(missed) == 1


def test_too_soon_is_final_and_a_clock_that_is_behind_makes_nothing_too_soon(replay: Replay) -> None:
    here, behind = Clock(), Clock(NOW - SKEW_SECONDS)
    one, other = replica(replay, here), replica(replay, behind)
    claims = one.issue("test", "work", {"difficulty": 4}, wait_seconds=2).claims
    early = one.issue("test", "work", {"difficulty": 4}, wait_seconds=4).claims
    here.pass_(2)
    behind.pass_(5)  # as far as the filter lets a token come from the future
    behind.pass_(-0.2)
    first = play(one, claims, one.tell(claims))
    with pytest.raises(CaptchaError, match="faster"):
        play(one, early, one.tell(early))
    here.pass_(9)

    assert play(other, claims, one.tell(claims)) == first
    with pytest.raises(Spent):
        play(one, early, one.tell(early))


def test_what_redeem_says_is_said_once(replay: Replay) -> None:
    """There the word itself is what a site acts on: told again, one picture would let a form be sent twice."""
    engine = replica(replay, Clock())
    for tries in (1, 3):
        claims = engine.issue("test", "grid", tries=tries).claims
        anyio.run(engine.judge.redeem, claims, engine.tell(claims))

        with pytest.raises(Spent):
            anyio.run(engine.judge.redeem, claims, engine.tell(claims))
        with pytest.raises(Spent):
            play(engine, claims, engine.tell(claims), asked=b"x")


def test_what_else_is_asked_must_be_asked_again(replay: Replay) -> None:
    engine = replica(replay, Clock())
    claims = engine.issue("test", "work", {"difficulty": 4}).claims
    first = play(engine, claims, engine.tell(claims), b"grid")

    with pytest.raises(Spent):
        play(engine, claims, engine.tell(claims), b"text")
    assert play(engine, claims, engine.tell(claims), b"grid") == first


def test_the_run_that_work_opens_is_derived_from_it(replay: Replay) -> None:
    engine = replica(replay, Clock())
    answered = solved(engine.issue("first", "work").claims)

    grids = [engine.issue("test", "grid", site="dev-site", after=answered) for _ in range(2)]

    assert grids[0] == grids[1]
    # Whatever is drawn for it: of two kinds that one work opened, one counts.
    assert engine.issue("test", "text", after=answered).claims.jti == grids[0].claims.jti


@pytest.mark.parametrize("profile", PROFILES)
def test_no_deadline_of_a_run_lies_beyond_what_the_filter_remembers(replay: Replay, profile: str) -> None:
    clock = Clock()
    settings = Settings(family="filled", extensions=20)
    engine = made(settings, replay, clock, "one")
    sealed: Sealed | None = engine.issue("test", "grid", {"profile": profile})
    while sealed is not None:
        assert sealed.claims.until <= clock() + HORIZON_SECONDS
        sealed = engine.advance(play(engine, sealed.claims, engine.tell(sealed.claims)))
        clock.pass_(1)


class Certain(Replay):
    """A filter that takes everything for a repeat: its worst false positive."""

    scope = "process"

    async def spend(self, namespace: str, jti: bytes, **options: Any) -> int:
        return 0

    async def state(self, now: float) -> ReplayState:
        raise NotImplementedError


def test_no_false_positive_makes_a_wrong_answer_lead_on() -> None:
    engine = replica(Certain(), Clock())
    claims = engine.issue("test", "grid").claims

    with pytest.raises(Spent):
        play(engine, claims, wrong(engine, claims))


def test_an_idempotency_key_holds_on_every_replica_for_the_pass_s_whole_life(replay: Replay) -> None:
    here, there = Clock(), Clock(NOW + SKEW_SECONDS)
    one, other = replica(replay, here), replica(replay, there, "other")
    claims = one.issue("test", "grid", site="dev-site", host="localhost").claims
    token = one.passes.vouch(solved(claims)).token

    async def admit(engine: Engine, key: str) -> bool:
        try:
            return bool(await engine.passes.admit(token, DEVELOPMENT, idempotency_key=key))
        except Spent:
            return False

    told = [anyio.run(admit, one, "mine")]
    for _ in range(29):
        told += [anyio.run(admit, engine, "mine") for engine in (other, one)]
        assert not anyio.run(admit, other, "yours")
        here.pass_(10)
        there.pass_(10)

    assert all(told)
