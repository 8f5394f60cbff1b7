"""The wall against who would turn it on others: visitors' own words where an edge's would count."""

import re

import pytest

from captcha_stateless.protocols.wall import BEHIND
from tests.conftest import MakeServer
from tests.protocols.visits import SEEN, forwarded
from tests.support import Server


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
