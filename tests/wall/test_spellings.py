"""Spellings: no way of writing a path walks around the rule for it."""

import pytest
from hypothesis import given

from captcha_stateless.wall import paths
from tests.wall.test_paths import ODD, SERVERS, shown
from tests.wall.visits import allow, deny, made, visit


@pytest.mark.parametrize("server", SERVERS)
@given(path=ODD)
def test_no_spelling_of_a_path_walks_around_its_rule(server: str, path: str) -> None:
    """Whatever the server makes of the path, the rule for what it serves then is the rule that decides."""
    found = made(deny(name="admin", path="/admin/**"), allow(name="public", path="/public/**"))
    served = shown(SERVERS[server](path))

    decision = found.decide(visit(path))

    if served == "/admin" or served.startswith("/admin/"):
        assert decision.action == "deny"
    if decision.action == "allow":
        assert served == "/public" or served.startswith("/public/")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/admin/%2e%2e/",
        "/public/%2e%2e/admin",
        "/public/..%2fadmin/users",
        "/public/..%252fadmin/users",
        "/public/.;/../admin",
        "/public/..;/admin",
        "//admin",
        "/./admin",
        "/%61dmin",
        "/%2561dmin",
        "/ADMIN",
        "/admin/",
        "/admin;jsessionid=1",
        "/admin#",
        "/admin%23",
        "/admin%3fx",
        "/admin%00",
        "/admin%2500/../public/x",
        "/public\\..\\admin",
        "/public%5c..%5cadmin",
        "/admin/..%2fpublic/x",
        "/admin/%2e%2e%2fpublic/x",
        "/a;b/..%2f%2e%2e//%252fadmin?x#y\\z/%25252e",
        "/public/" + "../" * 500 + "admin",
    ],
)
def test_tricks_that_are_known_do_not_work(path: str) -> None:
    found = made(deny(path="/admin/**"), allow(path="/public/**"))

    assert found.decide(visit(path)).action == "deny"


@pytest.mark.parametrize(
    "path", ["/search/x%2F..%2F..%2Ffeed.xml", "/search/..%252ffeed.xml", "/search/..;/feed.xml"]
)
def test_a_set_lets_nothing_through_that_a_server_may_take_for_something_else(path: str) -> None:
    assert paths.normal(path) in ("/feed.xml", "/search/feed.xml")
    assert made({"set": "well-known"}, allow(path="/feed.xml")).decide(visit(path)).action == "ask"


def test_encoded_slashes_that_change_nothing_do_no_harm() -> None:
    assert made(allow(path="/api/**")).decide(visit("/api/projects/group%2Fname")).action == "allow"
