"""The engine: what it spends, and when."""

import anyio
import pytest

from captcha_stateless.errors import BadAnswer, BadRequest, BadToken, Expired, Spent, TooSoon, WrongAnswer
from captcha_stateless.model import Claims
from tests.support import NOW, Server

NINE = [True, False] * 4 + [True]


def redeem(server: Server, claims: Claims, answer: object) -> None:
    anyio.run(server.engine.redeem, claims, answer)


def wrong(server: Server, claims: Claims) -> list[bool]:
    right = server.engine.tell(claims)
    assert isinstance(right, list)
    return [not tile for tile in right]


def test_a_token_holds_the_run_and_nothing_of_the_visitor(server: Server) -> None:
    claims = server.engine.issue("test", "grid", site="shop", host="shop.example").claims

    assert (claims.iat, claims.exp, claims.until) == (NOW, NOW + 120, NOW + 120 * 11)
    assert (claims.site, claims.host, claims.stage, claims.stages) == ("shop", "shop.example", 0, 2)
    assert len(claims.jti) == len(claims.seed) == 16


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

    assert server.engine.draw(claims) == sealed.challenge


def test_the_next_stage_is_a_new_token_with_a_new_drawing(server: Server) -> None:
    first = server.engine.issue("test", "grid")

    second = server.engine.advance(first.claims)

    assert second is not None
    assert second.claims.stage == 1
    assert second.claims.jti != first.claims.jti
    assert second.claims.seed != first.claims.seed


def test_after_the_last_stage_there_is_none(server: Server) -> None:
    second = server.engine.advance(server.engine.issue("test", "grid").claims)

    assert second is not None
    assert server.engine.advance(second.claims) is None


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
    anyio.run(server.engine.revoke, claims)

    with pytest.raises(Spent):
        redeem(server, claims, server.engine.tell(claims))


def test_a_token_may_be_revoked_twice(server: Server) -> None:
    claims = server.engine.issue("test", "grid").claims

    anyio.run(server.engine.revoke, claims)
    anyio.run(server.engine.revoke, claims)


def test_work_is_never_extended(server: Server) -> None:
    sealed = server.engine.issue("test", "work")

    assert sealed.claims.until == sealed.claims.exp
    with pytest.raises(BadRequest):
        server.engine.extend(sealed.token, "test")
