"""The wall: who is let through, and with what; how the rest is asked, and led back."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captcha_stateless.errors import BadRequest, Misconfigured
from captcha_stateless.protocols import scripts, wall_way
from captcha_stateless.protocols.wall import BEHIND, WAY, Wall
from captcha_stateless.protocols.wall_way import Way
from captcha_stateless.tokens.cookie import COOKIE
from captcha_stateless.tokens.digests import fingerprint
from captcha_stateless.wall import Visit
from captcha_stateless.wall.asked import Asked
from tests.conftest import MakeServer
from tests.protocols.contract import AdapterContract
from tests.support import Server

TWO_SITES = "".join(
    f'[[site]]\nname = "{key}"\nkey = "{key}"\nsecret_sha256 = "{fingerprint(key).hex()}"\n'
    for key in ("shop", "blog")
)
KEY = bytes(32)
#: What a browser says where somebody follows a link, and where a page fetches something.
SEEN = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
FETCHED = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "*/*"}


def check(server: Server, token: str, query: str = "") -> httpx.Response:
    return server.visitor.get(f"/auth{query}", headers={"Cookie": f"{COOKIE}={token}"})


def clear(server: Server, body: Any, query: str = "") -> httpx.Response:
    return server.visitor.post(f"/auth{query}", json=body)


def forwarded(uri: str, method: str = "GET", host: str = "shop.example") -> dict[str, str]:
    return {
        "X-Forwarded-Method": method,
        "X-Forwarded-Host": host,
        "X-Forwarded-Uri": uri,
        "X-Forwarded-Proto": "https",
    }


def asked(
    server: Server, deny: str, uri: str, headers: dict[str, str], method: str = "GET"
) -> httpx.Response:
    """Ask as an edge does for a visitor who has no pass."""
    query = {"deny": deny, "at": "/captcha"}
    return server.visitor.get("/auth", params=query, headers={**headers, **forwarded(uri, method)})


def query_of(address: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


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
    assert reply.headers["x-robots-tag"] == "noindex, nofollow"
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

    assert leads.startswith("http://captcha.test/captcha/wall?")
    assert query_of(leads)["return"].endswith(".0/")


def test_an_edge_may_put_the_visitor_s_path_behind_ours(edge: Server) -> None:
    """As Envoy does, with the visitor's own method."""
    path = "/auth/at/dev-site/deep/l%C3%AFnk?x=1&y=2"

    asked_for = edge.visitor.get(path, headers=SEEN)
    sent = edge.visitor.request("PATCH", path, headers=FETCHED)
    passed = edge.visitor.post(path, headers={"Cookie": f"{COOKIE}={edge.earn()}"})
    unknown = edge.visitor.get("/auth/at/nobody/", headers=SEEN)

    assert [reply.status_code for reply in (asked_for, sent, passed, unknown)] == [401, 401, 204, 401]
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


RULES = """
[[site.rule]]
name = "feeds"
path = "/feed"
action = "allow"
[[site.rule]]
name = "attic"
path = "/attic/*"
action = "deny"
[[site.rule]]
name = "odd"
user_agent = "odd"
action = "weigh"
weight = 40
[[site.rule]]
name = "orders"
path = "/orders/*"
action = "ask"
policy = "strict"
"""


@pytest.fixture
def ruled(make_server: MakeServer, tmp_path: Path) -> Server:
    head = f"""[[site]]
name = "shop"
key = "shop"
secret_sha256 = "{fingerprint("shop").hex()}"
kinds = ["grid", "text", "work"]
"""
    (tmp_path / "sites.toml").write_text(head + RULES)
    return make_server(sites=tmp_path / "sites.toml", trusted_proxies=("*",), metrics=True)


def at(server: Server, uri: str, *, cookie: str = "", **headers: str) -> httpx.Response:
    told = {**SEEN, **forwarded(uri), **headers, **({"Cookie": cookie} if cookie else {})}
    return server.visitor.get("/auth?deny=redirect", headers=told)


def action_at(server: Server, uri: str, **headers: str) -> str:
    """Find the action that the wall's page asks for."""
    leads = at(server, uri, **headers).headers["location"]
    page = server.visitor.get(f"/wall?{urlsplit(leads).query}", headers={**SEEN, **forwarded("/wall")})
    found = re.search(r' action="([^"]+)"', page.text)
    return found[1] if found else ""


def test_rules_decide_first(ruled: Server) -> None:
    statuses = [at(ruled, uri).status_code for uri in ("/feed", "/attic/old", "/orders/1", "/")]

    assert statuses == [204, 403, 302, 302]


def test_what_became_of_visits_is_counted(ruled: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "captcha_stateless.http.access_log")
    at(ruled, "/feed")
    at(ruled, "/attic/old")
    at(ruled, "/")
    at(ruled, "/", cookie=f"{COOKIE}={ruled.earn(site='shop')}")

    counted = ruled.visitor.get("/metrics").text

    for result, rule in (("allowed", "feeds"), ("denied", "attic"), ("asked", ""), ("cleared", "")):
        assert f'captcha_visits_total{{result="{result}",rule="{rule}"}} 1.0' in counted
    noted = [getattr(record, "fields", {}) for record in caplog.records]
    assert [(each["visit"], each["rule"]) for each in noted if "visit" in each] == [
        ("allowed", "feeds"),
        ("denied", "attic"),
        ("asked", ""),
        ("cleared", ""),
    ]


def test_a_policy_that_a_rule_asks_under_is_what_must_be_earned(ruled: Server) -> None:
    plain = ruled.earn(site="shop")
    strict = ruled.earn(site="shop", action=action_at(ruled, "/orders/1"))
    cleared = clear(ruled, {"response": strict}, "?sitekey=shop").headers["set-cookie"].partition(";")[0]
    both = f"{COOKIE}={plain}; {cleared}"

    opened = {
        (uri, name): at(ruled, uri, cookie=cookie).status_code
        for uri in ("/", "/orders/1")
        for name, cookie in (
            ("plain", f"{COOKIE}={plain}"),
            ("renamed", f"{COOKIE}-strict={plain}"),
            ("strict", cleared),
            ("strict, renamed", f"{COOKIE}={strict}"),
            ("both", both),
        )
    }

    assert cleared.startswith(f"{COOKIE}-strict=")
    assert {key for key, status in opened.items() if status == 204} == {
        ("/", "plain"),
        ("/", "both"),
        ("/orders/1", "strict"),
        ("/orders/1", "both"),
    }


def test_a_pass_of_a_policy_of_the_wall_s_is_good_for_nothing_else(ruled: Server) -> None:
    """Its policy may ask for less than the site's own, and whoever begins a run may name it."""
    token = ruled.earn(site="shop", action="wall/strict/0")

    verified = ruled.visitor.post("/siteverify", data={"secret": "shop", "response": token}).json()

    assert verified["success"] is False


def test_what_rules_weigh_must_be_earned_too(ruled: Server) -> None:
    weighed = action_at(ruled, "/", **{"User-Agent": "odd/1"})
    cookies = [f"{COOKIE}={ruled.earn(site='shop', **more)}" for more in ({}, {"action": weighed})]

    opened = [at(ruled, "/", cookie=cookie, **{"User-Agent": "odd/1"}).status_code for cookie in cookies]

    assert (weighed, opened) == ("wall//40", [302, 204])
    asked_for = ruled.visitor.post("/api/challenge", params={"kind": "work", "action": weighed})
    plain = ruled.visitor.post("/api/challenge", params={"kind": "work"})
    difficulties = [reply.json()["work"]["difficulty"] for reply in (plain, asked_for)]
    assert difficulties == [16, 18]


def test_a_policy_that_no_rule_asks_under_is_nobody_s_choice(ruled: Server) -> None:
    replies = [
        ruled.visitor.post("/api/challenge", params={"kind": "work", "action": f"wall/{policy}/0"})
        for policy in ("lenient", "strict")
    ]

    assert [reply.status_code for reply in replies] == [400, 200]
    assert replies[1].json()["work"]["difficulty"] == 20


def test_a_policy_s_name_must_fit_into_an_action(make_server: MakeServer, tmp_path: Path) -> None:
    rule = '[[site.rule]]\npath = "/*"\naction = "ask"\npolicy = "no such name"\n'
    policy = '[[policy]]\nname = "no such name"\nrule = [{score = [0, 100], kind = "grid"}]\n'
    (tmp_path / "sites.toml").write_text(TWO_SITES + rule + policy)

    with pytest.raises(Misconfigured, match="up to 20 letters"):
        make_server(sites=tmp_path / "sites.toml")
