"""Rules at the wall: what they decide, and what must be earned for those that ask."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from captcha_stateless.errors import Misconfigured
from captcha_stateless.tokens.cookie import COOKIE
from captcha_stateless.tokens.digests import fingerprint
from tests.conftest import MakeServer
from tests.protocols.visits import SEEN, TWO_SITES, clear, forwarded
from tests.support import Server

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
