"""Private Captcha's verify API as its back ends know it."""

from collections.abc import Sequence
from typing import Any, ClassVar

import httpx
import pytest

from captcha_stateless.protocols.privatecaptcha import PrivateCaptcha
from tests.protocols.contract import AdapterContract
from tests.support import Server

PATH = "/verify"


def ask(server: Server, token: str | bytes, **headers: str) -> tuple[int, Any]:
    named = {"X-Api-Key": "dev-secret", "Content-Type": "text/plain"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    reply = server.visitor.post(PATH, content=token, headers=named)
    return reply.status_code, reply.json()


class TestAdapter(AdapterContract):
    adapter: ClassVar = PrivateCaptcha
    paths: ClassVar[Sequence[str]] = [PATH]
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", PATH)]

    def is_worded(self, response: httpx.Response) -> bool:
        document = response.json()
        return document["success"] is False and 1 <= document["code"] <= 12


def test_a_pass_counts_once(server: Server) -> None:
    token = server.earn()

    replies = [ask(server, token) for _ in range(2)]

    right = {"success": True, "code": 0, "origin": "localhost", "timestamp": "2027-01-15T08:00:00Z"}
    assert replies == [(200, right), (200, {"success": False, "code": 8})]


@pytest.mark.parametrize(
    ("token", "headers", "expected"),
    [
        ("x", {"X_Api_Key": "wrong"}, (401, 1)),
        ("x", {"X_Api_Key": ""}, (401, 1)),
        ("x", {"X_PC_Sitekey": "other"}, (200, 6)),
        ("x", {}, (200, 3)),
        ("x" * 3_000, {}, (200, 3)),
        ("", {}, (200, 4)),
        (b"\xff", {}, (200, 4)),
    ],
)
def test_what_is_wrong_has_its_number(
    server: Server, token: str | bytes, headers: dict[str, str], expected: tuple[int, int]
) -> None:
    status, document = ask(server, token, **headers)

    assert (status, document["code"], document["success"]) == (*expected, False)


@pytest.mark.parametrize("sitekey", ["dev-site", ""])
def test_the_site_key_may_be_named(server: Server, sitekey: str) -> None:
    assert ask(server, server.earn(), X_PC_Sitekey=sitekey)[1]["success"]


def test_an_expired_pass_has_its_number(server: Server) -> None:
    token = server.earn()
    server.clock.pass_(300)

    assert ask(server, token)[1]["code"] == 5


def test_a_pass_of_another_site_has_its_number(server: Server) -> None:
    assert ask(server, server.earn(site="other"))[1]["code"] == 7
