"""miniCAP as its clients know it: every row of its table, and the ways around it."""

import io
from collections.abc import Sequence
from typing import Any, ClassVar

import httpx
import pytest
from PIL import Image

from captcha_stateless.protocols.minicap import MiniCap
from tests.conftest import MakeServer
from tests.protocols.contract import AdapterContract
from tests.support import Server

GENERATE, VALIDATE = "/api/captcha/generate/", "/api/captcha/validate/"
VALIDATED = (200, {"status": 200, "message": "CAPTCHA validated successfully"})
FAILED = (400, {"status": 400, "message": "CAPTCHA validation failed"})
NOT_FOUND = (404, {"status": 404, "message": "CAPTCHA to validate not found"})


def generate(server: Server) -> str:
    return str(server.visitor.post(GENERATE).headers["Captcha-Id"])


def validate(server: Server, token: object, text: object) -> tuple[int, Any]:
    reply = server.visitor.post(VALIDATE, json={"id": token, "text": text})
    return reply.status_code, reply.json()


def right(server: Server, token: str) -> str:
    return str(server.answer(token, "minicap"))


class TestAdapter(AdapterContract):
    adapter: ClassVar = MiniCap
    paths: ClassVar[Sequence[str]] = [GENERATE, VALIDATE, GENERATE.rstrip("/"), VALIDATE.rstrip("/")]
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", VALIDATE), ("POST", VALIDATE.rstrip("/"))]

    def is_worded(self, response: httpx.Response) -> bool:
        reply = response.json()
        return list(reply) == ["status", "message"] and reply["status"] == response.status_code


@pytest.mark.parametrize("path", [GENERATE, GENERATE.rstrip("/"), "/minicap" + GENERATE])
def test_generate_answers_a_picture_and_its_id(server: Server, path: str) -> None:
    reply = server.visitor.post(path)

    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(reply.content)).size == (600, 200)
    assert len(right(server, reply.headers["Captcha-Id"])) == 6


def test_a_picture_takes_40_kilobytes_at_most(server: Server) -> None:
    assert max(len(server.visitor.post(GENERATE).content) for _ in range(20)) <= 40_000


def test_every_picture_is_another(server: Server) -> None:
    assert len({server.visitor.post(GENERATE).content for _ in range(5)}) == 5


def test_the_id_fits_a_header(server: Server) -> None:
    assert len(generate(server)) < 1_536


def test_the_right_text_is_validated(server: Server) -> None:
    token = generate(server)

    assert validate(server, token, right(server, token)) == VALIDATED


def test_validate_answers_without_its_slash_too(server: Server) -> None:
    token = generate(server)

    reply = server.visitor.post(VALIDATE.rstrip("/"), json={"id": token, "text": right(server, token)})

    assert (reply.status_code, reply.json()) == VALIDATED


@pytest.mark.parametrize("form", ["{}", " {} ", "\t{}\n"])
def test_case_and_white_space_do_not_matter(server: Server, form: str) -> None:
    token = generate(server)

    assert validate(server, token, form.format(right(server, token).swapcase())) == VALIDATED


def test_minicap_right_answer_works_once(server: Server) -> None:
    token = generate(server)
    text = right(server, token)

    assert [validate(server, token, text) for _ in range(4)] == [VALIDATED, *[NOT_FOUND] * 3]


def test_three_wrong_answers_are_400_and_the_fourth_request_404_even_when_right(server: Server) -> None:
    token = generate(server)

    replies = [validate(server, token, "wrong") for _ in range(3)]

    assert replies == [FAILED] * 3
    assert validate(server, token, right(server, token)) == NOT_FOUND


def test_the_third_answer_may_be_right(server: Server) -> None:
    token = generate(server)

    replies = [validate(server, token, text) for text in ("wrong", "wrong", right(server, token))]

    assert replies == [FAILED, FAILED, VALIDATED]


def test_the_spoken_digits_are_right_too_and_spend_the_same_token(server: Server) -> None:
    token = generate(server)
    digits = "".join(server.engine.renderer.draw(server.engine.look(token, "minicap")).spoken)

    assert validate(server, token, " ".join(digits)) == VALIDATED
    assert validate(server, token, right(server, token)) == NOT_FOUND


def test_an_id_lives_ten_minutes(server: Server) -> None:
    early, late = generate(server), generate(server)

    server.clock.pass_(599)
    in_time = validate(server, early, right(server, early))
    text = right(server, late)
    server.clock.pass_(1)

    assert in_time == VALIDATED
    assert validate(server, late, text) == NOT_FOUND


@pytest.mark.parametrize("token", ["", "1cc70567-8124-40f8-ba74-062c896f1535", "é", "x" * 5_000, "a.b.c.d.e"])
def test_an_id_that_is_none_is_not_found(server: Server, token: str) -> None:
    assert validate(server, token, "text") == NOT_FOUND


def test_a_token_of_another_protocol_is_not_found(server: Server) -> None:
    token = server.engine.issue("onecaptcha", "grid").token

    assert validate(server, token, "text") == NOT_FOUND


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"content": b"{", "headers": {"content-type": "application/json"}},
        {"content": b"[" * 10_000, "headers": {"content-type": "application/json"}},
        {"json": None},
        {"json": []},
        {"json": {}},
        {"json": {"id": "x"}},
        {"json": {"text": "x"}},
        {"json": {"id": 1, "text": "x"}},
        {"json": {"id": "x", "text": None}},
        {"json": {"id": "x", "text": ["x"]}},
        {"data": {"id": "x", "text": "x"}},
        {"content": b'{"id": "x", "text": "x"}', "headers": {"content-type": "text/plain"}},
    ],
)
def test_a_body_of_another_form_is_422(server: Server, options: dict[str, Any]) -> None:
    reply = server.visitor.post(VALIDATE, **options)

    assert (reply.status_code, reply.json()["status"]) == (422, 422)


def test_malformed_requests_spend_no_try(server: Server) -> None:
    token = generate(server)

    untyped: list[object] = [None, 1, [], {}]
    assert [validate(server, token, text)[0] for text in untyped] == [422] * 4
    assert [validate(server, token, text) for text in ("", " ", "x" * 65, "x" * 10_000)] == [FAILED] * 4

    assert validate(server, token, right(server, token)) == VALIDATED


def test_an_over_long_body_is_413(server: Server) -> None:
    assert validate(server, "x", "x" * 20_000)[0] == 413


def test_another_replica_validates(make_server: MakeServer) -> None:
    issuing, answering = make_server(entropy="one"), make_server(entropy="two")
    token = generate(issuing)

    assert validate(answering, token, right(issuing, token)) == VALIDATED


def test_a_browser_may_read_the_id(server: Server) -> None:
    reply = server.visitor.post(GENERATE, headers={"Origin": "https://shop.example"})

    assert "Captcha-Id" in reply.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "look",
    [
        {"text_theme": "dark"},
        {"text_background_noise": False},
        {"text_foreground_noise": False},
        {"text_length": 4},
    ],
)
def test_the_operator_chooses_the_look(make_server: MakeServer, look: dict[str, Any]) -> None:
    plain, other = make_server().visitor.post(GENERATE), make_server(**look).visitor.post(GENERATE)

    assert plain.content != other.content


def test_no_id_and_no_text_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = generate(server)
    text = right(server, token)

    validate(server, token, "wrongly read")
    validate(server, token, text)
    validate(server, token, text)

    assert "wrong-answer" in caplog.text
    assert not any(secret in caplog.text for secret in (token[:60], text, "wrongly read"))
