"""1Captcha answers and bodies that are malformed: named, and nothing is spent."""

import pytest

from tests.protocols.test_onecaptcha import PATH, answer, begin, solve
from tests.support import Server


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "answer must be an array"),
        ({"answer": "x"}, "answer must be an array"),
        ([], "answer must be an array"),
        (None, "answer must be an array"),
        ({"answer": [True] * 8}, "invalid answer length"),
        ({"answer": [True] * 10}, "invalid answer length"),
        ({"answer": [1] * 9}, "answer must hold true and false only"),
    ],
)
def test_a_malformed_answer_is_named_and_spends_nothing(server: Server, body: object, error: str) -> None:
    token = begin(server)["challenge"]

    reply = answer(server, token, body)

    assert (reply.status_code, reply.json()) == (400, {"error": error})
    assert solve(server, token).status_code == 200


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b"9" * 5_000, "application/json", 400),
        (b'{"answer":[true]}', "text/plain", 415),
        (b"answer=1", "application/x-www-form-urlencoded", 415),
        (b" " * 20_000, "application/json", 413),
    ],
)
def test_a_bad_body_has_its_status_and_spends_nothing(
    server: Server, content: bytes, content_type: str, status: int
) -> None:
    token = begin(server)["challenge"]

    headers = {"X-Captcha-Challenge": token, "Content-Type": content_type}
    reply = server.visitor.post(PATH, headers=headers, content=content)

    assert reply.status_code == status
    assert list(reply.json()) == ["error"]
    assert solve(server, token).status_code == 200
