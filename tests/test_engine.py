"""The engine: what it spends, and when."""

import asyncio
import threading
from contextlib import ExitStack

import anyio
import pytest

from captcha_stateless.errors import (
    BadAnswer,
    BadRequest,
    BadToken,
    Expired,
    Spent,
    TooSoon,
    Unavailable,
    WrongAnswer,
)
from captcha_stateless.model import Answered, Claims, Params
from tests.support import NOW, Server, solved

NINE = [True, False] * 4 + [True]
DRAWN: list[tuple[str, Params]] = [("grid", {}), ("grid", {"profile": "classic"}), ("text", {})]


def redeem(server: Server, claims: Claims, answer: object) -> None:
    anyio.run(server.engine.judge.redeem, claims, answer)


def wrong(server: Server, claims: Claims) -> list[bool]:
    right = server.engine.tell(claims)
    assert isinstance(right, list)
    return [not tile for tile in right]


def test_a_token_holds_the_run_and_nothing_of_the_visitor(server: Server) -> None:
    claims = server.engine.issue("test", "grid", site="shop", host="shop.example").claims

    assert (claims.iat, claims.exp, claims.until) == (NOW, NOW + 120, NOW + 120 * 11)
    assert (claims.site, claims.host, claims.stage, claims.stages) == ("shop", "shop.example", 0, 2)
    assert len(claims.jti) == len(claims.seed) == 16


def test_what_is_prepared_is_drawn_and_must_be_there(server: Server) -> None:
    server.engine.renderer.prepare("grid", {"profile": "classic"})

    with pytest.raises(BadRequest):
        server.engine.renderer.prepare("grid", {"profile": "none"})


def test_a_malformed_answer_spends_no_try(server: Server) -> None:
    claims = server.engine.issue("test", "grid").claims
    with pytest.raises(BadAnswer):
        redeem(server, claims, "x")

    redeem(server, claims, server.engine.tell(claims))


def test_three_tries_are_three_tries(server: Server) -> None:
    claims = server.engine.issue("test", "grid", tries=3).claims
    for _ in range(3):
        with pytest.raises(WrongAnswer):
            redeem(server, claims, wrong(server, claims))

    with pytest.raises(Spent):
        redeem(server, claims, server.engine.tell(claims))


def test_the_last_of_three_tries_may_be_right(server: Server) -> None:
    claims = server.engine.issue("test", "grid", tries=3).claims
    for _ in range(2):
        with pytest.raises(WrongAnswer):
            redeem(server, claims, wrong(server, claims))

    redeem(server, claims, server.engine.tell(claims))


def test_three_tries_do_not_let_a_right_answer_win_three_times(server: Server) -> None:
    claims = server.engine.issue("test", "grid", tries=3).claims
    redeem(server, claims, server.engine.tell(claims))

    for _ in range(3):
        with pytest.raises(Spent):
            redeem(server, claims, server.engine.tell(claims))


def test_a_deadline_that_passes_while_the_answer_arrives_counts(server: Server) -> None:
    claims = server.engine.issue("test", "grid").claims
    server.clock.pass_(120)

    with pytest.raises(Expired):
        redeem(server, claims, server.engine.tell(claims))


def test_a_token_of_a_kind_that_is_not_served_is_refused(server: Server) -> None:
    sealed = server.engine.issue("test", "grid")
    server.engine._kinds = {}

    with pytest.raises(BadToken):
        server.engine.look(sealed.token, "test")


def test_a_token_redraws_what_was_first_shown(server: Server) -> None:
    sealed = server.engine.issue("test", "grid")

    claims = server.engine.look(sealed.token, "test")

    assert server.engine.renderer.draw(claims) == sealed.challenge


def test_what_is_drawn_together_is_what_is_drawn_alone(server: Server) -> None:
    sealed = [server.engine.issue("test", kind, wanted) for kind, wanted in DRAWN for _ in range(3)]

    async def draw() -> list[tuple[bytes, ...]]:
        return await asyncio.gather(*map(server.engine.renderer.drawn, sealed))

    assert asyncio.run(draw()) == [server.engine.renderer.picture(each) for each in sealed]


def test_the_next_stage_is_a_new_token_with_a_new_drawing(server: Server) -> None:
    first = server.engine.issue("test", "grid")

    second = server.engine.advance(solved(first.claims))

    assert second is not None
    assert second.claims.stage == 1
    assert second.claims.jti != first.claims.jti
    assert second.claims.seed != first.claims.seed


def test_after_the_last_stage_there_is_none(server: Server) -> None:
    second = server.engine.advance(solved(server.engine.issue("test", "grid").claims))

    assert second is not None
    assert server.engine.advance(solved(second.claims)) is None


def test_an_answer_before_its_time_is_too_soon_and_spent(server: Server) -> None:
    claims = server.engine.issue("test", "work", {"difficulty": 4}, wait_seconds=2).claims
    answer = server.engine.tell(claims)

    with pytest.raises(TooSoon):
        redeem(server, claims, answer)
    server.clock.pass_(2)

    with pytest.raises(Spent):
        redeem(server, claims, answer)


def test_a_revoked_token_has_no_try_left(server: Server) -> None:
    claims = server.engine.issue("test", "grid", tries=3).claims
    anyio.run(server.engine.judge.revoke, claims)

    with pytest.raises(Spent):
        redeem(server, claims, server.engine.tell(claims))


def test_a_token_may_be_revoked_twice(server: Server) -> None:
    claims = server.engine.issue("test", "grid").claims

    anyio.run(server.engine.judge.revoke, claims)
    anyio.run(server.engine.judge.revoke, claims)


def test_work_is_never_extended(server: Server) -> None:
    sealed = server.engine.issue("test", "work")

    assert sealed.claims.until == sealed.claims.exp
    with pytest.raises(BadRequest):
        server.engine.extend(sealed.token, "test")


def test_a_kind_there_is_not_is_a_bad_request(server: Server) -> None:
    with pytest.raises(BadRequest):
        server.engine.issue("test", "none")


def test_the_holder_of_the_keys_reads_a_token_of_any_purpose(server: Server) -> None:
    sealed = server.engine.issue("test", "grid")

    assert server.engine.inspect(sealed.token) == sealed.claims


def play(server: Server, claims: Claims, answer: object) -> Answered:
    return anyio.run(server.engine.judge.play, claims, answer)


def run(server: Server, right: str) -> list[tuple[int, int, int]]:
    """Play a strict run, each stage right (R) or wrong (W); tell stage, hits and misses after each."""
    sealed = server.engine.issue("test", "grid", {"profile": "strict"})
    seen = []
    for verdict in right:
        answer = server.engine.tell(sealed.claims) if verdict == "R" else wrong(server, sealed.claims)
        answered = play(server, server.engine.look(sealed.token, "test"), answer)
        seen.append((answered.claims.stage, answered.claims.hits, answered.claims.misses))
        following = server.engine.advance(answered)
        if following is None:
            return seen
        sealed = following
    raise AssertionError("the run is not over")


@pytest.mark.parametrize("right", ["RRR", "WRRR", "RWRR", "RRWR"])
def test_three_stages_of_four_are_enough_where_one_is_forgiven(server: Server, right: str) -> None:
    seen = run(server, right)

    assert seen[-1] == (len(right) - 1, 3, right.count("W"))


@pytest.mark.parametrize("right", ["WW", "WRW", "RRWW"])
def test_a_second_miss_ends_the_run(server: Server, right: str) -> None:
    with pytest.raises(WrongAnswer):
        run(server, right)


def test_nothing_is_forgiven_where_the_ladder_does_not_say_so(server: Server) -> None:
    claims = server.engine.issue("test", "grid").claims

    with pytest.raises(WrongAnswer):
        play(server, claims, wrong(server, claims))


def test_a_forgiven_stage_cannot_be_answered_again(server: Server) -> None:
    """Three tries at a stage that was forgiven would be three runs for one."""
    claims = server.engine.issue("test", "grid", {"profile": "strict"}, tries=3).claims
    play(server, claims, wrong(server, claims))

    with pytest.raises(Spent):
        play(server, claims, server.engine.tell(claims))


def test_redeem_forgives_nothing(server: Server) -> None:
    """Protocols without stages ask for one verdict: a forgiven miss there would be a pass for a wrong answer."""
    claims = server.engine.issue("test", "grid", {"profile": "strict"}).claims

    with pytest.raises(WrongAnswer):
        redeem(server, claims, wrong(server, claims))


def test_hits_and_misses_are_sealed(server: Server) -> None:
    first = server.engine.issue("test", "grid", {"profile": "strict"}).claims
    second = server.engine.advance(play(server, first, wrong(server, first)))

    assert second is not None
    sealed = server.engine.look(second.token, "test")
    assert (sealed.hits, sealed.misses) == (0, 1)


SLOW: Params = {"puzzle": "altcha-2", "kdf": "SCRYPT", "difficulty": 1}


def test_what_takes_milliseconds_is_judged_in_a_thread(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick, slow = (server.engine.issue("test", "work", wanted).claims for wanted in ({"difficulty": 1}, SLOW))
    kind, here, seen = server.engine._kinds["work"], threading.get_ident(), []
    check = kind.check

    def watched(key: bytes, claims: Claims, normal: bytes) -> bool:
        seen.append(threading.get_ident() == here)
        return check(key, claims, normal)

    monkeypatch.setattr(kind, "check", watched)

    for claims in (quick, slow):
        redeem(server, claims, server.engine.tell(claims))

    assert seen == [True, False]


def test_where_no_thread_is_free_nothing_is_spent(server: Server) -> None:
    claims = server.engine.issue("test", "work", SLOW).claims
    answer = server.engine.tell(claims)

    with ExitStack() as taken:
        with pytest.raises(Unavailable):
            while True:
                taken.enter_context(server.engine.judge._pool.room())
        with pytest.raises(Unavailable):
            redeem(server, claims, answer)

    redeem(server, claims, answer)
    with pytest.raises(Spent):
        redeem(server, claims, answer)


def test_a_slow_answer_before_its_time_spends_its_try_and_is_not_judged(server: Server) -> None:
    claims = server.engine.issue("test", "work", SLOW, wait_seconds=5).claims
    answer = server.engine.tell(claims)

    with pytest.raises(TooSoon):
        redeem(server, claims, answer)
    server.clock.pass_(6)
    with pytest.raises(Spent):
        redeem(server, claims, answer)


def test_a_slow_answer_that_is_wrong_spends_its_try(server: Server) -> None:
    claims = server.engine.issue("test", "work", SLOW).claims

    with pytest.raises(WrongAnswer):
        redeem(server, claims, (0, bytes(32)))
    with pytest.raises(Spent):
        redeem(server, claims, server.engine.tell(claims))
