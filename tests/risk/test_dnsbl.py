"""DNS blocklists: asked rightly, seldom and briefly, and never believed when they do not answer."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_address

import anyio
import dns.message
import dns.rcode
import dns.rrset
import pytest

from captcha_stateless.risk.asking import FAILED_SECONDS, MAX_ASKING, REMEMBERED_SECONDS, resolver
from captcha_stateless.risk.dnsbl import MOST_FAILURES, Dnsbl

LISTED = ip_address("8.8.4.4")
STOP = b"stop"


class List:
    """A blocklist that remembers what it was asked."""

    def __init__(self, *answers: str, fails: bool = False) -> None:
        self.answers, self.fails, self.asked = list(answers), fails, list[str]()

    async def __call__(self, name: str, kind: str = "A") -> list[str]:
        self.asked.append(name)
        if self.fails:
            raise TimeoutError
        return self.answers


def listed(dnsbl: Dnsbl, text: str = "8.8.4.4", now: float = 0) -> bool:
    return anyio.run(dnsbl.listed, ip_address(text), now)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("8.8.4.4", "4.4.8.8.zen.example"),
        ("2a00::1", "1." + "0." * 27 + "0.0.a.2.zen.example"),
    ],
)
def test_the_name_is_the_address_turned_round(text: str, name: str) -> None:
    lookup = List("127.0.0.2")

    assert listed(Dnsbl(".zen.example.", lookup, b"key"), text)
    assert lookup.asked == [name]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["127.0.0.2"], True),
        (["127.0.0.10", "127.0.0.4"], True),
        ([], False),
        (["127.255.255.254"], False),
        (["192.0.2.1"], False),
        (["nonsense"], False),
    ],
)
def test_only_a_listing_condemns(answers: list[str], expected: bool) -> None:
    """127.255.255.0/24 says that the question was refused; an address elsewhere that a resolver rewrites answers."""
    assert listed(Dnsbl("zen.example", List(*answers), b"key")) is expected


def test_an_answer_is_remembered_and_then_forgotten() -> None:
    lookup = List("127.0.0.2")
    dnsbl = Dnsbl("zen.example", lookup, b"key")

    answers = [listed(dnsbl, now=now) for now in (0, REMEMBERED_SECONDS - 1, REMEMBERED_SECONDS)]

    assert (answers, len(lookup.asked)) == ([True] * 3, 2)


def test_a_list_that_does_not_answer_condemns_nobody_and_is_left_in_peace_for_a_while() -> None:
    lookup = List(fails=True)
    dnsbl = Dnsbl("zen.example", lookup, b"key")

    answers = [listed(dnsbl, now=now) for now in (0, FAILED_SECONDS - 1, FAILED_SECONDS)]

    assert (answers, len(lookup.asked)) == ([False] * 3, 2)


@pytest.mark.parametrize("text", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "fe80::1"])
def test_addresses_of_no_public_network_are_not_asked_about(text: str) -> None:
    lookup = List("127.0.0.2")

    assert not listed(Dnsbl("zen.example", lookup, b"key"), text)
    assert lookup.asked == []


def test_a_network_is_asked_about_once() -> None:
    lookup = List("127.0.0.2")
    dnsbl = Dnsbl("zen.example", lookup, b"key")

    async def at_once() -> list[bool]:
        return await asyncio.gather(*(dnsbl.listed(ip_address(f"8.8.8.{number}"), 0) for number in range(50)))

    assert anyio.run(at_once) == [True] * 50
    assert listed(dnsbl, "8.8.8.200", now=1)
    assert len(lookup.asked) == 1


def test_a_list_that_fails_again_and_again_is_left_in_peace() -> None:
    """A slow list held the places of the queue: half of all requests took a second."""
    lookup = List(fails=True)
    dnsbl = Dnsbl("zen.example", lookup, b"key")

    for number in range(100):
        assert not listed(dnsbl, f"8.8.{number}.8", now=1)
    assert len(lookup.asked) == MOST_FAILURES
    listed(dnsbl, "8.8.8.8", now=1 + FAILED_SECONDS)
    assert len(lookup.asked) == MOST_FAILURES + 1


def test_only_so_many_questions_are_open_at_once() -> None:
    asked = 0

    async def slow(name: str, kind: str = "A") -> list[str]:
        nonlocal asked
        asked += 1
        await anyio.sleep_forever()
        raise AssertionError

    async def flood() -> bool:
        dnsbl = Dnsbl("zen.example", slow, b"key")
        async with anyio.create_task_group() as group:
            for number in range(MAX_ASKING):
                group.start_soon(dnsbl.listed, ip_address(f"8.8.{number}.8"), 0)
            await anyio.wait_all_tasks_blocked()
            late = await dnsbl.listed(ip_address("8.9.9.9"), 0)
            group.cancel_scope.cancel()
        return late

    assert anyio.run(flood) is False
    assert asked == MAX_ASKING


def test_no_address_is_kept_in_clear() -> None:
    dnsbl = Dnsbl("zen.example", List(), b"key")
    listed(dnsbl)

    assert LISTED.packed not in b"".join(dnsbl._asked._known)


@pytest.fixture
def name_server() -> Iterator[int]:
    """A name server on a loopback port: it lists 8.8.4.4, knows nothing else, and is silent about 9.9.9.9."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while (received := server.recvfrom(4_096))[0] != STOP:
            data, client = received
            query = dns.message.from_wire(data)
            name = query.question[0].name.to_text()
            if name.startswith("9.9.9.9"):
                continue
            reply = dns.message.make_response(query)
            if name.startswith("4.4.8.8."):
                reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "127.0.0.2"))
            else:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            server.sendto(reply.to_wire(), client)

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1]
    server.sendto(STOP, server.getsockname())
    thread.join()
    server.close()


@pytest.mark.parametrize(("text", "expected"), [("8.8.4.4", True), ("8.8.8.8", False), ("9.9.9.9", False)])
def test_a_real_name_server_is_asked(name_server: int, text: str, expected: bool) -> None:
    dnsbl = Dnsbl("zen.example", resolver("it", ("127.0.0.1",), name_server), b"key")

    assert listed(dnsbl, text) is expected
