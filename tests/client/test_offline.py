"""The client that asks nobody: signature and deadline, under keys that it fetches now and then."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from captcha_stateless.client import Verdict
from captcha_stateless.tokens import keys
from tests.client.conftest import Ask, Wire, client


@pytest.mark.parametrize(
    ("kinds", "right"), [(None, True), (["grid", "text"], True), (["text"], False), ([], False)]
)
def test_offline_the_kinds_that_count_are_the_caller_s_to_name(
    wire: Wire, ask: Ask, kinds: list[str] | None, right: bool
) -> None:
    verdict = ask(client(wire), "verify_offline", wire.server.earn(), kinds=kinds)

    assert (verdict.success, verdict.codes) == (right, () if right else ("kind-mismatch",))


def test_offline_a_pass_is_right_as_often_as_it_is_shown(wire: Wire, ask: Ask) -> None:
    token, to = wire.server.earn(action="login"), client(wire)

    verdicts = [ask(to, "verify_offline", token, action="login") for _ in range(3)]

    assert all(verdicts)
    assert verdicts[0].solved_at == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert wire.requests == 1


def test_offline_a_pass_ends_with_its_deadline(wire: Wire, ask: Ask) -> None:
    token, to = wire.server.earn(), client(wire)
    wire.server.clock.pass_(300)

    assert ask(to, "verify_offline", token) == Verdict(False, ("timeout-or-duplicate",))


@pytest.mark.parametrize("options", [{"site_key": "other"}, {"issuer": "other"}])
def test_offline_another_site_s_or_issuer_s_pass_is_a_no(
    wire: Wire, ask: Ask, options: dict[str, str]
) -> None:
    verdict = ask(client(wire, **options), "verify_offline", wire.server.earn())

    assert verdict == Verdict(False, ("invalid-input-response",))


def test_the_keys_are_fetched_again_after_their_max_age(wire: Wire, ask: Ask) -> None:
    to = client(wire)
    for _ in range(2):
        ask(to, "verify_offline", wire.server.earn())
    wire.server.clock.pass_(299)
    ask(to, "verify_offline", wire.server.earn())
    before = wire.requests
    wire.server.clock.pass_(1)
    ask(to, "verify_offline", wire.server.earn())

    assert (before, wire.requests) == (1, 2)


def test_a_pass_under_a_new_key_makes_it_look_again_but_not_for_every_forgery(wire: Wire, ask: Ask) -> None:
    to, server = client(wire), wire.server
    ask(to, "verify_offline", server.earn())
    ring = keys.load(server.settings.keys)
    changed = keys.rotated(keys.rotated(ring, 0), 0)
    server.engine.passes._signer._ring = lambda: changed
    server.clock.pass_(11)

    new = ask(to, "verify_offline", server.earn())
    after = wire.requests
    for _ in range(20):
        ask(to, "verify_offline", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA")

    assert (new.success, after, wire.requests) == (True, 2, 2)


def test_keys_once_fetched_serve_while_the_server_is_away(wire: Wire, ask: Ask) -> None:
    token, to = wire.server.earn(), client(wire)
    ask(to, "verify_offline", token)
    wire.failures = 99
    wire.server.clock.pass_(299)

    assert ask(to, "verify_offline", token).success


def test_keys_of_yesterday_are_not_trusted_for_ever(wire: Wire, ask: Ask) -> None:
    """A key that leaked was trusted for as long as its set could not be fetched."""
    to = client(wire)
    ask(to, "verify_offline", wire.server.earn())
    wire.failures = 99

    wire.server.clock.pass_(86_600)
    assert ask(to, "verify_offline", wire.server.earn())
    wire.server.clock.pass_(200)
    assert ask(to, "verify_offline", wire.server.earn()) == Verdict(False, ("unreachable",))


@pytest.mark.parametrize("document", [{"keys": [{"kid": "x"}]}, {}, {"keys": 7}])
def test_a_strange_set_of_keys_is_not_taken_over(wire: Wire, ask: Ask, document: dict[str, Any]) -> None:
    wire.failures, wire.failure = 1, lambda: httpx.Response(200, json=document)

    assert ask(client(wire), "verify_offline", wire.server.earn()).codes == ("unreachable",)
