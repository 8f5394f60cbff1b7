"""Which pages may read an answer: in the simplest case too as the CORS library would word it."""

from collections.abc import Sequence

import httpx
import pytest
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse

from tests.conftest import MakeServer
from tests.support import Server, Visitor

PAGE = "https://page.example"
ASKED = [
    ("POST", "/api/challenge", {}),
    ("POST", "/api/challenge", {"Cookie": "a=b"}),
    ("POST", "/api/challenge", {"X-Captcha-Challenge": "none"}),
    ("GET", "/api/challenge", {}),
    ("GET", "/nowhere", {}),
    ("GET", "/livez", {}),
    ("GET", "/v1/challenge?siteKey=dev-site", {}),
    ("HEAD", "/", {}),
    ("OPTIONS", "/api/challenge", {}),
    ("OPTIONS", "/api/challenge", {"Access-Control-Request-Method": "POST"}),
]


def library(origins: Sequence[str], method: str, headers: dict[str, str]) -> httpx.Response:
    """Ask an application behind the library alone, with the server's own options."""
    guarded = CORSMiddleware(
        PlainTextResponse("answer"),
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "X-Captcha-Challenge"],
        expose_headers=["Retry-After", "Captcha-Id", "X-Captcha-Pass", "X-Request-Id"],
        max_age=7_200,
    )
    return Visitor(guarded).request(method, "/", headers=headers)


def shared(reply: httpx.Response) -> dict[str, str]:
    return {name: text for name, text in reply.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("allowed", [("*",), (PAGE,), ("https://another.example",)])
@pytest.mark.parametrize(("method", "path", "more"), ASKED)
def test_answers_are_shared_as_the_library_shares_them(
    make_server: MakeServer, allowed: tuple[str, ...], method: str, path: str, more: dict[str, str]
) -> None:
    headers = {"Origin": PAGE, **more}

    reply = make_server(cors_origins=allowed).visitor.request(method, path, headers=headers)

    assert shared(reply) == shared(library(allowed, method, headers))
    assert "Origin" in reply.headers["vary"]


def test_without_an_origin_nothing_is_said_of_sharing_but_that_answers_vary(server: Server) -> None:
    reply = server.visitor.post("/api/challenge")

    assert shared(reply) == {}
    assert reply.headers["vary"] == "Origin"
