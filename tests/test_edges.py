"""Clearance behind a real nginx, with the configuration that is handed out."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from captcha_stateless.testing import CaptchaServer
from captcha_stateless.tokens.cookie import COOKIE
from tests.needs import program

CONFIGURATION = Path(__file__).parent.parent / "deploy" / "nginx-clearance.conf"


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
def edge(captcha: CaptchaServer, tmp_path: Path) -> Iterator[str]:
    nginx = program("nginx")
    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    listening = tmp_path / "edge.sock"
    text = CONFIGURATION.read_text(encoding="utf-8")
    for told, used in (
        ("127.0.0.1:8080", f"unix:{listening}"),
        ("127.0.0.1:8000", f"127.0.0.1:{captcha.port}"),
        ("127.0.0.1:9000", f"127.0.0.1:{site.server_port}"),
    ):
        assert told in text
        text = text.replace(told, used)
    temporary = " ".join(
        f"{name}_temp_path {tmp_path}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    head = f"{user} daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}"
    (tmp_path / "nginx.conf").write_text(f"{head} http {{ access_log off; {temporary} {text} }}")
    with subprocess.Popen([nginx, "-e", f"{tmp_path}/error.log", "-c", f"{tmp_path}/nginx.conf"]) as process:
        try:
            for _ in range(200):
                if listening.exists() or process.poll() is not None:
                    break
                time.sleep(0.05)
            assert process.poll() is None, (tmp_path / "error.log").read_text()
            yield str(listening)
        finally:
            process.terminate()
    site.shutdown()
    site.server_close()


def test_nginx_shows_the_challenge_until_a_pass_is_in_the_cookie(edge: str, captcha: CaptchaServer) -> None:
    transport = httpx.HTTPTransport(uds=edge)
    with httpx.Client(transport=transport, base_url="http://localhost") as visitor:
        refused = visitor.get("/page")
        scripts = [visitor.get(path).status_code for path in ("/captcha.js", "/clearance.js")]
        cleared = visitor.post("/auth", json={"response": captcha.solve()})
        cookie = cleared.headers["set-cookie"].partition(";")[0]
        passed = [visitor.get("/page", headers={"Cookie": cookie}) for _ in range(2)]
        forged = visitor.get("/page", headers={"Cookie": f"{COOKIE}=x.y.z"})

    assert refused.status_code == 403
    assert "<captcha-stateless>" in refused.text
    assert scripts == [200, 200]
    assert cleared.status_code == 204
    assert [reply.text for reply in passed] == ["the site"] * 2
    assert forged.status_code == 403
