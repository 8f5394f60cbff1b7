"""The wall's page: who gets one, what it says, and how it leads back."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captcha_stateless.errors import BadRequest
from captcha_stateless.protocols import scripts, wall_way
from captcha_stateless.protocols.wall_way import Way
from captcha_stateless.tokens.cookie import COOKIE
from captcha_stateless.wall import Visit
from captcha_stateless.wall.asked import Asked
from tests.conftest import MakeServer
from tests.protocols.visits import FETCHED, KEY, SEEN, TWO_SITES, asked, forwarded, query_of
from tests.support import Server


@pytest.fixture
def edge(make_server: MakeServer) -> Server:
    """Serve behind a trusted proxy."""
    return make_server(trusted_proxies=("*",))


@pytest.mark.parametrize(
    ("deny", "headers", "status", "media_type"),
    [
        ("401", SEEN, 401, "application/json"),
        ("redirect", SEEN, 302, None),
        ("page", SEEN, 401, "text/html; charset=utf-8"),
        ("page", FETCHED, 401, "application/json"),
        ("redirect", FETCHED, 401, "application/json"),
        ("page", {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 401, "application/json"),
        ("page", {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object"}, 401, "application/json"),
        ("page", {"Accept": "text/html", "X-Requested-With": "XMLHttpRequest"}, 401, "application/json"),
        ("page", {"Accept": "text/html", "Signature-Input": "sig=()"}, 401, "application/json"),
        ("page", {"Accept": "application/atom+xml"}, 401, "application/json"),
        ("page", {"Accept": "*/*"}, 401, "application/json"),
        ("page", {"Accept": "application/xhtml+xml, text/html;q=0"}, 401, "text/html; charset=utf-8"),
    ],
)
def test_who_wants_a_page_gets_one_as_the_edge_wants_it_and_all_else_a_clean_401(
    edge: Server, deny: str, headers: dict[str, str], status: int, media_type: str | None
) -> None:
    reply = asked(edge, deny, "/deep/link?x=1", headers)

    assert (reply.status_code, reply.headers.get("content-type")) == (status, media_type)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-robots-tag"] == "noindex, nofollow"
    assert reply.headers.get("retry-after") == ("3600" if status == 401 else None)


def test_a_redirect_leads_over_the_wall_back_to_the_very_page(edge: Server) -> None:
    leads = asked(edge, "redirect", "/deep/link?x=1&y=%2F", SEEN).headers["location"]
    cookie = {"Cookie": f"{COOKIE}={edge.earn()}"}

    shown = edge.visitor.get(f"/wall?{urlsplit(leads).query}", headers={**SEEN, **forwarded("/captcha/wall")})
    back = edge.visitor.get(
        f"/wall?{urlsplit(leads).query}&set=1", headers={**SEEN, **cookie, **forwarded("/captcha/wall")}
    )

    assert leads.startswith("https://shop.example/captcha/wall?")
    assert (shown.status_code, back.status_code) == (401, 303)
    assert back.headers["location"] == "/deep/link?x=1&y=%2F"


def test_what_is_sent_is_not_lost_silently(edge: Server) -> None:
    headers = {**SEEN, "Referer": "https://shop.example/form?step=2#here", "Accept-Language": "de"}

    redirect = asked(edge, "redirect", "/send", headers, "POST")
    page = asked(edge, "page", "/send", headers, "POST")

    assert redirect.status_code == 303
    assert "/form?step=2" in query_of(redirect.headers["location"])["return"]
    assert scripts.further_words("wall")["de"]["lost"] in page.text


def test_the_page_finds_its_files_where_the_edge_serves_them(edge: Server) -> None:
    page = asked(edge, "page", "/deep/link", SEEN)

    assert re.findall(r'(?:src|href)="([^"?]+)', page.text) == [
        "/captcha/nojs.css",
        "/captcha/favicon.svg",
        "/captcha/widget.js",
        "/captcha/wall.js",
        "/captcha/nojs",
    ]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]


@pytest.mark.parametrize(("kinds", "unasked"), [(["grid", "work"], True), (["grid"], False)])
def test_work_is_done_unasked_where_the_policy_leads_to_it(
    make_server: MakeServer, tmp_path: Path, kinds: list[str], unasked: bool
) -> None:
    (tmp_path / "sites.toml").write_text(TWO_SITES + f"kinds = {kinds}\n")
    server = make_server(sites=tmp_path / "sites.toml")

    page = server.visitor.get("/wall?sitekey=blog", headers=SEEN)

    assert ("data-unasked" in page.text) is unasked
    # Without scripts nothing is done: what the device does is said by the script that has it done.
    assert '<p id="unasked" hidden>' in page.text


@pytest.mark.parametrize("language", scripts.languages())
def test_it_speaks_every_language(server: Server, language: str) -> None:
    page = server.visitor.get("/wall", headers={**SEEN, "Accept-Language": language})

    assert f'<html lang="{language}"' in page.text
    assert scripts.further_words("wall")[language]["why"] in page.text
    assert set(scripts.further_words("wall")[language]) == set(scripts.further_words("wall")["en"])


def test_a_way_back_that_is_none_of_ours_leads_nowhere(edge: Server) -> None:
    good = query_of(asked(edge, "redirect", "/page", SEEN).headers["location"])["return"]
    cookie = {"Cookie": f"{COOKIE}={edge.earn()}", **SEEN}
    tried = [
        (good.replace("/page", "//evil.example"), "shop.example"),
        (good.replace("/page", "/other"), "shop.example"),
        ("https://evil.example/", "shop.example"),
        (good, "blog.example"),
        ("x" * 5_000, "shop.example"),
    ]

    replies = [
        edge.visitor.get("/wall", params={"return": text}, headers={**cookie, **forwarded("/", host=host)})
        for text, host in tried
    ]

    assert [reply.status_code for reply in replies] == [400] * len(tried)
    assert all("location" not in reply.headers for reply in replies)


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/a\tb", "/"),
        ("https://evil.example/", "/"),
        (f"/{'x' * 3_000}", "/"),
        ("/é", "/%E9"),
        ("/a?b#c", "/a?b#c"),
    ],
)
def test_the_way_back_is_a_path_of_the_same_host(edge: Server, uri: str, address: str) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in {**SEEN, **forwarded(uri)}.items()]
    leads = edge.visitor.get("/auth?deny=redirect", headers=raw).headers["location"]

    assert query_of(leads)["return"].endswith(f".0{address}")


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60), st.text(max_size=20), st.integers(0, 100), st.booleans())
def test_a_sealed_way_opens_for_its_own_site_and_host_alone(
    path: str, host: str, weight: int, lost: bool
) -> None:
    way = Way(f"/{path}", Asked("strict", weight), lost)
    text = wall_way.seal(KEY, "shop", host, way)

    assert wall_way.open_(KEY, "shop", host, text) == way
    for site, other, changed in (
        ("blog", host, text),
        ("shop", f"{host}x", text),
        ("shop", host, f"{text}x"),
    ):
        with pytest.raises(BadRequest):
            wall_way.open_(KEY, site, other, changed)


def test_whoever_keeps_no_cookie_is_told_and_never_led_in_a_circle(edge: Server) -> None:
    """A thousand first visits: the wall, the pass, the wall again; each ends with a page that leads nowhere by itself."""
    token = edge.earn()

    async def visit(number: int) -> tuple[int, bool, bool]:
        transport = httpx.ASGITransport(edge.app, client=(f"198.51.{number // 250}.{number % 250 + 1}", 1))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://shop.example", headers=SEEN
        ) as http:
            page = await http.get("/auth?deny=page", headers=forwarded(f"/page/{number}"))
            found = re.search(r'data-next="([^"]+)"', page.text)
            assert found and page.status_code == 401
            cleared = await http.post("/auth", json={"response": token})
            http.cookies.clear()
            last = await http.get(found[1].replace("&amp;", "&"))
            stays = re.search("<script|http-equiv|captcha-stateless", last.text) is None
            return last.status_code, "set-cookie" in cleared.headers, stays

    async def visits() -> set[tuple[int, bool, bool]]:
        return {await visit(number) for number in range(1_000)}

    assert anyio.run(visits) == {(401, True, True)}


def test_without_scripts_the_wall_sets_the_cookie_and_leads_back(edge: Server) -> None:
    """From form to form, as a browser without scripts does."""
    told = forwarded("/captcha/nojs", host="localhost")
    headers = {**SEEN, **forwarded("/deep/link?x=1", host="localhost")}
    page = edge.visitor.get("/auth?deny=page&at=/captcha", headers=headers)
    found = re.search(r'<noscript><p><a href="/captcha(/nojs[^"]+)"', page.text)
    assert found
    shown = edge.visitor.get(found[1].replace("&amp;", "&"), headers=told)
    for _ in range(10):
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown.text))
        right = edge.answer(fields["token"], "nojs")
        chosen = {f"tile{at}": "on" for at, wanted in enumerate(right) if wanted}
        answered = edge.visitor.post("/nojs", data={**fields, **chosen}, headers=told)
        if "set-cookie" in answered.headers:
            break
        shown = edge.visitor.get(f"/{answered.headers['location']}", headers=told)
    cookie = answered.headers["set-cookie"].partition(";")[0]
    leads = answered.headers["location"]

    back = edge.visitor.get(f"/{leads}", headers={**SEEN, **told, "Cookie": cookie})
    without = edge.visitor.get(f"/{leads}", headers={**SEEN, **told})

    assert (answered.status_code, back.status_code, back.headers["location"]) == (303, 303, "/deep/link?x=1")
    assert (without.status_code, without.text.count("<form")) == (401, 0)


def test_a_form_of_the_wall_with_a_changed_way_back_is_refused(edge: Server) -> None:
    way = wall_way.seal(KEY, "dev-site", "shop.example", Way("/page"))

    reply = edge.visitor.get("/nojs", params={"sitekey": "dev-site", "wall": way}, headers=forwarded("/"))

    assert reply.status_code == 400


@pytest.mark.parametrize(
    ("visit", "address"),
    [
        ({"method": "POST", "headers": {"referer": "https://shop.example/form"}}, "/form"),
        ({"method": "POST", "headers": {"referer": "https://evil.example/form"}}, "/"),
        ({"method": "POST", "headers": {"referer": "http://[::1"}}, "/"),
        ({"method": "POST", "headers": {}}, "/"),
        ({"method": "HEAD", "headers": {}}, "/sent?x"),
    ],
)
def test_what_cannot_be_asked_for_again_leads_back_to_where_it_came_from(
    visit: dict[str, Any], address: str
) -> None:
    shown = Visit(scheme="https", host="shop.example", path="/sent", query="x", address="", **visit)

    assert wall_way.back_from(shown, Asked(), page=True).address == address
