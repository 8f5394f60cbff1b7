"""siteverify's bodies in every encoding, and what is said of what is wrong with them."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.protocols.test_siteverify import PATHS, RECAPTCHA, TURNSTILE, ask, refusal, verdict
from tests.support import Server


def encodings(fields: dict[str, str]) -> dict[str, dict[str, Any]]:
    json_text = json.dumps({**fields, "remoteip": None})
    return {
        "urlencoded": {"data": fields},
        "json": {"content": json_text, "headers": {"content-type": "application/json"}},
        "json with charset": {
            "content": json_text,
            "headers": {"content-type": "Application/JSON; charset=utf-8"},
        },
        "json as text": {"content": json_text, "headers": {"content-type": "text/plain;charset=UTF-8"}},
        "multipart": {"files": {name: (None, text) for name, text in fields.items()}},
        "none": {"content": urlencode(fields)},
        "remoteip None": {"data": {**fields, "remoteip": "None"}},
        "remoteip number": {"json": {**fields, "remoteip": 7}},
        "unknown field": {"data": {**fields, "other": "x"}},
        "sitekey": {"data": {**fields, "sitekey": "dev-site"}},
        "empty sitekey": {"data": {**fields, "sitekey": ""}},
    }


@pytest.mark.parametrize("encoding", list(encodings({})))
def test_every_encoding_is_read(server: Server, encoding: str) -> None:
    request = encodings({"secret": "dev-secret", "response": server.earn()})[encoding]

    reply = server.visitor.post(RECAPTCHA, **request)

    assert (reply.status_code, reply.json()["success"]) == (200, True)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({}, ["missing-input-secret", "missing-input-response"]),
        ({"secret": "dev-secret"}, ["missing-input-response"]),
        ({"response": "x"}, ["missing-input-secret"]),
        ({"secret": "", "response": "x"}, ["missing-input-secret"]),
        ({"secret": "dev-secret", "response": ""}, ["missing-input-response"]),
        ({"secret": "wrong", "response": "x"}, ["invalid-input-secret"]),
        ({"secret": "dev-secret", "response": "x"}, ["invalid-input-response"]),
        ({"secret": "dev-secret", "response": "x" * 3000}, ["invalid-input-response"]),
        ({"secret": "dev-secret", "response": "x", "sitekey": "other"}, ["sitekey-secret-mismatch"]),
        ({"secret": "dev-secret", "response": "x", "idempotency_key": "k" * 129}, ["bad-request"]),
    ],
)
def test_what_is_wrong_has_its_code_in_every_encoding(
    server: Server, path: str, fields: dict[str, str], codes: list[str]
) -> None:
    for request in ({"data": fields}, {"json": fields}, {"content": urlencode(fields)}):
        reply = server.visitor.post(path, **request)
        assert (reply.status_code, verdict(reply)) == (200, refusal(*codes))


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b"null"),
        ("application/json", b"7"),
        ("application/json", b'{"secret": 7}'),
        ("application/json", b'{"secret": "a", "secret": "b"}'),
        ("application/json", b'{"response": ["x"]}'),
        ("application/json", b"[" * 10_000),
        ("application/json", b"\xff"),
        ("application/x-www-form-urlencoded", b"secret=a&secret=b"),
        ("application/x-www-form-urlencoded", b"\xff=\xff"),
        ("application/x-www-form-urlencoded", b"secret=%FF"),
        ("application/x-www-form-urlencoded", b"a=b&" * 100),
        ("multipart/form-data", b"secret=a"),
        ("multipart/form-data; boundary=x", b"--y\r\n\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="secret"; filename="a"\r\n\r\nb\r\n--x--\r\n',
        ),
    ],
)
def test_a_nonsense_body_is_a_bad_request_with_200(server: Server, media_type: str, content: bytes) -> None:
    reply = server.visitor.post(TURNSTILE, content=content, headers={"content-type": media_type})

    assert (reply.status_code, reply.json()) == (200, refusal("bad-request"))


def test_a_wrong_call_spends_nothing(server: Server) -> None:
    token = server.earn()

    ask(server, token, secret="wrong")
    ask(server, token, sitekey="other")
    ask(server, token, "/other/siteverify")
    ask(server, token, idempotency_key="k" * 129)

    assert ask(server, token)["success"] is True
