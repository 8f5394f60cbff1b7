"""Clearance for edges: who is let through, and with what."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from captcha_stateless.protocols.clearance import Clearance
from captcha_stateless.tokens.cookie import COOKIE
from captcha_stateless.tokens.digests import fingerprint
from tests.conftest import MakeServer
from tests.protocols.contract import AdapterContract
from tests.support import Server

TWO_SITES = "".join(
    f'[[site]]\nname = "{key}"\nkey = "{key}"\nsecret_sha256 = "{fingerprint(key).hex()}"\n'
    for key in ("shop", "blog")
)


def check(server: Server, token: str, query: str = "") -> httpx.Response:
    return server.visitor.get(f"/auth{query}", headers={"Cookie": f"{COOKIE}={token}"})


def clear(server: Server, body: Any, query: str = "") -> httpx.Response:
    return server.visitor.post(f"/auth{query}", json=body)


class TestAdapter(AdapterContract):
    adapter: ClassVar = Clearance
    paths: ClassVar[Sequence[str]] = ["/auth", "/clearance.js"]
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", "/auth")]

    def is_worded(self, response: httpx.Response) -> bool:
        return list(response.json()) == ["error"]


def test_a_visitor_without_a_pass_is_sent_away(server: Server) -> None:
    reply = server.visitor.get("/auth")

    assert (reply.status_code, reply.json()) == (401, {"error": "Solve a challenge first"})
    assert reply.headers["www-authenticate"] == "Captcha"
    assert reply.headers["cache-control"] == "no-store"


def test_a_pass_becomes_a_cookie_that_clears_every_request(server: Server) -> None:
    token = server.earn()

    cleared = clear(server, {"response": token})
    checks = [check(server, token) for _ in range(3)]

    assert cleared.status_code == 204
    assert cleared.headers["set-cookie"] == (
        f"{COOKIE}={token}; HttpOnly; Max-Age=300; Path=/; SameSite=lax; Secure"
    )
    assert [reply.status_code for reply in checks] == [204] * 3


def test_a_clearance_spends_nothing(server: Server) -> None:
    token = server.earn()
    check(server, token)

    verified = server.visitor.post("/siteverify", data={"secret": "dev-secret", "response": token}).json()

    assert verified["success"] is True


def test_a_clearance_ends_with_its_pass(server: Server) -> None:
    token = server.earn()
    server.clock.pass_(200)

    cleared = clear(server, {"response": token})
    server.clock.pass_(100)

    assert "Max-Age=100;" in cleared.headers["set-cookie"]
    assert check(server, token).status_code == 401
    assert clear(server, {"response": token}).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "A" * 5_000, '"quoted"', "é"])
def test_a_cookie_that_is_no_pass_is_sent_away(server: Server, token: str) -> None:
    headers = {"Cookie": f"{COOKIE}={token}".encode("latin-1")}

    assert server.visitor.get("/auth", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"), [(None, 400), ([], 400), ({}, 401), ({"response": 1}, 401), ({"response": "x"}, 401)]
)
def test_a_body_without_a_pass_sets_no_cookie(server: Server, body: Any, status: int) -> None:
    reply = clear(server, body)

    assert reply.status_code == status
    assert "set-cookie" not in reply.headers


def test_a_pass_of_one_site_opens_no_other(make_server: MakeServer, tmp_path: Path) -> None:
    (tmp_path / "sites.toml").write_text(TWO_SITES)
    server = make_server(sites=tmp_path / "sites.toml")
    token = server.earn(site="shop", host="shop.example")

    replies = [check(server, token, query) for query in ("?sitekey=shop", "?sitekey=blog", "?sitekey=x", "")]

    assert [reply.status_code for reply in replies] == [204, 401, 401, 401]


def test_a_challenge_is_no_clearance(server: Server) -> None:
    assert check(server, server.engine.issue("onecaptcha", "grid").token).status_code == 401
