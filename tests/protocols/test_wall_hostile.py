"""The wall against who would turn it on others: visitors' own words where an edge's would count."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from captcha_stateless.agents.signatures import AHEAD_SECONDS
from captcha_stateless.protocols.wall import BEHIND
from captcha_stateless.tokens.digests import fingerprint
from tests.agents.signers import VISIT, Agent, pinned
from tests.conftest import MakeServer
from tests.protocols.visits import FETCHED, SEEN, forwarded
from tests.support import NOW, Server

AGENT = Agent()
SITES = f"""[[site]]
name = "shop"
key = "shop"
hosts = ["shop.example"]
secret_sha256 = "{fingerprint("shop").hex()}"
[[site.rule]]
action = "deny"
method = "POST"
path = "/login"
[[site.rule]]
action = "allow"
method = "GET"
path = "/open"
[[site.rule]]
action = "allow"
agent = "Reader"
"""


@pytest.fixture
def edge(make_server: MakeServer) -> Server:
    """Serve behind a trusted proxy."""
    return make_server(trusted_proxies=("*",), public_url="https://shop.example/captcha")


def scripts_of(page: str) -> list[str]:
    return re.findall(r'<script[^>]* src="([^"]+)"', page)


@pytest.mark.parametrize(
    ("asked", "base"),
    [
        ("/wall?at=/uploads/mallory", ""),
        ("/wall?at=/..", ""),
        ("/auth?deny=page&at=/uploads/mallory", "/captcha/"),
    ],
)
def test_a_link_to_the_wall_does_not_say_where_its_scripts_are(edge: Server, asked: str, base: str) -> None:
    """Else whoever may put a file on the site has it run for whom he leads there."""
    page = edge.visitor.get(asked, headers={**SEEN, "Host": "shop.example"})

    assert scripts_of(page.text) == [f"{base}widget.js", f"{base}wall.js"]


@pytest.mark.parametrize(
    "uri",
    ["/page?at=/uploads/mallory", "/page?at=home", "/uploads/mallory/wall", "/page?deny=maybe&sitekey=x"],
)
def test_a_visitor_s_own_address_behind_ours_asks_nothing(edge: Server, uri: str) -> None:
    page = edge.visitor.get(f"{BEHIND}dev-site{uri}", headers=SEEN)

    assert page.status_code == 401
    assert scripts_of(page.text) == ["/captcha/widget.js", "/captcha/wall.js"]


def test_the_edge_says_where_they_are(edge: Server) -> None:
    page = edge.visitor.get("/auth?deny=page&at=/below", headers={**SEEN, **forwarded("/page")})

    assert scripts_of(page.text) == ["/below/widget.js", "/below/wall.js"]


def test_a_mistake_of_the_edge_is_no_fault_of_ours(ruled: Server) -> None:
    asked = "/auth?deny=page&at=x"

    reply = ruled.visitor.get(asked, headers={**SEEN, **forwarded("/login", "POST")})

    assert (reply.status_code, reply.json()) == (400, {"error": "at must be a path"})


@pytest.fixture
def ruled(make_server: MakeServer, tmp_path: Path) -> Server:
    (tmp_path / "sites.toml").write_text(SITES)
    server = make_server(
        sites=tmp_path / "sites.toml",
        agents=pinned(tmp_path / "agents.json", AGENT),
        trusted_proxies=("*",),
    )
    server.clock.pass_(AHEAD_SECONDS)
    return server


@pytest.mark.parametrize(
    ("method", "uri", "status"),
    [
        ("POST", "/login", 403),
        ("post", "/login", 403),
        ("GET", "/open", 204),
        ("GET_", "/open", 401),
        ("P" * 17, "/open", 401),
        ("P" * 33, "/open", 401),
        ("", "/open", 401),
    ],
)
def test_an_odd_method_is_not_taken_for_the_question_s_own(
    ruled: Server, method: str, uri: str, status: int
) -> None:
    """Frameworks take `post` for `POST`, and some edges hand it on."""
    reply = ruled.visitor.get("/auth", headers={**FETCHED, **forwarded(uri, method)})

    assert reply.status_code == status


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ([], 204),
        ([("X-Forwarded-Uri", "/x")], 401),
        ([("X-Forwarded-Method", "POST")], 401),
        ([("Accept", "text/html")], 204),
    ],
)
def test_what_an_edge_says_twice_is_not_known(
    ruled: Server, more: list[tuple[str, str]], status: int
) -> None:
    """Else a visitor would say it first, where an edge adds its own word to his."""
    said = [*FETCHED.items(), *forwarded("/open").items(), *more]

    assert ruled.visitor.get("/auth", headers=said).status_code == status


def test_a_signature_that_another_site_was_sent_lets_nobody_through_here(ruled: Server) -> None:
    """Whoever runs a site that an agent reads could send what it signed for him to this one, under his own host."""
    statuses = []
    for host in ("mallory.example", "shop.example"):
        request = AGENT.sign(replace(VISIT, host=host), created=NOW + AHEAD_SECONDS)
        told = forwarded(f"{request.path}?{request.query}", host=host)
        statuses.append(ruled.visitor.get("/auth", headers={**request.headers, **told}).status_code)

    assert statuses == [401, 204]
