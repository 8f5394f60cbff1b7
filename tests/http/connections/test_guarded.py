"""Connections under fire, over raw sockets: slow clients, large ones, and many."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from captcha_stateless.http.connections.guarded import MAX_HEAD_BYTES, Guarded
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


@pytest.mark.parametrize("protocol", [H11Guarded, HttpToolsGuarded], ids=["h11", "httptools"])
def test_who_has_just_come_is_answered_though_the_worker_ends(protocol: type) -> None:
    """A worker is recycled while others connect: what they are about to send would meet a closed connection."""
    config = uvicorn.Config(app, http=protocol, ws="none", log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    with socket.create_connection(listening.getsockname(), PATIENCE) as early:
        early.sendall(GET)
        assert b"200 OK" in answer(early)
        with socket.create_connection(listening.getsockname(), PATIENCE) as client, silent(listening) as idle:
            wait_until(lambda: len(server.server_state.connections) == 3)
            server.should_exit = True
            assert closes(early)
            client.sendall(GET)
            assert b"200 OK" in answer(client)
            assert closes(client)
            assert closes(idle)
    thread.join(PATIENCE)
    assert not thread.is_alive()


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


def test_requests_on_one_connection_are_answered(client: socket.socket) -> None:
    for _ in range(3):
        client.sendall(GET)
        assert b"200 OK" in answer(client)


def test_requests_sent_ahead_are_all_answered(client: socket.socket) -> None:
    client.sendall((POST % 3 + b"abc") * 3)

    assert client.recv(65_536, socket.MSG_PEEK)
    got = b""
    while got.count(b"200 OK") < 3:
        got += client.recv(65_536)


def test_very_many_requests_sent_ahead_come_to_an_end(client: socket.socket) -> None:
    """httptools parses what is there, and uvicorn keeps all of it; h11 stops at the second request by itself."""
    with contextlib.suppress(ConnectionError):
        client.sendall(GET * 5_000 + GET.replace(b"Host", b"Connection: close\r\nHost"))

    assert closes(client)


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n", GET])
def test_a_head_that_does_not_end_is_closed(client: socket.socket, start: bytes) -> None:
    client.sendall(start)

    assert closes(client)


def test_a_head_in_drops_is_closed(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\n")

    began = time.monotonic()
    trickle(client, b"X: y" * 200)

    assert closes(client)
    assert time.monotonic() - began < 200 * 4 * HEAD / 6


def test_empty_lines_keep_no_connection(client: socket.socket) -> None:
    client.sendall(GET)
    answer(client)

    began = time.monotonic()
    trickle(client, b"\r\n" * 400)

    assert closes(client)
    assert time.monotonic() - began < 400 * 2 * HEAD / 6


def test_a_body_that_does_not_end_is_closed(client: socket.socket) -> None:
    client.sendall(POST % 100 + b"abc")

    began = time.monotonic()
    trickle(client, b"x" * 90)

    assert closes(client)
    assert time.monotonic() - began < 90 * HEAD / 6 + PATIENCE / 2


def test_who_waits_for_our_answer_has_no_deadline(client: socket.socket) -> None:
    client.sendall(GET.replace(b"/", b"/late", 1))

    assert b"200 OK" in answer(client)


def test_who_does_not_read_is_closed(port: int) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", port))
        client.sendall(GET.replace(b"/", b"/big", 1))
        threading.Event().wait(4 * UNSENT)  # this is what it does: nothing

        assert received(client) < BIG


def test_who_reads_gets_all_of_a_large_answer(client: socket.socket) -> None:
    client.sendall(GET.replace(b"/", b"/big", 1).replace(b"Host", b"Connection: close\r\nHost"))

    assert received(client) > BIG


def received(client: socket.socket) -> int:
    total = 0
    with contextlib.suppress(ConnectionError):
        while part := client.recv(1_048_576):
            total += len(part)
    return total


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 2_000_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 2_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"y" * 100_000,
        b"\x16\x03\x01\x02\x00\x01" * 10,
    ],
    ids=["headers", "header", "path", "method", "tls"],
)
def test_a_large_or_broken_head_is_refused(client: socket.socket, head: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        client.sendall(head)

    # Where unread bytes are left, the refusal may be lost with the connection.
    got = answer(client)
    assert got == b"" or got.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
    assert closes(client)


def test_an_ordinary_large_head_is_taken(client: socket.socket) -> None:
    cookie = b"y" * (MAX_HEAD_BYTES // 2)
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: %b\r\n" % cookie + b"X: y\r\n" * 40 + b"\r\n")

    assert b"200 OK" in answer(client)


def test_the_rest_of_a_body_that_was_answered_is_not_read_for_ever(client: socket.socket) -> None:
    client.sendall(POST.replace(b"/", b"/early", 1) % 1_000_000_000)
    assert b"200 OK" in answer(client)

    with pytest.raises(ConnectionError):
        for _ in range(1_000):
            client.sendall(bytes(100_000))


@pytest.mark.parametrize("size", [0, 1, 70_000, 300_000])
def test_bodies_of_all_sizes_arrive_whole(client: socket.socket, size: int) -> None:
    for _ in range(2):  # and leave the connection fit for the next
        client.sendall(POST % size + bytes(size))
        assert answer(client).endswith(b"\r\n\r\n%d" % size)


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 3\r\nContent-Length: 3\r\n",
        b"Content-Length: 3\r\ncontent-length : 3\r\n",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\nContent-Length: 3\r\n",
        b"X-One: two\r\n three\r\nContent-Length: 3\r\n",
        b"X-One: two\r\n\tthree: four\r\n",
    ],
)
def test_a_head_that_a_proxy_may_read_differently_is_refused(client: socket.socket, fields: bytes) -> None:
    client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\nabc")

    assert answer(client).startswith(b"HTTP/1.1 400")


def test_the_longest_idle_connection_makes_room(listener: tuple[uvicorn.Server, int]) -> None:
    server, port = listener
    wait_until(lambda: not server.server_state.connections)  # those of the tests before
    with contextlib.ExitStack() as stack:
        idle = []
        for _ in range(MOST):
            idle.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE)))
            idle[-1].sendall(GET)
            assert b"200 OK" in answer(idle[-1])

        new = stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
        new.sendall(GET)

        assert b"200 OK" in answer(new)
        assert answer(idle[0]) == b""
        idle[-1].sendall(GET)
        assert b"200 OK" in answer(idle[-1])


def test_memory_does_not_grow_with_what_is_refused(port: int) -> None:
    def memory_bytes() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096

    def fire() -> None:
        for head in (b"GET / HTTP/1.1\r\nX: " + junk, POST % len(junk) + junk, b"X: y\r\n" * 20_000):
            with (
                socket.create_connection(("127.0.0.1", port), PATIENCE) as client,
                contextlib.suppress(ConnectionError),
            ):
                client.sendall(head)
                answer(client)

    junk = b"y" * 10_000_000
    fire()
    before = memory_bytes()
    for _ in range(5):
        fire()

    assert memory_bytes() - before < 5_000_000 + len(junk)


@pytest.mark.parametrize(
    ("target", "path"),
    [(b"/a%20b", b"/a b"), (b"http://a/x?y=z", b"/x"), (b"HTTP://a:80/a%20b", b"/a b"), (b"http://a/", b"/")],
)
def test_a_target_that_is_a_whole_address_is_served_by_its_path(
    client: socket.socket, target: bytes, path: bytes
) -> None:
    """RFC 9112, section 3.2.2; parsed by h11 all of it was the path."""
    client.sendall(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target)

    assert b"path: %b\r\n" % path in answer(client)


def test_many_fields_are_refused_with_the_bounds(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 70 + b"\r\n")

    got = answer(client)

    assert got.startswith(b"HTTP/1.1 431")
    assert b"at most 64, and 16384 bytes" in got
