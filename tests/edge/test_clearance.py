"""Clearance behind a real nginx, Caddy and Traefik, with the files that are handed out, for one of two sites."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from captcha_stateless.testing import CaptchaServer
from captcha_stateless.tokens.cookie import COOKIE
from captcha_stateless.tokens.digests import fingerprint
from tests.edge import programs
from tests.live import free_port

SITES = "".join(
    f'[[site]]\nname = "{key}"\nkey = "{key}"\nsecret_sha256 = "{fingerprint(key).hex()}"\n'
    for key in ("one", "two")
)


PAGE_HEADERS = {"Content-Type": "text/html", "Cache-Control": "no-store"}
PAGE = (
    b"<!doctype html><title>One moment</title><script src=/captcha.js></script><script src=/clearance.js></script>"
    b"<captcha-stateless sitekey=two></captcha-stateless>"
)


class Site(BaseHTTPRequestHandler):
    """The site behind the edge."""

    def do_GET(self) -> None:
        shown = (
            self.path == "/challenge.html"
        )  # the page that Traefik is told of, where the others have their own
        self.send_response(200)
        for name, value in PAGE_HEADERS.items() if shown else ():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(PAGE if shown else b"the site")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def captcha(tmp_path: Path) -> Iterator[CaptchaServer]:
    (tmp_path / "sites.toml").write_text(SITES)
    with CaptchaServer(sites=tmp_path / "sites.toml", family="filled") as server:  # outlines take a second
        yield server


@pytest.fixture
def site() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["nginx", "caddy", "traefik"])
def visitor(
    request: pytest.FixtureRequest, captcha: CaptchaServer, site: int, tmp_path: Path
) -> Iterator[httpx.Client]:
    port = free_port()
    places = {"dev-site": "two", "127.0.0.1:9000": f"127.0.0.1:{site}"}
    if request.param == "nginx":
        places |= {"127.0.0.1:8080": f"127.0.0.1:{port}", "127.0.0.1:8000": f"127.0.0.1:{captcha.port}"}
        running = programs.nginx(tmp_path / "nginx", programs.placed("nginx-clearance.conf", places), port)
    elif request.param == "traefik":
        places |= {"127.0.0.1:8000": f"127.0.0.1:{captcha.port}"}
        running = programs.traefik(tmp_path / "traefik", programs.placed("traefik.yml", places), port, "/")
    else:
        places |= {"\n:8080 {": f"\n:{free_port()} {{", "\n:8081 {": f"\n:{port} {{"}
        text = programs.placed("Caddyfile", {**programs.replicas([captcha.port]), **places})
        running = programs.caddy(tmp_path / "caddy", text, port)
    with running as url, httpx.Client(base_url=url) as client:
        yield client


def test_the_challenge_is_shown_until_a_pass_is_in_the_cookie(
    visitor: httpx.Client, captcha: CaptchaServer
) -> None:
    token = captcha.solve(site_key="two")

    refused = visitor.get("/page")
    cleared = visitor.post("/auth", params={"sitekey": "two"}, json={"response": token})
    cookie = cleared.headers["set-cookie"].partition(";")[0]
    passed = [visitor.get("/page", headers={"Cookie": cookie}) for _ in range(2)]

    assert refused.status_code == 403
    assert "<captcha-stateless sitekey=two>" in refused.text
    assert (refused.headers["content-type"], refused.headers["cache-control"]) == ("text/html", "no-store")
    assert cleared.status_code == 204
    assert [reply.text for reply in passed] == ["the site"] * 2


@pytest.mark.parametrize("visitor", ["nginx", "traefik"], indirect=True)
def test_a_visitor_with_many_header_fields_is_no_fault_of_the_edge(
    visitor: httpx.Client, captcha: CaptchaServer
) -> None:
    """nginx makes a 500 of any answer of `/auth` but 401 and 403, and more than 64 fields are 431."""
    many = {f"X-Field-{number}": "x" for number in range(70)}

    refused = visitor.get("/page", headers=many)
    passed = visitor.get("/page", headers={**many, "Cookie": f"{COOKIE}={captcha.solve(site_key='two')}"})

    assert (refused.status_code, passed.status_code, passed.text) == (403, 200, "the site")


def test_neither_another_site_s_pass_nor_a_forged_one_clears(
    visitor: httpx.Client, captcha: CaptchaServer
) -> None:
    tokens = (captcha.solve(site_key="one"), "x.y.z")

    replies = [visitor.get("/page", headers={"Cookie": f"{COOKIE}={token}"}) for token in tokens]

    assert [reply.status_code for reply in replies] == [403, 403]


def test_what_the_challenge_needs_is_on_the_site_s_own_origin(visitor: httpx.Client) -> None:
    got = [visitor.get(path).status_code for path in ("/captcha.js", "/clearance.js", "/widget/de.json")]
    posted = [
        visitor.post(path, params={"sitekey": "two", "kind": "grid"}).status_code
        for path in ("/api/work", "/api/challenge")
    ]

    assert (got, posted) == ([200] * 3, [200] * 2)


def test_nothing_else_of_the_server_is_shown(visitor: httpx.Client) -> None:
    paths = ("/metrics", "/readyz", "/siteverify", "/demo", "/api/challenge/x")

    assert {visitor.get(path).status_code for path in paths} == {403}
