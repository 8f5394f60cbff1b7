"""Clearance behind a real Caddy, with the file that is handed out."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from captcha_stateless.testing import CaptchaServer
from captcha_stateless.tokens.cookie import COOKIE
from tests.edge import programs
from tests.live import free_port


class Site(BaseHTTPRequestHandler):
    """The site behind the edge."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the site")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def captcha() -> Iterator[CaptchaServer]:
    with CaptchaServer() as server:
        yield server


@pytest.fixture
def site() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def visitor(captcha: CaptchaServer, site: int, tmp_path: Path) -> Iterator[httpx.Client]:
    port = free_port()
    places = {
        **programs.replicas([captcha.port]),
        "\n:8080 {": f"\n:{free_port()} {{",
        "\n:8081 {": f"\n:{port} {{",
        "127.0.0.1:9000": f"127.0.0.1:{site}",
    }
    text = programs.placed("Caddyfile", places)
    with programs.caddy(tmp_path / "caddy", text, port) as url, httpx.Client(base_url=url) as client:
        yield client


def test_caddy_shows_the_challenge_until_a_pass_is_in_the_cookie(
    visitor: httpx.Client, captcha: CaptchaServer
) -> None:
    refused = visitor.get("/page")
    scripts = [visitor.get(path).status_code for path in ("/captcha.js", "/clearance.js", "/widget/de.json")]
    cleared = visitor.post("/auth", params={"sitekey": "dev-site"}, json={"response": captcha.solve()})
    cookie = cleared.headers["set-cookie"].partition(";")[0]
    passed = [visitor.get("/page", headers={"Cookie": cookie}) for _ in range(2)]
    forged = visitor.get("/page", headers={"Cookie": f"{COOKIE}=x.y.z"})

    assert refused.status_code == 403
    assert "<captcha-stateless sitekey=dev-site>" in refused.text
    assert (refused.headers["content-type"], refused.headers["cache-control"]) == ("text/html", "no-store")
    assert scripts == [200] * 3
    assert cleared.status_code == 204
    assert [reply.text for reply in passed] == ["the site"] * 2
    assert forged.status_code == 403


def test_a_site_behind_caddy_shows_nothing_else_of_the_server(visitor: httpx.Client) -> None:
    paths = ("/metrics", "/readyz", "/siteverify", "/demo", "/api/challenge/x")

    assert {visitor.get(path).status_code for path in paths} == {403}
