"""Crawlers: verified by their networks or by the DNS, both ways, and by nothing that a visitor says."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from captcha_stateless.errors import Misconfigured
from captcha_stateless.risk.asking import FAILED_SECONDS, MAX_ASKING, REMEMBERED_SECONDS, Lookup, resolver
from captcha_stateless.settings import Settings
from captcha_stateless.wall import crawlers, rules
from captcha_stateless.wall.crawlers import Crawlers, Listed
from tests.support import Clock
from tests.wall.visits import visit

GOOGLE = {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
YANDEX = {"user-agent": "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)"}
STOP = b"stop"


class Zone:
    """A DNS that remembers what it was asked."""

    def __init__(self, records: dict[tuple[str, str], list[str]], *, fails: bool = False) -> None:
        self.records, self.fails, self.asked = records, fails, list[tuple[str, str]]()

    async def __call__(self, name: str, kind: str = "A") -> list[str]:
        self.asked.append((name, kind))
        if self.fails:
            raise TimeoutError
        return self.records.get((name, kind), [])


#: 8.8.4.4 is a crawler; 8.8.8.8 says so of itself alone; 9.9.9.9 has a name that only looks right.
RECORDS = {
    ("4.4.8.8.in-addr.arpa", "PTR"): ["crawl-8-8-4-4.googlebot.com."],
    ("crawl-8-8-4-4.googlebot.com", "A"): ["8.8.4.4"],
    ("8.8.8.8.in-addr.arpa", "PTR"): ["crawl-8-8-4-4.googlebot.com."],
    ("9.9.9.9.in-addr.arpa", "PTR"): ["crawl.evilgooglebot.com.", "googlebot.com.evil.example."],
    ("crawl.evilgooglebot.com", "A"): ["9.9.9.9"],
    ("googlebot.com.evil.example", "A"): ["9.9.9.9"],
    ("1.0.0.1.in-addr.arpa", "PTR"): ["SPIDER-1.YANDEX.COM."],
    ("spider-1.yandex.com", "A"): ["1.0.0.2", "1.0.0.1"],
    ("1." + "0." * 23 + "0.6.8.4.1.0.0.2.ip6.arpa", "PTR"): ["crawl-v6.googlebot.com."],
    ("crawl-v6.googlebot.com", "AAAA"): ["2001:4860::1"],
}


def named(found: Crawlers, address: str, headers: dict[str, str] | None = None) -> str:
    return anyio.run(found.crawler, visit(address=address, headers=headers or {}))


def by_dns(lookup: Lookup, clock: Clock | None = None) -> Crawlers:
    return Crawlers(lookup=lookup, key=b"key", clock=clock or Clock())


def test_a_crawler_is_who_comes_from_its_networks_whatever_it_says(tmp_path: Path) -> None:
    listed = tmp_path / "crawlers.txt"
    listed.write_text(
        "# of today\ngooglebot 66.249.64.0/27\ngooglebot 2001:4860:4801::/48\nbingbot 40.77.167.0/24 # one\n"
    )
    loaded = crawlers.load(listed)
    found = Crawlers(lambda: loaded)

    assert named(found, "66.249.64.1") == named(found, "2001:4860:4801::7", YANDEX) == "googlebot"
    assert named(found, "40.77.167.9", GOOGLE) == "bingbot"
    assert (
        named(found, "66.249.64.99", GOOGLE)
        == named(found, "", GOOGLE)
        == named(found, "nonsense", GOOGLE)
        == ""
    )


def test_nobody_is_a_crawler_by_what_he_says() -> None:
    assert {
        named(Crawlers(), address, GOOGLE) for address in ("8.8.4.4", "66.249.64.1", "127.0.0.1", "")
    } == {""}


@pytest.mark.parametrize(
    ("address", "headers", "name"),
    [
        ("8.8.4.4", GOOGLE, "googlebot"),
        ("::ffff:8.8.4.4", GOOGLE, "googlebot"),
        ("2001:4860::1", GOOGLE, "googlebot"),
        ("1.0.0.1", YANDEX, "yandexbot"),
        ("8.8.4.4", YANDEX, ""),
        ("8.8.8.8", GOOGLE, ""),
        ("9.9.9.9", GOOGLE, ""),
        ("9.9.9.10", GOOGLE, ""),
    ],
)
def test_the_dns_verifies_only_names_that_lead_back(address: str, headers: dict[str, str], name: str) -> None:
    assert named(by_dns(Zone(RECORDS)), address, headers) == name


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "fe80::1", ""])
def test_the_dns_is_not_asked_about_private_addresses(address: str) -> None:
    zone = Zone(RECORDS)

    assert named(by_dns(zone), address, GOOGLE) == ""
    assert zone.asked == []


def test_the_dns_is_asked_about_those_only_who_say_that_they_are_crawlers() -> None:
    zone = Zone(RECORDS)

    assert named(by_dns(zone), "8.8.4.4", {"user-agent": "Firefox"}) == named(by_dns(zone), "8.8.4.4") == ""
    assert zone.asked == []


def test_what_the_dns_said_is_remembered_for_a_while() -> None:
    zone, clock = Zone(RECORDS), Clock()
    found = by_dns(zone, clock)

    for _ in range(5):
        assert named(found, "8.8.4.4", GOOGLE) == "googlebot"
        assert named(found, "8.8.8.8", GOOGLE) == ""
    asked = len(zone.asked)
    clock.now += REMEMBERED_SECONDS + 1
    zone.records = {}

    assert asked == 4
    assert named(found, "8.8.4.4", GOOGLE) == ""


def test_where_the_dns_does_not_answer_nobody_is_verified_and_it_is_asked_again_soon() -> None:
    zone, clock = Zone(RECORDS, fails=True), Clock()
    found = by_dns(zone, clock)

    assert [named(found, "8.8.4.4", GOOGLE) for _ in range(3)] == [""] * 3
    assert len(zone.asked) == 1
    zone.fails = False
    clock.now += FAILED_SECONDS + 1
    assert named(found, "8.8.4.4", GOOGLE) == "googlebot"


def test_who_makes_the_dns_fail_for_himself_does_not_for_others() -> None:
    zone = Zone(RECORDS, fails=True)
    found = by_dns(zone)
    for number in range(50):
        named(found, f"8.8.5.{number}", GOOGLE)

    zone.fails = False

    assert named(found, "8.8.4.4", GOOGLE) == "googlebot"


def test_all_who_come_at_once_are_asked_about_once() -> None:
    zone = Zone(RECORDS)
    found = by_dns(zone)

    async def at_once() -> list[str]:
        return await asyncio.gather(
            *(found.crawler(visit(address="8.8.4.4", headers=GOOGLE)) for _ in range(20))
        )

    assert anyio.run(at_once) == ["googlebot"] * 20
    assert len(zone.asked) == 2


def test_only_so_many_questions_are_open_at_once() -> None:
    asked = 0

    async def slow(name: str, kind: str = "A") -> list[str]:
        nonlocal asked
        asked += 1
        await anyio.sleep_forever()
        raise AssertionError

    async def flood() -> str:
        found = by_dns(slow)
        async with anyio.create_task_group() as group:
            for number in range(MAX_ASKING):
                group.start_soon(found.crawler, visit(address=f"8.8.{number}.8", headers=GOOGLE))
            await anyio.wait_all_tasks_blocked()
            late = await found.crawler(visit(address="8.9.9.9", headers=GOOGLE))
            group.cancel_scope.cancel()
        return late

    assert anyio.run(flood) == ""
    assert asked == MAX_ASKING


def test_of_many_names_of_an_address_a_few_are_looked_at() -> None:
    names = [f"crawl-{number}.googlebot.com." for number in range(1_000)]
    zone = Zone({("4.4.8.8.in-addr.arpa", "PTR"): names})

    assert named(by_dns(zone), "8.8.4.4", GOOGLE) == ""
    assert len(zone.asked) < 10


def test_no_address_is_kept_in_clear() -> None:
    found = by_dns(Zone(RECORDS))
    named(found, "8.8.4.4", GOOGLE)

    assert bytes([8, 8, 4, 4]) not in b"".join(found._asked._known)


@pytest.fixture
def name_server() -> Iterator[int]:
    """A name server on a loopback port with the records above; it is silent about 9.9.9.10."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while (received := server.recvfrom(4_096))[0] != STOP:
            data, client = received
            query = dns.message.from_wire(data)
            question = query.question[0]
            name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
            if name.startswith("10.9.9.9."):
                continue
            reply = dns.message.make_response(query)
            records = RECORDS.get((name.rstrip("."), kind), [])
            if records:
                reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *records))
            else:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            server.sendto(reply.to_wire(), client)

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1]
    server.sendto(STOP, server.getsockname())
    thread.join()
    server.close()


@pytest.mark.parametrize(
    ("address", "headers", "name"),
    [
        ("8.8.4.4", GOOGLE, "googlebot"),
        ("2001:4860::1", GOOGLE, "googlebot"),
        ("1.0.0.1", YANDEX, "yandexbot"),
        ("8.8.8.8", GOOGLE, ""),
        ("9.9.9.9", GOOGLE, ""),
        ("9.9.9.10", GOOGLE, ""),
        ("9.9.9.11", GOOGLE, ""),
    ],
)
def test_a_real_name_server_is_asked(
    name_server: int, address: str, headers: dict[str, str], name: str
) -> None:
    assert named(by_dns(resolver("it", ("127.0.0.1",), name_server)), address, headers) == name


def test_the_file_is_read_strictly(tmp_path: Path) -> None:
    listed = tmp_path / "crawlers.txt"
    with pytest.raises(Misconfigured, match="rules refresh"):
        crawlers.load(listed)
    for text in ("googlebot", "googlebot 1.2.3.4 5.6.7.8", "googlebot example.org"):
        listed.write_text(f"# ok\n{text}\n")
        with pytest.raises(Misconfigured, match="line 2: write `NAME NETWORK`"):
            crawlers.load(listed)
    listed.write_text("")
    assert crawlers.load(listed).names == Listed().names


def test_every_crawler_that_comes_along_can_be_verified_somehow_and_sets_name_no_other() -> None:
    table = crawlers.table()

    assert all(crawler.list.startswith("https://") or crawler.hosts for crawler in table.values())
    assert all(bool(crawler.hosts) == bool(crawler.user_agent) for crawler in table.values())
    named_by_sets = {
        name for tables in rules.sets().values() for entry in tables for name in entry.get("crawler", ())
    }
    assert named_by_sets == set(table)


def test_who_can_be_verified_here_follows_from_the_settings(tmp_path: Path) -> None:
    listed = tmp_path / "crawlers.txt"
    listed.write_text("googlebot 66.249.64.0/27\npartner 192.0.2.0/24\n")

    assert crawlers.verifiable(Settings()) == frozenset()
    assert crawlers.verifiable(Settings(crawlers=listed)) == {"googlebot", "partner"}
    assert {"googlebot", "yandexbot"} < crawlers.verifiable(Settings(crawler_dns=True))
    assert "gptbot" not in crawlers.verifiable(Settings(crawler_dns=True))


def test_what_is_made_from_settings_verifies(tmp_path: Path) -> None:
    from captcha_stateless.settings.reload import Reloaded

    listed = tmp_path / "crawlers.txt"
    listed.write_text("googlebot 66.249.64.0/27\n")
    settings = Settings(crawlers=listed, crawler_dns=True)

    found = crawlers.create(settings, b"key", Reloaded(listed, crawlers.load), Clock())

    assert named(found, "66.249.64.1") == "googlebot"
    assert named(crawlers.create(Settings(), b"key", None, Clock()), "66.249.64.1", GOOGLE) == ""
