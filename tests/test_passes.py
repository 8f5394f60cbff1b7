"""Passes: what they hold, whom they are for, and that each counts once."""

from dataclasses import replace

import anyio
import pytest

from captcha_stateless.errors import (
    BadRequest,
    BadToken,
    Expired,
    Spent,
    WeakKind,
    WrongSite,
)
from captcha_stateless.model import Pass
from captcha_stateless.sites import DEVELOPMENT, Site
from tests.conftest import MakeServer
from tests.support import NOW, Server, solved


def admit(server: Server, token: str, site: Site = DEVELOPMENT, key: str = "") -> Pass:
    async def ask() -> Pass:
        return await server.engine.passes.admit(token, site, idempotency_key=key)

    return anyio.run(ask)


def test_a_pass_holds_what_the_run_was_bound_to(server: Server) -> None:
    token = server.earn(action="login", cdata="cart 7")

    shown = server.engine.passes.recognise(token, DEVELOPMENT)

    assert (shown.site, shown.host, shown.kind) == ("dev-site", "localhost", "grid")
    assert (shown.action, shown.cdata, shown.iat, shown.exp) == ("login", "cart 7", NOW, NOW + 300)


def test_what_a_run_is_bound_to_survives_its_stages(server: Server) -> None:
    first = server.engine.issue("test", "grid", site="dev-site", host="localhost", action="a", cdata="c")

    second = server.engine.advance(solved(server.engine.look(first.token, "test")))

    assert second is not None
    claims = server.engine.look(second.token, "test")
    assert (claims.site, claims.host, claims.action, claims.cdata) == ("dev-site", "localhost", "a", "c")


def test_a_binding_that_no_pass_could_hold_is_refused_when_the_run_begins(server: Server) -> None:
    with pytest.raises(BadRequest):
        server.engine.passes.require_room("s" * 64, "h" * 253, "", "")


def test_a_pass_is_admitted_once(server: Server) -> None:
    token = server.earn()
    admit(server, token)

    with pytest.raises(Spent):
        admit(server, token)


def test_a_pass_is_recognised_as_often_as_it_is_shown(server: Server) -> None:
    token = server.earn()

    shown = [server.engine.passes.recognise(token, DEVELOPMENT) for _ in range(3)]

    assert shown[0] == shown[2]


def test_a_pass_expires(make_server: MakeServer) -> None:
    server = make_server(pass_seconds=60)
    token = server.earn()
    server.clock.pass_(60)

    with pytest.raises(Expired):
        admit(server, token)


def test_a_pass_of_another_site_is_refused_and_not_spent(server: Server) -> None:
    token = server.earn()
    other = replace(DEVELOPMENT, key="other")

    with pytest.raises(WrongSite):
        admit(server, token, other)

    admit(server, token)


def test_a_pass_of_a_kind_that_does_not_count_is_refused_and_not_spent(server: Server) -> None:
    token = server.earn()

    with pytest.raises(WeakKind):
        admit(server, token, replace(DEVELOPMENT, kinds=("text", "audio")))

    admit(server, token, replace(DEVELOPMENT, kinds=("grid",)))


def test_the_same_idempotency_key_gets_the_same_answer_again(server: Server) -> None:
    token = server.earn()

    answers = [admit(server, token, key="one") for _ in range(12)]

    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("keys", [("one", "two"), ("one", ""), ("", "one")])
def test_another_idempotency_key_is_a_duplicate(server: Server, keys: tuple[str, str]) -> None:
    token = server.earn()
    admit(server, token, key=keys[0])

    for _ in range(3):
        with pytest.raises(Spent):
            admit(server, token, key=keys[1])


def test_an_idempotency_key_is_worthless_for_another_pass(server: Server) -> None:
    one, other = server.earn(), server.earn()
    admit(server, one, key="one")
    admit(server, other, key="two")

    with pytest.raises(Spent):
        admit(server, other, key="one")


def test_a_bound_pass_tells_its_network_to_us_alone(server: Server) -> None:
    """And no two passes of one network share what they tell."""
    passes = server.engine.passes
    claims = [server.engine.issue("test", "grid", site="dev-site", who=b"a network").claims for _ in range(2)]
    one, two = (passes.vouch(solved(each), bound=True).claims for each in claims)

    passes.require_network(one, b"a network")

    assert one.net and one.net != two.net
    assert passes.recognise(passes.vouch(solved(claims[0]), bound=True).token, DEVELOPMENT) == one
    for shown, who in ((one, b"another"), (one, b""), (replace(one, net=two.net), b"a network")):
        with pytest.raises(BadToken):
            passes.require_network(shown, who)


def test_an_unbound_pass_tells_no_network(server: Server) -> None:
    claims = server.engine.issue("test", "grid", site="dev-site", who=b"a network").claims
    shown = server.engine.passes.vouch(solved(claims)).claims

    assert shown.net == b""
    with pytest.raises(BadToken):
        server.engine.passes.require_network(shown, b"a network")


def test_a_pass_of_a_policy_of_the_wall_s_is_not_admitted(server: Server) -> None:
    with pytest.raises(BadToken):
        admit(server, server.earn(action="wall/strict/0"))
    assert admit(server, server.earn(action="wall//40")).action == "wall//40"
