"""A server behind guarded connections, and raw sockets to it."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn

from captcha_stateless.http.connections.guarded import Guarded
from captcha_stateless.http.connections.h11 import Protocol as H11Guarded
from captcha_stateless.http.connections.httptools import Protocol as HttpToolsGuarded

#: Deadlines of the tests, seconds; what must be closed is waited for much longer, so that a busy machine fails nothing.
HEAD, BODY, UNSENT = 0.3, 0.5, 0.4


PATIENCE = 15.0


MOST = 8


BIG = 64_000_000


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"


async def app(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """Answer with the body's length; /late takes its time, /early does not read, /big sends much."""
    if scope["type"] != "http":
        return
    length, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    if scope["path"] == "/late":
        await asyncio.sleep(3 * max(HEAD, BODY))
    body = bytes(BIG) if scope["path"] == "/big" else b"%d" % length
    headers = [(b"content-length", b"%d" % len(body)), (b"path", scope["path"].encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Hurried(Guarded):
    """The same with short deadlines and room for few."""

    head_seconds, body_seconds, unsent_seconds = HEAD, BODY, UNSENT

    def most(self) -> int:
        return MOST


@pytest.fixture(params=[H11Guarded, HttpToolsGuarded], ids=["h11", "httptools"], scope="module")
def listener(request: pytest.FixtureRequest) -> Iterator[tuple[uvicorn.Server, int]]:
    protocol = type("Protocol", (Hurried, request.param), {})
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=protocol, ws="none", log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    yield server, listening.getsockname()[1]
    server.should_exit = server.force_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def port(listener: tuple[uvicorn.Server, int]) -> int:
    return listener[1]


def silent(listening: socket.socket) -> socket.socket:
    """Connect, and say nothing."""
    return socket.create_connection(listening.getsockname(), PATIENCE)


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def client(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        yield client


def answer(client: socket.socket) -> bytes:
    """Read until the server is silent or closes; b"" where it closed without a word."""
    with contextlib.suppress(ConnectionError):
        return client.recv(65_536)
    return b""


def closes(client: socket.socket) -> bool:
    """Tell whether the server closes, within the test's patience."""
    with contextlib.suppress(ConnectionError):
        while client.recv(65_536):
            pass
    return True


def trickle(client: socket.socket, drops: bytes) -> None:
    """Send byte by byte, each long before the deadline, until the server closes or all is sent."""
    with contextlib.suppress(ConnectionError):
        for drop in drops:
            client.sendall(bytes([drop]))
            client.settimeout(HEAD / 6)
            with contextlib.suppress(TimeoutError):
                if not client.recv(1):
                    break
    client.settimeout(PATIENCE)
