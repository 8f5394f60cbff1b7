"""What operators read is kept from the public by every edge of deploy/, however it is spelled and whatever the prefix."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.edge.conftest import settings_in
from tests.edge.test_strictness import PROXIES
from tests.live import LiveServer, free_port, live_server

PREFIX = "/captcha"
#: How a path may be written; ``{}`` is its name. Some a proxy reads as the path itself, some the server does, some neither.
SPELLINGS = [
    "/{}",
    "/{}/",
    "//{}",
    "/./{}",
    "/x/../{}",
    "/x/%2e%2e/{}",
    "/%2e/{}",
    "/%2f{}",
    "/{}?x=1",
    "/{}%3f",
    "/{}%00",
    "/{}%0a",
    "/{}%20",
    "/{};x=1",
    "/{}#x",
    "http://captcha.example/{}",
    "http://captcha.example//{}",
]
NAMES = ["metrics", "%6detrics", "m%65trics", "%6d%65%74%72%69%63%73", "METRICS"]
PROBES = ["livez", "%6civez", "readyz", "read%79z"]


def asked(url: httpx.URL, target: str) -> tuple[int, bytes]:
    """Ask for a target to the letter, as no HTTP client would leave it."""
    assert url.port is not None
    with socket.create_connection((url.host, url.port), timeout=20) as connection:
        connection.sendall(
            f"GET {target} HTTP/1.1\r\nHost: captcha.example\r\nConnection: close\r\n\r\n".encode()
        )
        reply = b"".join(iter(lambda: connection.recv(65_536), b""))
    return int(reply.split(b" ", 2)[1]), reply


@pytest.fixture(scope="module", params=["", PREFIX])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    environ = {**settings_in(tmp_path_factory.mktemp("private")), "CAPTCHA_METRICS": "true"}
    words = ["--root-path", request.param] if request.param else []
    with live_server(*words, environ=environ) as server:
        yield server


def test_the_server_itself_tells_whoever_asks_it_alone(server: LiveServer) -> None:
    status, reply = asked(httpx.URL(server.url), "/metrics")

    assert (status, b"captcha_" in reply) == (200, True)


@pytest.mark.parametrize("name", PROXIES)
def test_no_edge_shows_metrics_in_any_spelling(name: str, server: LiveServer, tmp_path: Path) -> None:
    """`/captcha/metrics` went past every rule of an edge where the server was told of the prefix."""
    (run, words), port = PROXIES[name], free_port()
    paths = [spelling.format(each) for spelling in SPELLINGS for each in NAMES]
    paths += [f"{prefix}{path}" for prefix in (PREFIX, 2 * PREFIX) for path in paths if path.startswith("/")]

    with run(tmp_path / "edge", words(tmp_path, [server.port] * 2, port), port) as edge:
        url = httpx.URL(edge)
        shown = [path for path in paths if b"captcha_" in asked(url, path)[1]]

    assert shown == []


@pytest.mark.parametrize("name", PROXIES)
def test_no_edge_shows_probes_in_any_spelling(name: str, server: LiveServer, tmp_path: Path) -> None:
    (run, words), port = PROXIES[name], free_port()

    with run(tmp_path / "edge", words(tmp_path, [server.port] * 2, port), port) as edge:
        url = httpx.URL(edge)
        shown = [
            path
            for path in (spelling.format(each) for spelling in SPELLINGS for each in PROBES)
            if asked(url, path)[0] == 200
        ]

    assert shown == []
