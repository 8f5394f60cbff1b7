"""An answer leaves whole: what is written when, and that nothing is ever kept back for good."""

import asyncio
from typing import Any, cast

import pytest

from captcha_stateless.http.connections.guarded import Whole

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Transport:
    """Remembers what was written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str) -> str:
        return f"the {name}"


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def whole(transport: Transport) -> Whole:
    return Whole(cast(asyncio.Transport, transport))


def test_head_and_body_are_one_write(whole: Whole, transport: Transport) -> None:
    for part in (HEAD, b"body", HEAD, b"more"):
        whole.write(part)

    assert transport.written == [HEAD + b"body", HEAD + b"more"]


def test_what_follows_the_first_of_a_body_is_not_kept_back(whole: Whole, transport: Transport) -> None:
    for part in (HEAD, b"bo", b"d", b"y"):
        whole.write(part)

    assert transport.written == [HEAD + b"bo", b"d", b"y"]


def test_a_part_may_be_any_buffer(whole: Whole, transport: Transport) -> None:
    for part in (memoryview(HEAD), memoryview(b"bo"), bytearray(b"d"), memoryview(b"y")):
        whole.write(part)

    assert transport.written == [HEAD + b"bo", b"d", b"y"]


def test_an_interim_head_is_written_at_once_for_the_client_waits_for_it(
    whole: Whole, transport: Transport
) -> None:
    for part in (CONTINUE, HEAD, b"body"):
        whole.write(part)

    assert transport.written == [CONTINUE, HEAD + b"body"]


def test_a_large_body_is_not_copied(whole: Whole, transport: Transport) -> None:
    large = bytes(100_000)

    whole.write(HEAD)
    whole.write(large)

    assert transport.written == [HEAD, large]


@pytest.mark.parametrize("end", ["flush", "close"])
def test_a_head_without_a_body_is_written_when_the_answer_ends(
    whole: Whole, transport: Transport, end: str
) -> None:
    whole.write(HEAD)
    before = list(transport.written)
    getattr(whole, end)()
    getattr(whole, end)()

    assert (before, transport.written) == ([], [HEAD])


def test_closing_closes_and_the_rest_is_the_transport_s_own(whole: Whole, transport: Transport) -> None:
    assert not whole.is_closing()
    whole.close()

    assert (whole.is_closing(), whole.get_write_buffer_size()) == (True, 0)
    assert cast(Any, whole).get_extra_info("peername") == "the peername"
