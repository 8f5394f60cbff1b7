"""Heads that are large, broken, or that a proxy may read differently."""

import contextlib
import socket

import pytest

from captcha_stateless.http.connections.guarded import MAX_HEAD_BYTES
from tests.http.connections.conftest import answer, closes


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
