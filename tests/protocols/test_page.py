"""The page at ``/``: its links lead to what is there, wherever an edge serves it."""

import re
from functools import partial
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.conftest import MakeServer
from tests.support import Server, Visitor


def links(page: httpx.Response) -> list[str]:
    return re.findall(r'(?:href|src)="([^"<]*)"', page.text)


def test_every_link_leads_somewhere(server: Server) -> None:
    told = links(server.visitor.get("/"))

    assert {"demo", "nojs", "openapi.json", "readyz"} <= set(told)
    assert {server.visitor.get(f"/{link}").status_code for link in told} == {200}


def test_what_is_not_served_is_not_linked(make_server: MakeServer, tmp_path: Path) -> None:
    path = tmp_path / "sites.toml"
    path.write_text(f"[[site]]\nname = 'Shop'\nkey = 'shop'\nsecret_sha256 = '{'00' * 32}'\n")
    server = make_server(sites=path, protocols=("onecaptcha", "widget"))

    told = links(server.visitor.get("/"))

    assert not {"demo", "nojs", "openapi.json"} & set(told)
    assert "<!--" not in server.visitor.get("/").text


@pytest.mark.parametrize("address", ["https://shop.example/captcha", "https://shop.example/captcha/"])
def test_below_a_path_its_files_are_found_without_the_last_slash(
    make_server: MakeServer, address: str
) -> None:
    """An edge that takes the path off asks us for `/`, and the browser looks for relative links one level too high."""
    server = make_server(public_url=address)

    assert all(link.startswith("/captcha/") for link in links(server.visitor.get("/")))


@pytest.mark.parametrize("path", ["/captcha", "/captcha/"])
def test_mounted_in_another_application_its_files_are_found(server: Server, path: str) -> None:
    visitor = Visitor(Starlette(routes=[Mount("/captcha", server.app)]))

    told = links(visitor.get(path, follow_redirects=True))

    assert {visitor.get(link).status_code for link in told} == {200}


def test_below_a_path_that_we_are_told_the_page_needs_no_last_slash(server: Server) -> None:
    bare = Visitor(partial(below, server.app))

    reply = bare.get("/captcha", follow_redirects=True)

    assert all(link.startswith("/captcha/") for link in links(reply))
    assert {bare.get(link).status_code for link in links(reply)} == {200}


async def below(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Stand for ``uvicorn --root-path /captcha`` behind an edge that leaves the path on."""
    await app({**scope, "root_path": "/captcha"}, receive, send)
