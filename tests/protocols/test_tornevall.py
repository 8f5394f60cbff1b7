"""Tornevall captcha API as its clients know it: every row of its table, and the ways around it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captcha_stateless.protocols.tornevall import Tornevall
from tests.protocols.contract import AdapterContract
from tests.support import NOW, Server

RIGHT = (200, {"response": {"testCaptchaResponse": "1"}})
FAILED = (
    200,
    {"response": [], "errors": {"code": "401", "success": "", "faultstring": "Captcha test failed"}},
)
FAILED_2 = (
    200,
    {"response": [], "errors": {"code": "2003", "success": "", "faultstring": "Captcha test failed"}},
)


def begin(server: Server, path: str = "/3.0/captcha/") -> dict[str, str]:
    found: dict[str, str] = server.visitor.get(path).json()["captchaResponse"]
    return found


def token_of(server: Server) -> str:
    return begin(server)["imageHash"]


def right(server: Server, token: str) -> str:
    return str(server.answer(token, "tornevall"))


def judge(server: Server, token: object, response: object, version: str = "3.0") -> tuple[int, Any]:
    reply = server.visitor.post(f"/{version}/captcha/testcaptcha", json={"hash": token, "response": response})
    return reply.status_code, reply.json()


class TestAdapter(AdapterContract):
    adapter: ClassVar = Tornevall
    paths: ClassVar[Sequence[str]] = [
        f"/{version}/captcha{rest}" for version in ("2.0", "3.0") for rest in ("", "/{rest:path}")
    ]
    probes: ClassVar[Sequence[tuple[str, str]]] = [
        ("POST", f"/{version}/captcha/testCaptcha") for version in ("2.0", "3.0")
    ]

    def is_worded(self, response: httpx.Response) -> bool:
        reply = response.json()
        return reply["response"] == [] and list(reply["errors"]) == ["code", "success", "faultstring"]

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        verb=st.sampled_from(["", "getCaptcha", "getImage", "testCaptcha", "testCaptcha/hash/x/response"]),
        rest=st.text(max_size=60),
        method=st.sampled_from(["GET", "HEAD", "POST"]),
    )
    def test_no_path_crashes_it(self, shared: Server, verb: str, rest: str, method: str) -> None:
        path = f"/3.0/captcha/{verb}/{quote(rest.encode('utf-8', 'replace'))}"

        assert shared.visitor.request(method, path).status_code < 500


@pytest.mark.parametrize("path", ["/3.0/captcha/", "/3.0/captcha"])
def test_captcha_answers_url_hash_and_date(server: Server, path: str) -> None:
    reply = server.visitor.get(path).json()

    assert list(reply) == ["captchaResponse"]
    drawn = reply["captchaResponse"]
    assert list(drawn) == ["imageUrl", "imageHash", "date"]
    assert drawn["imageUrl"] == f"http://captcha.test/3.0/captcha/getImage/hash/{drawn['imageHash']}"
    assert drawn["date"] == datetime.fromtimestamp(NOW, UTC).strftime("%Y-%m-%d %H:%M:%S")


def test_captcha_of_api_2_is_worded_both_ways(server: Server) -> None:
    """This protocol's table words it as 3.0 does, its own documentation of 2.0 within `response`."""
    reply = server.visitor.get("/2.0/captcha/").json()

    assert reply["captchaResponse"] == reply["response"]["captchaResponse"]
    assert "/2.0/captcha/getImage/hash/" in reply["captchaResponse"]["imageUrl"]


@pytest.mark.parametrize("version", ["3.0", "2.0"])
@pytest.mark.parametrize("verb", ["getCaptcha", "getcaptcha", "GETCAPTCHA", "getCaptcha/"])
def test_get_captcha_answers_url_and_hash(server: Server, version: str, verb: str) -> None:
    reply = server.visitor.get(f"/{version}/captcha/{verb}").json()

    assert list(reply) == ["response"]
    assert list(reply["response"]["getCaptchaResponse"]) == ["imageUrl", "imageHash"]


@pytest.mark.parametrize("verb", ["testcaptcha", "testCaptcha", "TESTCAPTCHA", "testCaptcha/"])
def test_the_right_response_by_json(server: Server, verb: str) -> None:
    token = token_of(server)
    body = {"hash": token, "response": right(server, token).lower()}

    reply = server.visitor.post(f"/3.0/captcha/{verb}", json=body)

    assert (reply.status_code, reply.json()) == RIGHT


def test_the_right_response_by_form(server: Server) -> None:
    token = token_of(server)
    body = {"hash": token, "response": right(server, token)}

    reply = server.visitor.post("/3.0/captcha/testcaptcha", data=body)

    assert (reply.status_code, reply.json()) == RIGHT


def test_the_right_response_by_multipart_as_php_sends_arrays(server: Server) -> None:
    token = token_of(server)
    body = {"hash": (None, token), "response": (None, right(server, token))}

    reply = server.visitor.post("/2.0/captcha/testcaptcha", files=body)

    assert (reply.status_code, reply.json()) == RIGHT


@pytest.mark.parametrize("form", ["testcaptcha/hash/{}/response/{}", "testCaptcha/HASH/{}/Response/{}"])
def test_the_right_response_by_path(server: Server, form: str) -> None:
    token = token_of(server)

    reply = server.visitor.get("/3.0/captcha/" + form.format(token, quote(f" {right(server, token)} ")))

    assert (reply.status_code, reply.json()) == RIGHT


def test_a_response_by_path_may_hold_slashes(server: Server) -> None:
    reply = server.visitor.get(f"/3.0/captcha/testcaptcha/hash/{token_of(server)}/response/a/b%2Fc")

    assert (reply.status_code, reply.json()) == FAILED


def test_a_look_at_a_test_by_path_does_not_use_it_up(server: Server) -> None:
    token = token_of(server)
    path = f"/3.0/captcha/testcaptcha/hash/{token}/response/{right(server, token)}"

    looks = server.visitor.request("HEAD", path)
    reply = server.visitor.get(path)

    assert looks.status_code == 405
    assert (reply.status_code, reply.json()) == RIGHT


def test_a_line_feed_in_a_path_is_part_of_it(server: Server) -> None:
    """Starlette's `{rest:path}` ends at one, and its 404 was no word of this protocol's."""
    reply = server.visitor.get("/3.0/captcha/testCaptcha/hash/a%0Ab/response/c%0A")

    assert (reply.status_code, reply.json()) == FAILED


@pytest.mark.parametrize(("version", "failed"), [("3.0", FAILED), ("2.0", FAILED_2)])
def test_a_wrong_response_fails_in_the_versions_own_words(
    server: Server, version: str, failed: object
) -> None:
    assert judge(server, token_of(server), "wrong", version) == failed


@pytest.mark.parametrize("first", ["wrong", None])
def test_a_captcha_is_tested_once(server: Server, first: str | None) -> None:
    token = token_of(server)
    text = right(server, token)
    judge(server, token, first or text)

    assert judge(server, token, text) == FAILED


def test_a_captcha_lives_five_minutes(server: Server) -> None:
    early, late = token_of(server), token_of(server)
    text = right(server, late)

    server.clock.pass_(299)
    in_time = judge(server, early, right(server, early))
    server.clock.pass_(1)

    assert in_time == RIGHT
    assert judge(server, late, text) == FAILED


@pytest.mark.parametrize("token", ["", "test", "é", "x" * 5_000, "a.b.c.d.e"])
def test_a_hash_that_is_none_fails(server: Server, token: str) -> None:
    assert judge(server, token, "text") == FAILED


def test_a_token_of_another_protocol_fails(server: Server) -> None:
    assert judge(server, server.engine.issue("minicap", "text").token, "text") == FAILED


@pytest.mark.parametrize("version", ["3.0", "2.0"])
@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, 400),
        ({"json": None}, 400),
        ({"json": []}, 400),
        ({"json": {"hash": "x"}}, 400),
        ({"json": {"hash": "x", "response": 1}}, 400),
        ({"json": {"hash": ["x"], "response": "x"}}, 400),
        ({"data": {"hash": "x"}}, 400),
        ({"data": {f"field{number}": "x" for number in range(100)}}, 400),
        ({"files": {"hash": ("name", b"x"), "response": (None, "x")}}, 400),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b"}}, 400),
        (
            {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b; charset=none"}},
            400,
        ),
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
        ({"data": {"hash": "x" * 20_000}}, 413),
    ],
)
def test_a_malformed_test_is_told(server: Server, version: str, options: dict[str, Any], status: int) -> None:
    reply = server.visitor.post(f"/{version}/captcha/testcaptcha", **options)

    assert reply.status_code == status
    assert reply.json()["errors"]["code"] == str(status)


@pytest.mark.parametrize("rest", ["testcaptcha", "testcaptcha/hash/x", "testcaptcha/hash/x/answer/y"])
def test_a_test_by_path_needs_hash_and_response(server: Server, rest: str) -> None:
    assert server.visitor.get(f"/3.0/captcha/{rest}").status_code == 400


@pytest.mark.parametrize("rest", ["other", "other/hash/x", "getimages"])
def test_another_verb_is_not_found(server: Server, rest: str) -> None:
    reply = server.visitor.get(f"/3.0/captcha/{rest}")

    assert (reply.status_code, reply.json()["errors"]["code"]) == (404, "404")


def test_malformed_tests_spend_nothing(server: Server) -> None:
    token = token_of(server)

    untyped: list[object] = [None, 1, [], {}]
    assert [judge(server, token, response)[0] for response in untyped] == [400] * 4
    assert [judge(server, token, response) for response in ("", " ", "x" * 65)] == [FAILED] * 3

    assert judge(server, token, right(server, token)) == RIGHT


def test_no_hash_and_no_response_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = token_of(server)

    judge(server, token, "wrongly read")
    judge(server, token, right(server, token))

    assert "test-failed: spent" in caplog.text
    assert not any(secret in caplog.text for secret in (token[:60], right(server, token), "wrongly read"))
