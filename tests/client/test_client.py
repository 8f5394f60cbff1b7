"""The client for back ends: its verdicts, its patience, and what it does where the server is out of reach."""

import asyncio
from datetime import UTC, datetime

import anyio
import httpx
import pytest

from captcha_stateless.client import Client, Verdict
from captcha_stateless.errors import Misconfigured
from captcha_stateless.testing import CaptchaServer
from tests.client.conftest import Ask, Wire, client
from tests.conftest import MakeServer


def test_a_pass_is_right_once(wire: Wire, ask: Ask) -> None:
    token, to = wire.server.earn(action="login", cdata="cart 7"), client(wire)

    first, second = ask(to, "verify", token), ask(to, "verify", token)

    assert first == Verdict(
        success=True,
        hostname="localhost",
        action="login",
        cdata="cart 7",
        solved_at=datetime(2027, 1, 15, 8, tzinfo=UTC),
        score=1.0,
    )
    assert second == Verdict(False, ("timeout-or-duplicate",))
    assert first
    assert not second


@pytest.mark.parametrize("token", [None, ""])
@pytest.mark.parametrize("question", ["verify", "verify_offline"])
def test_no_pass_at_all_is_a_no_without_a_verdict_of_the_server(
    wire: Wire, ask: Ask, token: str | None, question: str
) -> None:
    assert ask(client(wire), question, token) == Verdict(False, ("missing-input-response",))


@pytest.mark.parametrize(
    ("expected", "code"), [({"action": "pay"}, "action-mismatch"), ({"hostname": "x"}, "hostname-mismatch")]
)
@pytest.mark.parametrize("question", ["verify", "verify_offline"])
def test_a_pass_for_something_else_is_a_no(
    wire: Wire, ask: Ask, question: str, expected: dict[str, str], code: str
) -> None:
    verdict = ask(client(wire), question, wire.server.earn(action="login"), **expected)

    assert (verdict.success, verdict.codes) == (False, (code,))


@pytest.mark.parametrize("question", ["verify", "verify_offline"])
def test_a_server_out_of_reach_is_a_no_unless_the_site_says_otherwise(
    wire: Wire, ask: Ask, question: str
) -> None:
    wire.failures = 99

    closed = ask(client(wire), question, wire.server.earn())
    opened = ask(client(wire, fail_open=True), question, wire.server.earn())

    assert closed == Verdict(False, ("unreachable",))
    assert opened == Verdict(True, ("unreachable",))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(503, json={"success": False, "error-codes": ["internal-error"]}),
    ],
)
def test_a_server_that_fails_is_out_of_reach(wire: Wire, ask: Ask, answer: httpx.Response) -> None:
    wire.failures, wire.failure = 99, lambda: httpx.Response(answer.status_code, content=answer.content)

    assert ask(client(wire), "verify", wire.server.earn()) == Verdict(False, ("unreachable",))
    assert ask(client(wire, fail_open=True), "verify", wire.server.earn()) == Verdict(True, ("unreachable",))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[True]),
        httpx.Response(200, json={"success": "true"}),
        httpx.Response(302, headers={"location": "http://evil.example/"}),
        httpx.Response(400),
        httpx.Response(404),
        httpx.Response(413),
        httpx.Response(429),
    ],
)
def test_what_is_no_verdict_is_a_no_and_never_opens(wire: Wire, ask: Ask, answer: httpx.Response) -> None:
    """A visitor's token of 66 KB met the proxy's 413, which counted as an outage."""
    wire.failures, wire.failure = 99, lambda: httpx.Response(answer.status_code, content=answer.content)

    assert ask(client(wire, fail_open=True), "verify", wire.server.earn()) == Verdict(False, ("refused",))


@pytest.mark.parametrize("token", ["x" * 2_049, "y" * 66_000, "pässe", "\ud800", b"\xff\xfe", b"x" * 2_049])
@pytest.mark.parametrize("question", ["verify", "verify_offline"])
def test_what_cannot_be_a_pass_is_a_no_before_any_call(
    wire: Wire, ask: Ask, question: str, token: str | bytes
) -> None:
    wire.failures = 99

    verdict = ask(client(wire, fail_open=True), question, token)

    assert (verdict, wire.requests) == (Verdict(False, ("invalid-input-response",)), 0)


@pytest.mark.parametrize("question", ["verify", "verify_offline"])
def test_a_pass_may_come_as_bytes(wire: Wire, ask: Ask, question: str) -> None:
    assert ask(client(wire), question, wire.server.earn().encode())


def test_each_event_loop_has_connections_of_its_own() -> None:
    """Flask runs each asynchronous view in a new loop: the second found the first one's connections, and failed."""
    with CaptchaServer() as server:
        to = Client(server.url, secret=server.secret)
        tokens = [server.solve() for _ in range(3)]
        opened: list[httpx.AsyncClient] = []

        async def ask(token: str) -> Verdict:
            verdict = await to.averify(token)
            opened.append(await to._async.client())
            return verdict

        verdicts = [asyncio.run(ask(token)) for token in tokens]

    assert [bool(verdict) for verdict in verdicts] == [True] * 3
    assert len(set(map(id, opened))) == 3
    assert all(each.is_closed for each in opened)


@pytest.mark.parametrize("key", ["one", None])
def test_a_call_that_fails_is_made_again(wire: Wire, ask: Ask, key: str | None) -> None:
    wire.failures = 2

    retried = ask(client(wire), "verify", wire.server.earn(), idempotency_key=key)

    assert (retried.success, wire.requests) == (True, 3)


def test_retries_end(wire: Wire, ask: Ask) -> None:
    wire.failures = 99

    ask(client(wire, retries=4), "verify", "x", idempotency_key="one")

    assert wire.requests == 5


def test_a_refusal_is_not_asked_again(wire: Wire, ask: Ask) -> None:
    ask(client(wire), "verify", "x", idempotency_key="one")

    assert wire.requests == 1


def test_a_lost_answer_is_told_again(wire: Wire, ask: Ask) -> None:
    """The first call used up the pass; its answer never arrived."""
    token, to = wire.server.earn(), client(wire)
    ask(to, "verify", token, idempotency_key="one")

    assert ask(to, "verify", token, idempotency_key="one").success


def test_an_answer_that_is_lost_on_its_way_is_asked_for_again_with_the_same_words(
    wire: Wire, ask: Ask
) -> None:
    token, to = wire.server.earn(), client(wire)
    wire.losses = 1

    assert ask(to, "verify", token).success
    assert wire.requests == 2
    assert len(set(wire.bodies)) == 1
    assert not ask(to, "verify", token).success


def test_a_client_that_lacks_what_it_needs_says_so(wire: Wire, ask: Ask) -> None:
    with pytest.raises(Misconfigured, match="secret"):
        ask(client(wire, secret=""), "verify", "x")
    with pytest.raises(Misconfigured, match="key"):
        ask(client(wire, site_key=""), "verify_offline", "x")


def test_it_can_be_closed_used_or_not(wire: Wire) -> None:
    async def use() -> None:
        async with client(wire) as to:
            await to.averify(wire.server.earn())

    with client(wire) as to:
        to.verify(wire.server.earn())
    with client(wire):
        pass
    anyio.run(use)


def test_a_site_asks_a_server_with_an_issuer_of_its_own(make_server: MakeServer, ask: Ask) -> None:
    wire = Wire(make_server(issuer="https://captcha.example"))

    to = client(wire, issuer="https://captcha.example")

    assert ask(to, "verify_offline", wire.server.earn()).success
