"""RESTCaptcha's refusals, as problem details in the caller's language."""

from typing import Any

import anyio
import httpx
import pytest

from captcha_stateless.http.problem_details import TITLES
from captcha_stateless.protocols.restcaptcha import PROBLEMS
from tests.protocols.test_restcaptcha import ORIGIN, SITE, ascii_json, solved, status, verify
from tests.support import Server


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"siteSecret": "wrong"}, 401),
        ({"siteSecret": ""}, 401),
        ({"siteSecret": None}, 400),
        ({"siteSecret": 1}, 400),
        ({"token": None}, 400),
        ({"token": 5}, 400),
        ({"token": ["x"]}, 400),
        ({"solution": None}, 400),
        ({"solution": 5}, 400),
        ({"solution": ""}, 400),
        ({"solution": "x" * 129}, 400),
        ({"solution": "\ud800"}, 400),
    ],
)
def test_a_malformed_verify_has_its_status_and_spends_nothing(
    server: Server, changes: dict[str, Any], code: int
) -> None:
    token, solution = solved(server)

    body = {"siteSecret": "dev-secret", "token": token, "solution": solution, **changes}
    reply = server.visitor.post("/v1/verify" + SITE, content=ascii_json(body))

    assert (reply.status_code, reply.json()["status"]) == (code, code)
    assert status(verify(server, token, solution)) == "success"


@pytest.mark.parametrize(
    ("content", "content_type", "code"),
    [
        (b"", "application/json", 400),
        (b"null", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b" " * 20_000, "application/json", 413),
    ],
)
@pytest.mark.parametrize("path", ["/v1/verify", "/v1/reset"])
def test_a_bad_body_is_a_problem(
    server: Server, path: str, content: bytes, content_type: str, code: int
) -> None:
    reply = server.visitor.post(path + SITE, content=content, headers={"Content-Type": content_type})

    assert (reply.status_code, reply.json()["status"]) == (code, code)
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/challenge"), ("POST", "/v1/verify"), ("POST", "/v1/reset")]
)
@pytest.mark.parametrize(("query", "code"), [("", 400), ("?siteKey=", 400), ("?siteKey=nobody", 404)])
def test_a_missing_site_key_is_400_and_an_unknown_one_404(
    server: Server, method: str, path: str, query: str, code: int
) -> None:
    reply = server.visitor.request(method, "/restcaptcha" + path + query)

    assert (reply.status_code, reply.json()["status"]) == (code, code)
    assert reply.json()["instance"] == "/restcaptcha" + path


def test_a_problem_is_worded_to_the_letter(server: Server) -> None:
    reply = server.visitor.get("/v1/challenge?siteKey=nobody")

    assert reply.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "there is no such siteKey",
        "instance": "/v1/challenge",
    }


@pytest.mark.parametrize(
    ("header", "language", "title"),
    [
        ("", "en", "Not Found"),
        ("de-AT, en;q=0.5", "de", "Nicht gefunden"),
        ("es", "es", "No encontrado"),
        ("fr;q=0.9, ja", "fr", "Introuvable"),
        ("it", "it", "Non trovato"),
        ("pt-BR", "pt", "Não encontrado"),
        ("ja", "en", "Not Found"),
    ],
)
def test_titles_are_in_the_caller_s_language(server: Server, header: str, language: str, title: str) -> None:
    reply = server.visitor.get("/v1/challenge?siteKey=nobody", headers={"Accept-Language": header})

    assert (reply.json()["title"], reply.headers["content-language"]) == (title, language)
    assert "Accept-Language" in reply.headers["vary"]


def test_every_language_has_a_title_for_every_status() -> None:
    for language, titles in TITLES.items():
        assert {code for code, _ in PROBLEMS.values()} <= set(titles), language


def test_a_fault_of_ours_is_a_mute_problem(server: Server) -> None:
    server.engine._seal = None  # type: ignore[assignment]  # any fault will do
    transport = httpx.ASGITransport(app=server.app, raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://captcha.test") as client:
            return await client.get("/v1/challenge" + SITE, headers=ORIGIN)

    reply = anyio.run(ask)
    assert (reply.status_code, reply.json()["status"], reply.json()["detail"]) == (
        500,
        500,
        "an unexpected fault",
    )
