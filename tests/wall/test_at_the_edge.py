"""Rules where they count: an edge asks about a visit, and the rule for it decides, cookie or none."""

from pathlib import Path

import pytest

from captcha_stateless.tokens.digests import fingerprint
from tests.conftest import MakeServer
from tests.support import Server

SITES = f"""
[[site]]
name = "Shop"
key = "shop"
secret_sha256 = "{fingerprint("shop").hex()}"

[[site.rule]]
set = "search-engines"

[[site.rule]]
name = "admin"
action = "deny"
path = "/admin/**"

[[site.rule]]
set = "feeds"

[[site.rule]]
name = "abroad"
action = "deny"
country = "XX"
path = "/shop/**"

[[site.rule]]
name = "cloud"
action = "weigh"
weight = 40
asn = 64500

[[site.rule]]
name = "login"
action = "ask"
policy = "strict"
path = "/login"
"""


@pytest.fixture
def edge(make_server: MakeServer, tmp_path: Path) -> Server:
    (tmp_path / "sites.toml").write_text(SITES)
    (tmp_path / "crawlers.txt").write_text("googlebot 66.249.64.0/27\n")
    return make_server(
        sites=tmp_path / "sites.toml",
        crawlers=tmp_path / "crawlers.txt",
        country_header="CF-IPCountry",
        asn_header="X-ASN",
        trusted_proxies=("*",),
    )


def judged(edge: Server, uri: str, **headers: str) -> int:
    """Ask as an edge does; the status says what becomes of the visitor."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = edge.visitor.get("/auth", headers={"X-Forwarded-Uri": uri, "X-Forwarded-Method": "GET", **told})
    return reply.status_code


ALLOWED, ASKED, DENIED = 204, 401, 403


@pytest.mark.parametrize(
    ("uri", "headers", "status"),
    [
        ("/", {}, ASKED),
        ("/feed", {}, ALLOWED),
        ("/feed?page=2", {}, ALLOWED),
        ("/feed/..%2fadmin", {}, DENIED),
        ("/admin/feed", {}, DENIED),
        ("/public/%2e%2e/ADMIN", {}, DENIED),
        ("/search/x%2F..%2F..%2Ffeed", {}, ASKED),
        ("/x", {"X_Forwarded_For": "66.249.64.1"}, ALLOWED),
        ("/x", {"X_Forwarded_For": "66.249.65.1", "User_Agent": "Googlebot/2.1"}, ASKED),
        ("/shop/1", {"CF_IPCountry": "XX"}, DENIED),
        ("/shop/1", {"CF_IPCountry": "DE"}, ASKED),
        ("/login", {}, ASKED),
    ],
)
def test_the_rule_for_a_visit_decides(edge: Server, uri: str, headers: dict[str, str], status: int) -> None:
    assert judged(edge, uri, **headers) == status


def test_nothing_that_a_visitor_says_of_his_country_counts_without_a_proxy(
    make_server: MakeServer, tmp_path: Path
) -> None:
    rules = '[[site.rule]]\naction = "allow"\ncountry = "DE"\n'
    (tmp_path / "sites.toml").write_text(SITES.partition("[[site.rule]]")[0] + rules)
    told = {"sites": tmp_path / "sites.toml", "country_header": "CF-IPCountry"}
    trusting, alone = (make_server(**told, trusted_proxies=(peer,)) for peer in ("*", "192.0.2.1"))

    assert judged(trusting, "/", CF_IPCountry="DE") == ALLOWED
    assert judged(alone, "/", CF_IPCountry="DE") == ASKED


def test_what_is_asked_is_the_rules_policy_and_its_weight(edge: Server) -> None:
    def way(uri: str, **headers: str) -> str:
        reply = edge.visitor.get(
            "/auth", headers={"X-Forwarded-Uri": uri, "X-Forwarded-Method": "GET", **headers}
        )
        return reply.headers["Captcha-Wall"]

    assert ".strict.0." in way("/login")
    assert ".strict.40." in way("/login", **{"X-ASN": "AS64500"})
    assert "..40." in way("/", **{"X-ASN": "64500"})


def test_a_path_that_the_edge_does_not_tell_is_taken_for_any(edge: Server) -> None:
    assert edge.visitor.get("/auth").status_code == DENIED
    assert judged(edge, "/" + "a" * 9_000) == DENIED
