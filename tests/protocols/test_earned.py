"""Every protocol in which a visitor finishes a challenge hands out a pass: in a header where its body has no place for it."""

from collections.abc import Callable

import httpx
import pytest

from tests.support import Server

ORIGIN = {"Origin": "http://localhost"}
BOUND = {"sitekey": "dev-site", "action": "login", "cdata": "cart 7"}


def minicap(server: Server) -> httpx.Response:
    token = server.visitor.post("/api/captcha/generate/", params=BOUND, headers=ORIGIN).headers["captcha-id"]
    body = {"id": token, "text": server.answer(token, "minicap")}
    return server.visitor.post("/api/captcha/validate/", json=body)


def relaysms(server: Server) -> httpx.Response:
    body = {"client_id": "dev-site"}
    token = server.visitor.post("/v1/new", json=body, headers=ORIGIN).json()["challenge_id"]
    answer = {**body, "challenge_id": token, "answer": server.answer(token, "relaysms")}
    return server.visitor.post("/v1/solve", json=answer)


def tornevall(server: Server) -> httpx.Response:
    drawn = server.visitor.get("/3.0/captcha/", params=BOUND, headers=ORIGIN).json()["captchaResponse"]
    token = drawn["imageHash"]
    body = {"hash": token, "response": server.answer(token, "tornevall")}
    return server.visitor.post("/3.0/captcha/testcaptcha", json=body)


@pytest.mark.parametrize("solved", [minicap, tornevall])
def test_a_finished_challenge_earns_a_pass(
    server: Server, solved: Callable[[Server], httpx.Response]
) -> None:
    token = solved(server).headers["x-captcha-pass"]

    verdict = server.visitor.post("/siteverify", data={"secret": "dev-secret", "response": token}).json()

    assert (verdict["success"], verdict["hostname"]) == (True, "localhost")


@pytest.mark.parametrize("solved", [minicap, tornevall])
def test_its_pass_brings_action_and_cdata(server: Server, solved: Callable[[Server], httpx.Response]) -> None:
    token = solved(server).headers["x-captcha-pass"]

    verdict = server.visitor.post("/siteverify", data={"secret": "dev-secret", "response": token}).json()

    assert (verdict["action"], verdict["cdata"]) == ("login", "cart 7")


def test_one_relaysms_solve_is_one_credential(server: Server) -> None:
    """It brought a pass beside its token: two back ends would have honoured one solve."""
    reply = relaysms(server)

    assert (reply.json()["success"], "x-captcha-pass" in reply.headers) == (True, False)


@pytest.mark.parametrize("asked", [{"sitekey": "other"}, {"action": "a b"}, {"cdata": "c" * 250}])
@pytest.mark.parametrize("path", ["/api/captcha/generate/", "/3.0/captcha/"])
def test_a_binding_that_cannot_be_is_refused(server: Server, path: str, asked: dict[str, str]) -> None:
    method = "POST" if "generate" in path else "GET"

    assert server.visitor.request(method, path, params=asked).status_code == 400
