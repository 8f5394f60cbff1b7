"""Rules: all conditions of a rule must hold, and the first rule that does decides."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from captcha_stateless.errors import Misconfigured
from captcha_stateless.settings.reload import Reloaded
from captcha_stateless.wall import NO_RULES, Decision, rules
from tests.wall.visits import BROWSER, allow, deny, made, visit, weigh


def test_headers_are_found_as_servers_hand_them_over() -> None:
    given = Headers({"Accept": "a", "User-Agent": "curl/8"})
    found = made(
        deny(name="1", user_agent="CURL/", header="accept", no_header=["accept", "cookie"]),
        allow(no_header="accept"),
    )

    assert found.decide(visit(headers=given)).rule == "1"
    assert found.decide(visit(headers=Headers({}))).rule == "rule 2"


def test_without_rules_everybody_is_asked() -> None:
    assert NO_RULES.decide(visit()) == Decision("ask", "", "", 0)
    assert NO_RULES.needs == frozenset()


@pytest.mark.parametrize(
    ("conditions", "meeting", "others"),
    [
        ({"path": "/admin/**"}, [{"path": "/admin/x"}, {"path": "/ADMIN"}], [{"path": "/"}]),
        ({"path": ["/a", "/b"]}, [{"path": "/a"}, {"path": "/b/"}], [{"path": "/c"}]),
        ({"method": ["POST", "PUT"]}, [{"method": "PUT"}], [{"method": "GET"}, {"method": "post"}]),
        (
            {"network": "203.0.113.0/24"},
            [{}, {"address": "::ffff:203.0.113.1"}],
            [{"address": "203.0.114.1"}],
        ),
        (
            {"network": ["2001:db8::/32", "192.0.2.1"]},
            [{"address": "2001:db8::1"}, {"address": "192.0.2.1"}],
            [{}],
        ),
        ({"network": "0.0.0.0/0"}, [{}], [{"address": ""}, {"address": "nonsense"}, {"address": "::1"}]),
        ({"user_agent": "firefox/128"}, [{}], [{"headers": {}}, {"headers": {"user-agent": "Firefox/12"}}]),
        ({"user_agent": ["curl/", "Wget/"]}, [{"headers": {"user-agent": "wget/1.2"}}], [{}]),
        (
            {"user_agent": ["a.c", "x"]},
            [{"headers": {"user-agent": "A.C"}}],
            [{"headers": {"user-agent": "abc"}}],
        ),
        ({"header": "Accept"}, [{}], [{"headers": {}}]),
        ({"header": ["x-a", "Accept"]}, [{}, {"headers": {"x-a": ""}}], [{"headers": {"x-b": ""}}]),
        ({"no_header": "Accept-Language"}, [{}], [{"headers": {"accept-language": "de"}}]),
        ({"country": ["DE", "at"]}, [{"country": "DE"}, {"country": "at"}], [{}, {"country": "FR"}]),
        ({"asn": 64500}, [{"asn": "64500"}, {"asn": "AS64500"}], [{}, {"asn": "6450"}]),
        ({"asn": ["AS64500", 64501]}, [{"asn": "as64501"}], [{"asn": "64502"}]),
        ({"crawler": "googlebot"}, [{"crawler": "googlebot"}], [{}, {"crawler": "bingbot"}]),
        ({"crawler": "*"}, [{"crawler": "googlebot"}], [{}]),
        ({"agent": "shopper.example"}, [{"agent": "shopper.example"}], [{}, {"agent": "other"}]),
        ({"agent": "*"}, [{"agent": "any"}], [{}]),
        (
            {"path": "/a", "method": "POST"},
            [{"path": "/a", "method": "POST"}],
            [{"path": "/a"}, {"method": "POST"}],
        ),
        ({}, [{}, {"path": "/x", "method": "DELETE", "address": ""}], []),
    ],
)
def test_a_rule_holds_where_all_of_its_conditions_do(
    conditions: dict[str, Any], meeting: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    for says in (allow, deny):
        found = made(says(name="it", **conditions))

        assert {found.decide(visit(**fields)).rule for fields in meeting} == {"it"}
        assert {found.decide(visit(**fields)).rule for fields in others} <= {""}


def test_user_agents_that_no_crawler_verifies_are_no_crawlers() -> None:
    posing = visit(headers={"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"})

    assert made({"set": "search-engines"}).decide(posing) == Decision("ask")


def test_weights_are_added_up_to_a_hundred_and_the_rules_go_on() -> None:
    found = made(weigh(30), weigh(60, method="GET"), deny(path="/x"), weigh(50), allow(path="/y"))

    assert found.decide(visit("/x")) == Decision("deny", "rule 3", "", 90)
    assert found.decide(visit("/y")) == Decision("allow", "rule 5", "", 100)
    assert found.decide(visit("/z")) == Decision("ask", "", "", 100)


def test_a_rule_that_asks_may_name_a_policy() -> None:
    found = made({"action": "ask", "path": "/login", "policy": "strict", "name": "login"})

    assert found.decide(visit("/login")) == Decision("ask", "login", "strict", 0)
    assert found.policies == {"strict"}


@pytest.mark.parametrize(
    ("entry", "needs"),
    [
        (allow(path="/a"), set()),
        (allow(crawler="googlebot"), {"crawler"}),
        (allow(agent="*", crawler="*"), {"agent", "crawler"}),
        ({"set": "search-engines"}, {"crawler"}),
        ({"set": "feeds"}, set()),
    ],
)
def test_what_must_be_found_out_first_is_what_the_rules_ask_for(
    entry: dict[str, Any], needs: set[str]
) -> None:
    assert made(entry).needs == needs


@pytest.mark.parametrize(
    ("name", "meeting", "others"),
    [
        (
            "well-known",
            [("/.well-known/security.txt", {}), ("/robots.txt", {})],
            [("/robots.txt", {"method": "POST"})],
        ),
        (
            "feeds",
            [("/feed/", {}), ("/blog/index.rss", {}), ("/blog/atom.xml", {})],
            [("/feeds-of-cats", {})],
        ),
        (
            "health",
            [("/livez", {}), ("/healthz", {"method": "HEAD"})],
            [("/livez/x", {}), ("/healthz", {"method": "PUT"})],
        ),
        (
            "git",
            [
                ("/me/repo.git/info/refs", {"headers": {"user-agent": "git/2.47.3"}}),
                ("/me/repo.git/git-upload-pack", {"method": "POST", "headers": {"user-agent": "git/2.47.3"}}),
                (
                    "/me/repo.git/info/lfs/objects/batch",
                    {"method": "POST", "headers": {"user-agent": "git-lfs/3.6"}},
                ),
            ],
            [("/me/repo", {"headers": {"user-agent": "git/2.47.3"}}), ("/me/repo.git/info/refs", {})],
        ),
        (
            "packages",
            [
                ("/simple/flask/", {"headers": {"user-agent": "pip/25.0 {...}"}}),
                ("/debian/dists/sid/InRelease", {"headers": {"user-agent": "Debian APT-HTTP/1.3 (3.0)"}}),
                ("/v2/app/manifests/1", {"headers": {"user-agent": "docker/28.0"}}),
            ],
            [("/simple/flask/", {}), ("/blog", {"headers": {"user-agent": "pip/25.0"}})],
        ),
        ("search-engines", [("/x", {"crawler": "bingbot"})], [("/x", {}), ("/x", {"crawler": "gptbot"})]),
        ("ai-crawlers", [("/x", {"crawler": "gptbot"})], [("/x", {}), ("/x", {"crawler": "bingbot"})]),
    ],
)
def test_a_set_that_comes_along_lets_these_through(
    name: str, meeting: list[tuple[str, dict[str, Any]]], others: list[tuple[str, dict[str, Any]]]
) -> None:
    found = made({"set": name})

    assert {found.decide(visit(path, **fields)) for path, fields in meeting} == {Decision("allow", name)}
    assert {found.decide(visit(path, **fields)).action for path, fields in others} == {"ask"}


def test_every_set_that_comes_along_is_tested_and_can_be_read() -> None:
    assert set(rules.sets()) == {
        "well-known",
        "feeds",
        "health",
        "git",
        "packages",
        "search-engines",
        "ai-crawlers",
    }
    assert [made({"set": name}).all[0].says for name in rules.sets()] == ["allow"] * len(rules.sets())


def test_a_set_can_be_denied_and_narrowed() -> None:
    found = made(deny(set="ai-crawlers"), {"set": "feeds", "network": "192.0.2.0/24", "name": "our feeds"})

    assert found.decide(visit(crawler="gptbot")).action == "deny"
    assert found.decide(visit("/feed")).action == "ask"
    assert found.decide(visit("/feed", address="192.0.2.7")) == Decision("allow", "our feeds")


CONDITIONS: list[dict[str, Any]] = [
    {},
    {"path": "/a/**"},
    {"path": ["/a/b", "/**/*.css"]},
    {"method": "POST"},
    {"method": ["GET", "POST"], "path": "/a/**"},
    {"network": "203.0.113.0/24"},
    {"header": "accept"},
    {"no_header": ["accept", "cookie"]},
    {"country": "DE"},
    {"crawler": "*"},
    {"user_agent": "firefox"},
    {"set": "feeds"},
]
ENTRIES = st.builds(
    lambda conditions, says: {
        **conditions,
        **({"action": says, "weight": 7} if says == "weigh" else {"action": says}),
    },
    st.sampled_from(CONDITIONS),
    st.sampled_from(["allow", "deny", "ask", "weigh"]),
)
VISITS = st.builds(
    visit,
    path=st.sampled_from(["/", "/a", "/a/b", "/x/feed", "/x.css", "/a/../x", "//a", "/a%2fb"]),
    method=st.sampled_from(["GET", "POST"]),
    address=st.sampled_from(["203.0.113.1", "192.0.2.1", ""]),
    headers=st.sampled_from([{}, BROWSER, {"cookie": "a"}]),
    country=st.sampled_from(["", "DE"]),
    crawler=st.sampled_from(["", "googlebot"]),
)


@given(st.lists(ENTRIES, max_size=6), VISITS)
def test_the_first_rule_that_holds_alone_decides_and_those_before_it_weigh(
    entries: list[dict[str, Any]], seen: Any
) -> None:
    named = [{**entry, "name": str(number)} for number, entry in enumerate(entries)]
    try:
        found = made(*named)
    except Misconfigured:
        return
    expected, weight = ("ask", ""), 0
    for entry in named:
        alone = made(entry).decide(seen)
        if entry["action"] == "weigh":
            weight += alone.weight
        elif alone.rule:
            expected = (alone.action, alone.rule)
            break

    decision = found.decide(seen)

    assert (decision.action, decision.rule, decision.weight) == (*expected, weight)
    looked = [*found.explain(seen)]
    assert [each.rule.name for each in looked if each.holds and each.rule.says != "weigh"] == [
        expected[1]
    ] * bool(expected[1])


@given(st.lists(ENTRIES, min_size=2, max_size=5), VISITS)
def test_only_what_never_decides_is_told_to_be_unreachable(entries: list[dict[str, Any]], seen: Any) -> None:
    named = [{**entry, "name": str(number)} for number, entry in enumerate(entries)]
    good: list[dict[str, Any]] = []
    for entry in named:
        try:
            made(*good, entry)
        except Misconfigured:
            # Where the rules before it let the visit through to it, it does not hold.
            before = made(*good).decide(seen)
            alone = made(entry).decide(seen)
            assert before.rule or (not alone.rule and not alone.weight)
        else:
            good.append(entry)


def test_a_file_of_networks_is_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tmp_path / "office.txt"
    listed.write_text("# the office\n192.0.2.0/24  # upstairs\n\n2001:db8::/32\n")
    now = [0.0]
    ticking = Reloaded.__init__.__kwdefaults__ or {}
    monkeypatch.setitem(ticking, "clock", lambda: now[0])
    found = made(allow(network_file="office.txt"), folder=tmp_path)

    before = [
        found.decide(visit(address=address)).action
        for address in ("192.0.2.9", "2001:db8::9", "203.0.113.9", "")
    ]
    listed.write_text("203.0.113.0/24\n")
    now[0] += 2
    after = [found.decide(visit(address=address)).action for address in ("192.0.2.9", "203.0.113.9")]
    listed.write_text("nonsense\n")
    now[0] += 2

    assert (before, after) == (["allow", "allow", "ask", "ask"], ["ask", "allow"])
    assert found.decide(visit()).action == "allow"


def test_rules_stand_in_the_sites_file_under_their_site(tmp_path: Path) -> None:
    text = """
        [[rule]]
        set = "feeds"

        [[rule]]
        name = "admin"
        action = "deny"
        path = ["/admin/**", "/wp-login.php"]
        network = "203.0.113.0/24"
    """
    found = rules.parse("it", tomllib.loads(text)["rule"], tmp_path)

    assert found.decide(visit("/wp-login.php")) == Decision("deny", "admin")
