"""RESTCaptcha's sites: who may ask, from which page, and whose verify it is."""

from pathlib import Path
from typing import ClassVar

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from captcha_stateless.errors import CaptchaError
from captcha_stateless.http.routing import in_order
from captcha_stateless.protocols.base import Adapter, Table
from captcha_stateless.protocols.restcaptcha import RestCaptcha
from captcha_stateless.sites import DEVELOPMENT, Sites
from captcha_stateless.tokens.digests import fingerprint
from tests.conftest import MakeServer
from tests.protocols.test_restcaptcha import (
    ORIGIN,
    SITE,
    WAIT_SECONDS,
    challenge,
    solve,
    solved,
    status,
    verify,
)
from tests.support import Server, Visitor


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
