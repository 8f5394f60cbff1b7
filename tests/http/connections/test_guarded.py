"""Connections under fire, over raw sockets: slow clients, large ones, and many."""

import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest
import uvicorn

from captcha_stateless.http.connections.h11 import Protocol as H11Guarded
from captcha_stateless.http.connections.httptools import Protocol as HttpToolsGuarded
from tests.http.connections.conftest import (
    BIG,
    GET,
    HEAD,
    MOST,
    PATIENCE,
    POST,
    UNSENT,
    answer,
    app,
    closes,
    silent,
    trickle,
    wait_until,
)


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
