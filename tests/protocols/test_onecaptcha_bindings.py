"""What a 1Captcha run is bound to: site, host, action and the page's own words."""

from typing import Any

import pytest

from tests.protocols.test_onecaptcha import PATH, finish, verify
from tests.support import Server

ORIGIN = {"Origin": "http://localhost:8000"}


@pytest.mark.parametrize("by_json", [False, True])
def test_a_run_is_bound_to_site_host_action_and_cdata(server: Server, by_json: bool) -> None:
    bound = {"sitekey": "dev-site", "action": "login", "cdata": "cart 7"}
    options: dict[str, Any] = {"json": bound} if by_json else {"params": bound}

    verdict = verify(server, finish(server, headers=ORIGIN, **options)["flag"])

    assert (verdict["success"], verdict["hostname"]) == (True, "localhost")
    assert (verdict["action"], verdict["cdata"]) == ("login", "cart 7")


def test_a_run_without_site_key_is_bound_to_the_first_site(server: Server) -> None:
    assert verify(server, finish(server, headers=ORIGIN)["flag"])["success"] is True
    assert verify(server, finish(server)["flag"])["hostname"] == ""


def test_a_run_from_another_host_is_bound_to_no_site(server: Server) -> None:
    """It works as the original's does, but its pass opens nothing."""
    done = finish(server, headers={"Origin": "https://evil.example"})

    assert done["done"] is True
    assert verify(server, done["flag"])["success"] is False


@pytest.mark.parametrize(
    ("query", "headers", "status", "text"),
    [
        ("?sitekey=other", {}, 403, "Unknown site key"),
        ("?sitekey=dev-site", {"Origin": "https://evil.example"}, 403, "Host not allowed"),
        ("?action=a%20b", {}, 400, "action takes 32 letters"),
        ("?action=" + "a" * 33, {}, 400, "action takes 32 letters"),
        ("?cdata=%C3%A9", {}, 400, "action takes 32 letters"),
        ("?cdata=" + "c" * 250, {}, 400, "too long together"),
    ],
)
def test_a_binding_that_cannot_be_is_a_clear_error(
    server: Server, query: str, headers: dict[str, str], status: int, text: str
) -> None:
    reply = server.visitor.post(PATH + query, headers=headers)

    assert reply.status_code == status
    assert text in reply.json()["error"]


@pytest.mark.parametrize("origin", ["null", "http://[", "x", "http://" + "h" * 3000, "http://é"])
def test_an_odd_origin_crashes_nothing(server: Server, origin: str) -> None:
    reply = server.visitor.post(PATH, headers={"Origin": origin.encode("latin-1")})

    assert reply.status_code in (400, 403)


@pytest.mark.parametrize("body", [b"null", b"{}", b'{"other": 7}', b'{"sitekey": null}', b""])
def test_a_body_that_binds_nothing_begins_a_run(server: Server, body: bytes) -> None:
    reply = server.visitor.post(PATH, content=body, headers={"content-type": "application/json"})

    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b'{"sitekey": "dev-site"}', "text/plain", 415),
        (b"sitekey=dev-site", "application/x-www-form-urlencoded", 415),
        (b'{"sitekey": 7}', "application/json", 400),
        (b'{"sitekey": "\\ud800"}', "application/json", 403),
        (b"[]", "application/json", 400),
        (b"{", "Application/JSON", 400),
        (b'{"sitekey": "other"}', "Application/JSON; charset=utf-8", 403),
        (b'{"sitekey": "other"}', "application/vnd.api+json", 403),
    ],
)
def test_a_body_that_is_not_understood_is_not_ignored(
    server: Server, body: bytes, media_type: str, status: int
) -> None:
    """Its fields were dropped, and the run was bound to another site than the page had named."""
    replies = [
        server.visitor.post(path, content=body, headers={"content-type": media_type})
        for path in (PATH, "/api/work")
    ]

    assert [reply.status_code for reply in replies] == [status] * 2
