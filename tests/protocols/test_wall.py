"""The wall: who is let through, and with what."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from captcha_stateless.protocols.wall import BEHIND, WAY, Wall
from captcha_stateless.tokens.cookie import COOKIE
from tests.conftest import MakeServer
from tests.protocols.contract import AdapterContract
from tests.protocols.visits import FETCHED, SEEN, TWO_SITES, asked, check, clear, forwarded, query_of
from tests.support import Server


@pytest.fixture
def edge(make_server: MakeServer) -> Server:
    """Serve behind a trusted proxy."""
    return make_server(trusted_proxies=("*",))


class TestAdapter(AdapterContract):
    adapter: ClassVar = Wall
    paths: ClassVar[Sequence[str]] = [
        "/auth",
        f"{BEHIND}{{sitekey}}/{{rest:path}}",
        "/wall",
        "/wall.js",
        "/robots.txt",
    ]
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", "/auth")]
    unknown: ClassVar[str] = "PURGE"

    def is_worded(self, response: httpx.Response) -> bool:
        return "error" in response.json()


def test_a_visitor_without_a_pass_is_sent_away(server: Server) -> None:
    reply = server.visitor.get("/auth")

    assert (reply.status_code, reply.json()["error"]) == (401, "Solve a challenge first")
    assert (reply.headers["x-robots-tag"], reply.headers["retry-after"]) == ("noindex, nofollow", "3600")
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


def test_a_clearance_counts_in_the_network_that_earned_it_where_the_site_says_so(
    make_server: MakeServer, tmp_path: Path
) -> None:
    (tmp_path / "sites.toml").write_text(TWO_SITES.replace('name = "shop"', 'name = "shop"\nbound = true'))
    server = make_server(sites=tmp_path / "sites.toml")
    server.visitor.address = "198.51.100.7"
    tokens = {key: solve(server, key) for key in ("shop", "blog")}
    places = ("198.51.100.200", "203.0.113.9")

    checked = {
        key: [there(server, address, token, key) for address in places] for key, token in tokens.items()
    }

    assert checked == {"shop": [204, 401], "blog": [204, 204]}
    server.visitor.address = places[1]
    assert clear(server, {"response": tokens["shop"]}, "?sitekey=shop").status_code == 401


def solve(server: Server, key: str) -> str:
    reply = server.visitor.post("/api/challenge", params={"sitekey": key}).json()
    while "challenge" in reply:
        token = reply["challenge"]
        answer = {"answer": server.answer(token, "onecaptcha")}
        headers = {"X-Captcha-Challenge": token}
        reply = server.visitor.post("/api/challenge", headers=headers, json=answer).json()
    return str(reply["flag"])


def there(server: Server, address: str, token: str, key: str) -> int:
    server.visitor.address = address
    return check(server, token, f"?sitekey={key}").status_code


def test_a_pass_that_tells_no_network_does_not_count_where_one_is_asked(
    make_server: MakeServer, tmp_path: Path
) -> None:
    (tmp_path / "sites.toml").write_text(TWO_SITES.replace('name = "shop"', 'name = "shop"\nbound = true'))
    server = make_server(sites=tmp_path / "sites.toml")

    assert check(server, server.earn(site="shop"), "?sitekey=shop").status_code == 401


def test_a_blocked_network_is_denied(make_server: MakeServer, tmp_path: Path) -> None:
    (tmp_path / "networks.txt").write_text("block 192.0.2.0/24\n")
    server = make_server(risk_networks=tmp_path / "networks.txt")
    server.visitor.address = "192.0.2.9"

    replies = [
        check(server, server.earn()),
        server.visitor.get("/auth?deny=page", headers=SEEN),
        server.visitor.get("/wall", headers=SEEN),
    ]

    assert [reply.status_code for reply in replies] == [403] * 3
    assert [reply.headers["content-type"][:9] for reply in replies] == ["applicati", "text/html", "text/html"]


def test_what_is_forwarded_counts_only_from_a_trusted_proxy(server: Server) -> None:
    leads = asked(server, "redirect", "/secret", SEEN).headers["location"]

    assert leads.startswith("http://captcha.test/wall?")
    assert query_of(leads)["return"].endswith(".0/")


def test_an_edge_may_put_the_visitor_s_path_behind_ours(edge: Server) -> None:
    """As Envoy does, with the visitor's own method; it lets through for 200 alone."""
    path = "/auth/at/dev-site/deep/l%C3%AFnk?x=1&y=2"

    asked_for = edge.visitor.get(path, headers=SEEN)
    sent = edge.visitor.request("PATCH", path, headers=FETCHED)
    passed = edge.visitor.post(path, headers={"Cookie": f"{COOKIE}={edge.earn()}"})
    unknown = edge.visitor.get("/auth/at/nobody/", headers=SEEN)

    assert [reply.status_code for reply in (asked_for, sent, passed, unknown)] == [401, 401, 200, 401]
    assert ".0/deep/l%C3%AFnk?x=1&amp;y=2" in asked_for.text.replace("%2F", "/").replace("%3F", "?").replace(
        "%25", "%"
    ).replace("%3D", "=").replace("%26", "&amp;")


@pytest.mark.parametrize(
    "query", ["deny=maybe", "at=//evil.example", "at=x", 'at=/a"b', "deny=page&at=/a//b"]
)
def test_what_a_recipe_cannot_mean_is_told(edge: Server, query: str) -> None:
    reply = edge.visitor.get(f"/auth?{query}", headers={**SEEN, **forwarded("/")})

    assert reply.status_code == 400


def test_the_bare_answer_says_where_the_wall_is(edge: Server) -> None:
    reply = asked(edge, "401", "/page", FETCHED)

    assert query_of(f"?return={reply.headers[WAY]}")["return"] == query_of(reply.json()["wall"])["return"]


def test_robots_are_asked_to_stay_away_from_the_wall_alone(edge: Server) -> None:
    reply = edge.visitor.get("/robots.txt?at=/captcha")

    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.text.splitlines()[:2] == ["User-agent: *", "Disallow: /captcha/wall"]
