"""Friendly Captcha's verify API as its back ends know it."""

from collections.abc import Sequence
from typing import Any, ClassVar

import httpx
import pytest

from captcha_stateless.protocols.friendly import Friendly
from tests.protocols.contract import AdapterContract
from tests.support import Server

PATH = "/api/v2/captcha/siteverify"


def ask(server: Server, body: object, key: str | None = "dev-secret") -> tuple[int, Any]:
    headers = {} if key is None else {"X-API-Key": key}
    reply = server.visitor.post(PATH, json=body, headers=headers)
    return reply.status_code, reply.json()


def refusal(reply: tuple[int, Any]) -> tuple[int, str]:
    status, document = reply
    assert document["success"] is False
    assert document["error"]["detail"]
    return status, document["error"]["error_code"]


class TestAdapter(AdapterContract):
    adapter: ClassVar = Friendly
    paths: ClassVar[Sequence[str]] = [PATH]
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", PATH)]

    def is_worded(self, response: httpx.Response) -> bool:
        return set(response.json()["error"]) == {"error_code", "detail"}

    def test_an_over_long_body_is_refused(self, shared: Server) -> None:
        """With 200: the visitor chooses how long his response is, and its libraries let in who brings about anything else."""
        response = self.send(shared, "POST", PATH, content=b"[" * 1_000_000)
        assert (response.status_code, response.json()["success"]) == (200, False)

    def send(self, server: Server, method: str, path: str, **options: Any) -> httpx.Response:
        options["headers"] = {"X-API-Key": "dev-secret", **options.get("headers", {})}
        return server.visitor.request(method, path, **options)


def test_a_pass_counts_once(server: Server) -> None:
    token = server.earn()

    replies = [ask(server, {"response": token}) for _ in range(2)]

    challenge = {"timestamp": "2027-01-15T08:00:00Z", "origin": "https://localhost"}
    assert replies[0] == (200, {"success": True, "data": {"challenge": challenge}})
    assert refusal(replies[1]) == (200, "response_duplicate")


def test_a_pass_of_no_page_has_no_origin(server: Server) -> None:
    assert ask(server, {"response": server.earn(host="")})[1]["data"]["challenge"]["origin"] == ""


@pytest.mark.parametrize(
    ("body", "key", "expected"),
    [
        ({"response": "x"}, None, (401, "auth_required")),
        ({"response": "x"}, "", (401, "auth_required")),
        ({"response": "x"}, "wrong", (401, "auth_invalid")),
        ({"response": "x", "sitekey": "other"}, "dev-secret", (400, "sitekey_invalid")),
        # Its libraries let everybody in on "response_missing" and "bad_request", whatever the status.
        ({}, "dev-secret", (200, "response_invalid")),
        ({"response": None}, "dev-secret", (200, "response_invalid")),
        ({"response": ""}, "dev-secret", (200, "response_invalid")),
        ({"response": 7}, "dev-secret", (200, "response_invalid")),
        ({"response": ["x"]}, "dev-secret", (200, "response_invalid")),
        ([], "dev-secret", (200, "response_invalid")),
        ({"response": "x" * 17_000}, "dev-secret", (200, "response_invalid")),
        ({"response": "x"}, "dev-secret", (200, "response_invalid")),
        ({"response": "x" * 3_000}, "dev-secret", (200, "response_invalid")),
    ],
)
def test_what_is_wrong_has_its_code(
    server: Server, body: object, key: str | None, expected: tuple[int, str]
) -> None:
    assert refusal(ask(server, body, key)) == expected


@pytest.mark.parametrize("sitekey", ["dev-site", "", None])
def test_the_site_key_may_be_named(server: Server, sitekey: str | None) -> None:
    assert ask(server, {"response": server.earn(), "sitekey": sitekey})[1]["success"]


def test_an_expired_pass_has_its_code(server: Server) -> None:
    token = server.earn()
    server.clock.pass_(300)

    assert refusal(ask(server, {"response": token})) == (200, "response_timeout")


def test_a_pass_of_another_site_is_invalid(server: Server) -> None:
    assert refusal(ask(server, {"response": server.earn(site="other")})) == (200, "response_invalid")
