"""The client for back ends: its verdicts, its patience, and what it does where the server is out of reach."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import pytest

from captcha_stateless.client import Client, Verdict
from captcha_stateless.errors import Misconfigured
from captcha_stateless.tokens import keys
from tests.conftest import MakeServer
from tests.support import Server


class Wire(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries requests to a server in this process, counts them, and fails as often as it is told to."""

    def __init__(self, server: Server) -> None:
        self.server, self.requests, self.failures = server, 0, 0
        self.failure: Callable[[], httpx.Response] = self._refused

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return anyio.run(self.handle_async_request, request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        content = request.read()
        if self.failures:
            self.failures -= 1
            return self.failure()
        transport = httpx.ASGITransport(app=self.server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://captcha.test") as client:
            reply = await client.request(
                request.method, request.url.raw_path.decode(), content=content, headers=request.headers
            )
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    @staticmethod
    def _refused() -> httpx.Response:
        raise httpx.ConnectError("refused")


@pytest.fixture
def wire(server: Server) -> Wire:
    return Wire(server)


def client(wire: Wire, **options: Any) -> Client:
    options = {"secret": "dev-secret", "site_key": "dev-site", **options}
    return Client("http://captcha.test", clock=wire.server.clock, transport=wire, **options)


Ask = Callable[..., Verdict]


def sync(to: Client, question: str, *args: Any, **options: Any) -> Verdict:
    verdict = getattr(to, question)(*args, **options)
    assert isinstance(verdict, Verdict)
    return verdict


def later(to: Client, question: str, *args: Any, **options: Any) -> Verdict:
    async def ask() -> Verdict:
        verdict = await getattr(to, f"a{question}")(*args, **options)
        assert isinstance(verdict, Verdict)
        return verdict

    return anyio.run(ask)


@pytest.fixture(params=[sync, later], ids=["blocking", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Ask both ways, which must agree."""
    way: Ask = request.param
    return way


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
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[True]),
        httpx.Response(200, json={"success": "true"}),
        httpx.Response(302, headers={"location": "http://evil.example/"}),
    ],
)
def test_what_is_no_verdict_is_a_no(wire: Wire, ask: Ask, answer: httpx.Response) -> None:
    wire.failures, wire.failure = 99, lambda: httpx.Response(answer.status_code, content=answer.content)

    assert ask(client(wire), "verify", wire.server.earn()) == Verdict(False, ("unreachable",))


def test_a_call_is_made_again_under_an_idempotency_key_only(wire: Wire, ask: Ask) -> None:
    wire.failures = 2
    retried = ask(client(wire), "verify", wire.server.earn(), idempotency_key="one")
    asked = wire.requests

    wire.failures = 1
    given_up = ask(client(wire), "verify", wire.server.earn())

    assert (retried.success, asked) == (True, 3)
    assert (given_up.codes, wire.requests) == (("unreachable",), 4)


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


@pytest.mark.parametrize("document", [{"keys": [{"kid": "x"}]}, {}, {"keys": 7}])
def test_a_strange_set_of_keys_is_not_taken_over(wire: Wire, ask: Ask, document: dict[str, Any]) -> None:
    wire.failures, wire.failure = 1, lambda: httpx.Response(200, json=document)

    assert ask(client(wire), "verify_offline", wire.server.earn()).codes == ("unreachable",)


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
