"""RESTCaptcha as its clients know it: every row of its documentation, and the ways around it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from captcha_stateless import __version__
from captcha_stateless.errors import CaptchaError, Misconfigured
from captcha_stateless.http.problem_details import TITLES
from captcha_stateless.http.routing import in_order
from captcha_stateless.protocols.base import Adapter, Table
from captcha_stateless.protocols.restcaptcha import PROBLEMS, RestCaptcha
from captcha_stateless.sites import DEVELOPMENT, Sites
from captcha_stateless.tokens.digests import fingerprint
from tests.conftest import MakeServer
from tests.protocols.contract import HEADER_VALUES, AdapterContract
from tests.support import Server, Visitor

SITE = "?siteKey=dev-site"
ORIGIN = {"Origin": "http://localhost:3000"}
WAIT_SECONDS = 2


def challenge(server: Server, **headers: str) -> dict[str, Any]:
    reply = server.visitor.get("/v1/challenge" + SITE, headers={**ORIGIN, **headers})
    assert reply.status_code == 200
    document: dict[str, Any] = reply.json()
    return document


def solve(challenge: Mapping[str, Any]) -> str:
    """Search a solution in a few lines that know the protocol's documentation only."""
    nonce = challenge["token"].partition(":")[0]
    work = challenge["challengeType"]
    algorithm = work["algorithm"].removeprefix("hash-").replace("-", "")
    return next(
        str(number)
        for number in count()
        if hashlib.new(algorithm, f"{nonce}:{number}".encode())
        .hexdigest()
        .startswith("0" * work["difficulty"])
    )


def verify(server: Server, token: str, solution: str, **changes: Any) -> httpx.Response:
    body = {"siteSecret": "dev-secret", "token": token, "solution": solution, **changes}
    return server.visitor.post("/v1/verify" + SITE, content=ascii_json(body))


def reset(server: Server, token: str) -> httpx.Response:
    return server.visitor.post("/v1/reset" + SITE, json={"token": token})


def solved(server: Server) -> tuple[str, str]:
    """Get a challenge, solve it and let the least time pass."""
    given = challenge(server)
    server.clock.pass_(WAIT_SECONDS)
    return given["token"], solve(given)


def status(reply: httpx.Response) -> str:
    assert reply.status_code == 200
    return str(reply.json()["status"])


def ascii_json(body: object) -> bytes:
    return json.dumps(body).encode("ascii")


class TestAdapter(AdapterContract):
    adapter: ClassVar = RestCaptcha
    paths: ClassVar[Sequence[str]] = ["/v1/challenge", "/v1/verify", "/v1/reset", "/health"]
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", "/v1/verify"), ("POST", "/v1/reset")]
    query: ClassVar[str] = SITE

    def is_worded(self, response: httpx.Response) -> bool:
        problem = response.json()
        return (
            list(problem) == ["type", "title", "status", "detail", "instance"]
            and problem["status"] == response.status_code
            and response.headers["content-type"] == "application/problem+json"
        )

    def send(self, server: Server, method: str, path: str, **options: Any) -> httpx.Response:
        return server.visitor.request(method, path + SITE, **options)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(value=HEADER_VALUES)
    def test_no_header_crashes_it(self, shared: Server, value: str) -> None:
        for header in ("Origin", "Accept-Language"):
            response = shared.visitor.get("/v1/challenge" + SITE, headers={header: value.encode("latin-1")})
            assert response.status_code in (200, 401)


def test_a_challenge_is_worded_as_documented(server: Server) -> None:
    reply = challenge(server)

    nonce, _, sealed = reply["token"].partition(":")
    assert reply["challengeType"] == {"type": "proofOfWork", "algorithm": "hash-sha-256", "difficulty": 4}
    assert len(nonce) == 32
    assert set(nonce) <= set("0123456789abcdef")
    assert sealed.count(".") == 4
    assert len(reply["token"]) < 1_536


def test_a_solution_found_by_the_documentation_s_rule_is_a_success(server: Server) -> None:
    token, solution = solved(server)

    reply = verify(server, token, solution)

    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == {"hostName": "localhost", "status": "success"}


def test_one_zero_short_is_an_invalid_solution(server: Server) -> None:
    given = challenge(server)
    nonce = given["token"].partition(":")[0]
    digests = ((n, hashlib.sha256(f"{nonce}:{n}".encode()).hexdigest()) for n in count())
    short = next(n for n, digest in digests if digest.startswith("000") and digest[3] != "0")
    server.clock.pass_(WAIT_SECONDS)

    reply = verify(server, given["token"], str(short))

    assert reply.json() == {"hostName": "localhost", "status": "invalid-solution"}


def test_a_right_solution_wins_once(server: Server) -> None:
    token, solution = solved(server)

    assert [status(verify(server, token, solution)) for _ in range(2)] == ["success", "invalid-token"]


def test_a_wrong_solution_uses_the_token_up(server: Server) -> None:
    token, solution = solved(server)

    assert status(verify(server, token, "wrong")) == "invalid-solution"
    assert status(verify(server, token, solution)) == "invalid-token"


def test_of_simultaneous_verifies_one_succeeds(server: Server) -> None:
    token, solution = solved(server)
    body = {"siteSecret": "dev-secret", "token": token, "solution": solution}
    statuses: list[str] = []

    async def one() -> None:
        reply = await server.visitor.arequest("POST", "/v1/verify" + SITE, {"json": body})
        statuses.append(status(reply))

    async def both() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(one)

    anyio.run(both)

    assert sorted(statuses) == ["invalid-token"] * 7 + ["success"]


def test_a_verify_too_soon_is_an_invalid_token_and_uses_it_up(server: Server) -> None:
    given = challenge(server)
    solution = solve(given)

    server.clock.pass_(WAIT_SECONDS - 0.01)
    first = status(verify(server, given["token"], solution))
    server.clock.pass_(1)

    assert first == "invalid-token"
    assert status(verify(server, given["token"], solution)) == "invalid-token"


def test_the_least_time_is_counted_in_milliseconds(server: Server) -> None:
    """Counted from the whole second of iat, it would be up to a second shorter."""
    server.clock.pass_(0.9)
    given = challenge(server)

    server.clock.pass_(1.2)

    assert status(verify(server, given["token"], solve(given))) == "invalid-token"


def test_the_least_time_is_configurable(make_server: MakeServer) -> None:
    server = make_server(work_wait_seconds=0)
    given = challenge(server)

    assert status(verify(server, given["token"], solve(given))) == "success"


@pytest.mark.parametrize(("seconds", "expected"), [(1_799, "success"), (1_800, "invalid-token")])
def test_a_token_lives_for_half_an_hour(server: Server, seconds: int, expected: str) -> None:
    given = challenge(server)

    server.clock.pass_(seconds)

    assert status(verify(server, given["token"], solve(given))) == expected


def test_another_replica_verifies_and_each_refuses_the_second_time(make_server: MakeServer) -> None:
    one, other = make_server(entropy="one"), make_server(entropy="two")
    given = challenge(one)
    one.clock.pass_(WAIT_SECONDS)
    other.clock.pass_(WAIT_SECONDS)

    statuses = [status(verify(server, given["token"], solve(given))) for server in (other, other, one)]

    assert statuses == ["success", "invalid-token", "invalid-token"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: "x",
        lambda token: ":",
        lambda token: token.partition(":")[0],
        lambda token: token.partition(":")[2],
        lambda token: "0" * 32 + ":" + token.partition(":")[2],
        lambda token: token.upper(),
        lambda token: token[:-1],
        lambda token: token + ":",
        lambda token: token * 20,
        lambda token: "\ud800:" + token.partition(":")[2],
        lambda token: "ä" * 32 + ":" + token.partition(":")[2],
    ],
)
def test_a_spoiled_token_is_invalid_and_the_real_one_stays_good(server: Server, spoil: Any) -> None:
    token, solution = solved(server)

    reply = verify(server, spoil(token), solution)

    assert reply.json() == {"hostName": "", "status": "invalid-token"}
    assert status(verify(server, token, solution)) == "success"


def test_a_token_of_another_protocol_is_invalid(server: Server) -> None:
    sealed = server.engine.issue("onecaptcha", "work", {"difficulty": 4}, site="dev-site")

    token = f"{sealed.claims.seed.hex()}:{sealed.token}"

    assert status(verify(server, token, "1")) == "invalid-token"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"siteSecret": "wrong"}, 401),
        ({"siteSecret": ""}, 401),
        ({"siteSecret": None}, 400),
        ({"siteSecret": 1}, 400),
        ({"token": None}, 400),
        ({"token": 5}, 400),
        ({"token": ["x"]}, 400),
        ({"solution": None}, 400),
        ({"solution": 5}, 400),
        ({"solution": ""}, 400),
        ({"solution": "x" * 129}, 400),
        ({"solution": "\ud800"}, 400),
    ],
)
def test_a_malformed_verify_has_its_status_and_spends_nothing(
    server: Server, changes: dict[str, Any], code: int
) -> None:
    token, solution = solved(server)

    body = {"siteSecret": "dev-secret", "token": token, "solution": solution, **changes}
    reply = server.visitor.post("/v1/verify" + SITE, content=ascii_json(body))

    assert (reply.status_code, reply.json()["status"]) == (code, code)
    assert status(verify(server, token, solution)) == "success"


@pytest.mark.parametrize("caller", ["203.0.113.42", "None", "", None, 7, {}, "x" * 1_000])
def test_whatever_caller_ip_says_a_solution_stands(server: Server, caller: object) -> None:
    token, solution = solved(server)

    assert status(verify(server, token, solution, callerIp=caller)) == "success"


@pytest.mark.parametrize(
    ("content", "content_type", "code"),
    [
        (b"", "application/json", 400),
        (b"null", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b" " * 20_000, "application/json", 413),
    ],
)
@pytest.mark.parametrize("path", ["/v1/verify", "/v1/reset"])
def test_a_bad_body_is_a_problem(
    server: Server, path: str, content: bytes, content_type: str, code: int
) -> None:
    reply = server.visitor.post(path + SITE, content=content, headers={"Content-Type": content_type})

    assert (reply.status_code, reply.json()["status"]) == (code, code)
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/challenge"), ("POST", "/v1/verify"), ("POST", "/v1/reset")]
)
@pytest.mark.parametrize(("query", "code"), [("", 400), ("?siteKey=", 400), ("?siteKey=nobody", 404)])
def test_a_missing_site_key_is_400_and_an_unknown_one_404(
    server: Server, method: str, path: str, query: str, code: int
) -> None:
    reply = server.visitor.request(method, "/restcaptcha" + path + query)

    assert (reply.status_code, reply.json()["status"]) == (code, code)
    assert reply.json()["instance"] == "/restcaptcha" + path


def test_a_problem_is_worded_to_the_letter(server: Server) -> None:
    reply = server.visitor.get("/v1/challenge?siteKey=nobody")

    assert reply.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "there is no such siteKey",
        "instance": "/v1/challenge",
    }


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("http://localhost", 200),
        ("https://127.0.0.1:8443", 200),
        ("http://[::1]:80", 200),
        ("http://LOCALHOST", 200),
        ("https://evil.example", 401),
        ("https://localhost.evil.example", 401),
        ("null", 401),
        ("https://", 401),
        ("http://[", 401),
        ("http://" + "a" * 300, 401),
    ],
)
def test_the_origin_s_host_must_be_the_site_s(server: Server, origin: str, code: int) -> None:
    reply = server.visitor.get("/v1/challenge" + SITE, headers={"Origin": origin})

    assert reply.status_code == code


def test_a_request_without_origin_names_no_host(server: Server) -> None:
    """As with every protocol: apps and servers send none, and what they ask for is bound to no page."""
    given = server.visitor.get("/v1/challenge" + SITE, headers={"Host": "captcha.example"}).json()
    server.clock.pass_(WAIT_SECONDS)

    assert verify(server, given["token"], solve(given)).json()["hostName"] == ""


def test_the_host_of_the_challenge_s_origin_is_told_at_verify(server: Server) -> None:
    given = challenge(server, Origin="https://127.0.0.1:8443")
    server.clock.pass_(WAIT_SECONDS)

    assert verify(server, given["token"], solve(given)).json()["hostName"] == "127.0.0.1"


class TestSites:
    @pytest.fixture
    def server(self, make_server: MakeServer, tmp_path: Path) -> Server:
        path = tmp_path / "sites.toml"
        path.write_text(
            "".join(
                f'[[site]]\nname = "{key}"\nkey = "{key}"\nkinds = ["work"]\n'
                f'secret_sha256 = "{fingerprint(key + "-secret").hex()}"\n'
                for key in ("dev-site", "other")
            )
        )
        return make_server(sites=path)

    def test_another_site_s_token_is_invalid_and_not_used_up(self, server: Server) -> None:
        token, solution = solved(server)
        body = {"siteSecret": "other-secret", "token": token, "solution": solution}

        foreign = server.visitor.post("/v1/verify?siteKey=other", json=body)
        own = verify(server, token, solution, siteSecret="dev-site-secret")

        assert (status(foreign), status(own)) == ("invalid-token", "success")

    def test_another_site_s_token_is_not_reset(self, server: Server) -> None:
        token, solution = solved(server)

        foreign = server.visitor.post("/v1/reset?siteKey=other", json={"token": token})

        assert foreign.status_code == 400
        assert status(verify(server, token, solution, siteSecret="dev-site-secret")) == "success"

    def test_another_site_s_secret_is_wrong(self, server: Server) -> None:
        token, solution = solved(server)

        assert verify(server, token, solution, siteSecret="other-secret").status_code == 401

    def test_without_hosts_every_host_is_allowed(self, server: Server) -> None:
        assert challenge(server, Origin="https://anywhere.example")


def test_a_reset_uses_the_token_up(server: Server) -> None:
    token, solution = solved(server)

    reply = reset(server, token)

    assert (reply.status_code, reply.content) == (200, b"")
    assert status(verify(server, token, solution)) == "invalid-token"


def test_a_token_that_is_gone_already_is_reset_without_complaint(server: Server) -> None:
    token, _ = solved(server)

    codes = [reset(server, token).status_code for _ in range(2)]
    server.clock.pass_(1_800)

    assert [*codes, reset(server, token).status_code] == [200] * 3


@pytest.mark.parametrize("token", ["", "x", "a:b.c.d.e.f", None, 5])
def test_what_is_no_token_cannot_be_reset(server: Server, token: Any) -> None:
    assert reset(server, token).status_code == 400


@pytest.mark.parametrize(
    ("header", "language", "title"),
    [
        ("", "en", "Not Found"),
        ("de-AT, en;q=0.5", "de", "Nicht gefunden"),
        ("es", "es", "No encontrado"),
        ("fr;q=0.9, ja", "fr", "Introuvable"),
        ("it", "it", "Non trovato"),
        ("pt-BR", "pt", "Não encontrado"),
        ("ja", "en", "Not Found"),
    ],
)
def test_titles_are_in_the_caller_s_language(server: Server, header: str, language: str, title: str) -> None:
    reply = server.visitor.get("/v1/challenge?siteKey=nobody", headers={"Accept-Language": header})

    assert (reply.json()["title"], reply.headers["content-language"]) == (title, language)
    assert "Accept-Language" in reply.headers["vary"]


def test_every_language_has_a_title_for_every_status() -> None:
    for language, titles in TITLES.items():
        assert {code for code, _ in PROBLEMS.values()} <= set(titles), language


def test_a_fault_of_ours_is_a_mute_problem(server: Server) -> None:
    server.engine._seal = None  # type: ignore[assignment]  # any fault will do
    transport = httpx.ASGITransport(app=server.app, raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://captcha.test") as client:
            return await client.get("/v1/challenge" + SITE, headers=ORIGIN)

    reply = anyio.run(ask)
    assert (reply.status_code, reply.json()["status"], reply.json()["detail"]) == (
        500,
        500,
        "an unexpected fault",
    )


class StandIn(Adapter):
    """Claims /v1/verify without the parameter, as RelaySMS does."""

    name: ClassVar[str] = "standin"

    def table(self) -> Table:
        return {"/v1/verify": {"POST": self.verify}}

    async def verify(self, request: Request) -> Response:
        return PlainTextResponse("the other")

    def word(self, error: CaptchaError) -> Response:
        return PlainTextResponse("the other's error", 400)


@pytest.mark.parametrize("order", [[RestCaptcha, StandIn], [StandIn, RestCaptcha]])
def test_a_verify_with_site_key_is_ours_and_any_other_the_other_protocol_s(
    server: Server, order: list[type[Adapter]]
) -> None:
    """`POST /v1/verify` is claimed by two protocols; the order in which they are listed must not decide."""
    adapters = [of(server.engine, server.settings, lambda: Sites([DEVELOPMENT])) for of in order]
    visitor = Visitor(app_of(adapters))

    ours = visitor.post("/v1/verify" + SITE, json={})
    theirs = visitor.post("/v1/verify", json={})

    assert ours.headers["content-type"] == "application/problem+json"
    assert theirs.text == "the other"


@pytest.mark.parametrize(
    ("query", "ours"),
    [
        ("siteKey=dev-site&x=1", True),
        ("x=1&siteKey=dev-site", True),
        ("site%4Bey=dev-site", True),
        ("x=siteKey", False),
        ("xsiteKey=dev-site", False),
    ],
)
def test_the_site_key_is_found_however_it_is_spelled(server: Server, query: str, ours: bool) -> None:
    rest, other = (
        of(server.engine, server.settings, lambda: Sites([DEVELOPMENT])) for of in (RestCaptcha, StandIn)
    )

    reply = Visitor(app_of([rest, other])).post(f"/v1/verify?{query}", json={})

    assert (reply.headers["content-type"] == "application/problem+json") is ours


def app_of(adapters: list[Adapter]) -> Starlette:
    paths, patterns = in_order(route for adapter in adapters for route in adapter.routes())
    return Starlette(routes=[paths, *patterns])


def test_a_verify_without_site_key_is_our_400_where_nobody_else_claims_it(server: Server) -> None:
    adapter = RestCaptcha(server.engine, server.settings, lambda: Sites([DEVELOPMENT]))

    reply = Visitor(app_of([adapter])).post("/v1/verify", json={})

    assert (reply.status_code, reply.json()["detail"]) == (400, "siteKey is missing")


def test_both_prefixes_answer(server: Server) -> None:
    reply = server.visitor.get("/restcaptcha/v1/challenge" + SITE, headers=ORIGIN)

    assert reply.status_code == 200


@pytest.mark.parametrize("path", ["/captcha/v1/challenge", "/v1/challenge"])
def test_it_answers_below_the_path_that_an_edge_mounts_it_at(server: Server, path: str) -> None:
    transport = httpx.ASGITransport(app=server.app, root_path="/captcha")

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://captcha.test") as client:
            return await client.get(path + SITE, headers=ORIGIN)

    assert anyio.run(ask).status_code == 200


def test_a_page_of_another_origin_may_call_it(server: Server) -> None:
    reply = server.visitor.get("/v1/challenge" + SITE, headers=ORIGIN)

    assert reply.headers["access-control-allow-origin"] == "*"


def test_no_token_solution_or_secret_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token, solution = solved(server)

    verify(server, token, "my-wrong-solution")
    verify(server, token, solution)
    verify(server, token, solution, siteSecret="my-wrong-secret")

    assert "wrong-answer" in caplog.text
    assert "wrong-secret" in caplog.text
    for secret in (token[:32], token[40:80], "my-wrong-solution", "my-wrong-secret", "dev-secret"):
        assert secret not in caplog.text


MAP = """
[[site]]
name = "Shop"
key = "dev-site"
secret_sha256 = "{secret}"
policy = "shop"
kinds = ["work"]
[[policy]]
name = "shop"
load = 1000
failures = 2
[[policy.rule]]
score = [0, 100]
kind = "work"
algorithm = "sha-512"
unit = "hex"
difficulty = 1
most = 3
"""


class TestPolicy:
    @pytest.fixture
    def server(self, make_server: MakeServer, tmp_path: Path) -> Server:
        path = tmp_path / "sites.toml"
        path.write_text(MAP.format(secret=fingerprint("dev-secret").hex()))
        return make_server(sites=path, work_wait_seconds=0)

    def test_algorithm_and_difficulty_are_the_policy_s(self, server: Server) -> None:
        given = challenge(server)

        assert given["challengeType"]["algorithm"] == "hash-sha-512"
        assert given["challengeType"]["difficulty"] == 1
        assert status(verify(server, given["token"], solve(given))) == "success"

    def test_failures_make_the_next_challenge_harder(self, server: Server) -> None:
        difficulties = []
        for _ in range(9):
            given = challenge(server)
            difficulties.append(given["challengeType"]["difficulty"])
            verify(server, given["token"], wrong(given))

        assert difficulties == [1, 1, 2, 2, 3, 3, 3, 3, 3]

    def test_a_failure_counts_on_whichever_replica_it_is_verified(
        self, server: Server, make_server: MakeServer
    ) -> None:
        other = make_server(sites=server.settings.sites, work_wait_seconds=0, entropy="other")
        for _ in range(2):
            given = challenge(server)
            verify(other, given["token"], wrong(given))

        assert challenge(other)["challengeType"]["difficulty"] == 2

    def test_the_difficulty_is_what_was_sealed_not_what_is_asked_now(self, server: Server) -> None:
        """A client keeps an easy token while others make it harder: it may, for it was given so."""
        easy = challenge(server)
        for _ in range(8):
            given = challenge(server)
            verify(server, given["token"], wrong(given))

        assert status(verify(server, easy["token"], solve(easy))) == "success"

    def test_bits_are_asked_as_whole_digits_rounded_down(self, make_server: MakeServer) -> None:
        """The default policy asks for 16 bits."""
        assert challenge(make_server())["challengeType"]["difficulty"] == 4


def wrong(challenge: Mapping[str, Any]) -> str:
    nonce = challenge["token"].partition(":")[0]
    algorithm = challenge["challengeType"]["algorithm"].removeprefix("hash-").replace("-", "")
    digests = ((n, hashlib.new(algorithm, f"{nonce}:{n}".encode()).hexdigest()) for n in count())
    return next(str(number) for number, digest in digests if digest[0] != "0")


class TestHealth:
    def test_it_answers_with_the_fields_of_both_shapes(self, server: Server) -> None:
        server.clock.pass_(90)

        assert server.visitor.get("/health").json() == {
            "hostName": "captcha.test",
            "status": "pass",
            "version": __version__,
            "serviceId": "captcha-stateless",
            "checks": {
                "uptime": [
                    {
                        "componentType": "system",
                        "observedValue": 90,
                        "observedUnit": "s",
                        "time": "2027-01-15T08:01:30Z",
                    }
                ]
            },
        }

    @pytest.mark.parametrize(
        ("headers", "code"),
        [
            ({"X-API-KEY": "k3y"}, 200),
            ({"Authorization": "ApiKey k3y"}, 200),
            ({"authorization": "apikey  k3y"}, 200),
            ({}, 401),
            ({"X-API-KEY": "other"}, 401),
            ({"Authorization": "Bearer k3y"}, 401),
            ({"Authorization": "k3y"}, 401),
        ],
    )
    def test_it_may_ask_for_a_key(self, make_server: MakeServer, headers: dict[str, str], code: int) -> None:
        assert make_server(health_key="k3y").visitor.get("/health", headers=headers).status_code == code

    @pytest.mark.parametrize(
        ("address", "code"),
        [("10.1.2.3", 200), ("::1", 200), ("127.0.0.1", 200), ("8.8.8.8", 403), ("", 403)],
    )
    def test_it_may_answer_private_networks_only(
        self, make_server: MakeServer, address: str, code: int
    ) -> None:
        server = make_server(health_private=True)
        server.visitor.address = address

        assert server.visitor.get("/health").status_code == code

    @pytest.mark.parametrize(
        ("address", "code"), [("192.0.2.7", 200), ("2001:db8::1", 200), ("192.0.3.1", 403), ("", 403)]
    )
    def test_it_may_answer_listed_networks_only(
        self, make_server: MakeServer, address: str, code: int
    ) -> None:
        server = make_server(health_networks=("192.0.2.0/24", "2001:db8::/32"))
        server.visitor.address = address

        assert server.visitor.get("/health").status_code == code

    def test_networks_that_are_none_are_refused_at_start(self, make_server: MakeServer) -> None:
        with pytest.raises(Misconfigured, match="CAPTCHA_HEALTH_NETWORKS"):
            make_server(health_networks=("here",))
