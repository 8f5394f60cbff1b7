"""Crawlers that are who they say: by the address lists that their operators publish, or by the DNS."""

import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from captcha_stateless.errors import Misconfigured
from captcha_stateless.risk.asking import Asked, Lookup, resolver
from captcha_stateless.risk.networks import Address, Networks, parse
from captcha_stateless.settings import Settings, spelling
from captcha_stateless.settings.reload import Reloaded
from captcha_stateless.wall.visit import Visit

_MOST_BYTES = 16_777_216
#: Of the names of an address so many are looked at.
_MOST_NAMES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawler:
    """How a crawler is verified.

    ``list`` is where its networks are published; ``hosts`` are the domains of its hosts, by which the DNS verifies whoever
    says ``user_agent``.
    """

    list: str = ""
    hosts: Sequence[str] = ()
    user_agent: str = ""


class Listed(NamedTuple):
    """The networks of crawlers: each network's verdict is the place of its crawler among the names."""

    names: tuple[str, ...] = ()
    networks: Networks = Networks()


@cache
def table() -> Mapping[str, Crawler]:
    """The crawlers that are known, by name."""
    text = files("captcha_stateless.wall").joinpath("crawlers.toml").read_text(encoding="utf-8")
    return {name: Crawler(**entry) for name, entry in tomllib.loads(text).items()}


def read(path: Path) -> list[tuple[str, spelling.Network]]:
    """Read the file of crawlers' networks: a name and a network a line; ``#`` begins a comment.

    Raises:
        Misconfigured: when it cannot be read, or a line is not of that form.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = file.read(_MOST_BYTES).splitlines()
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(
            f"cannot read the crawlers' networks in {path}: `captcha-stateless rules refresh` writes them"
        ) from None
    found = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        try:
            if words:
                name, network = words
                found.append((name, spelling.network(network, strict=False)))
        except ValueError:
            raise Misconfigured(f"{path}, line {number}: write `NAME NETWORK`") from None
    return found


def load(path: Path) -> Listed:
    """Read the file of crawlers' networks for looking addresses up; raises as :func:`read` does."""
    entries = read(path)
    names = tuple(dict.fromkeys(name for name, _ in entries))
    return Listed(names, Networks((network, names.index(name)) for name, network in entries))


class Crawlers:
    """Tells which crawler a visitor verifiably is; made once."""

    def __init__(
        self,
        listed: Callable[[], Listed] = Listed,
        *,
        lookup: Lookup | None = None,
        key: bytes = b"",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the lists as a call, for they may change; without ``lookup`` the DNS is not asked."""
        self._listed, self._lookup, self._clock = listed, lookup, clock
        self._asked = Asked(unknown="", key=key)
        self._hosts = [
            (crawler.user_agent.lower(), name) for name, crawler in table().items() if crawler.hosts
        ]

    async def crawler(self, visit: Visit) -> str:
        """Name the crawler that the visitor verifiably is; empty: none, or it cannot be told in time."""
        address = parse(visit.address)
        if address is None:
            return ""
        listed = self._listed()
        number = listed.networks.find(address)
        if number is not None:
            return listed.names[number]
        if self._lookup is None:
            return ""
        said = visit.headers.get("user-agent", "").lower()
        name = next((name for user_agent, name in self._hosts if user_agent in said), "")
        if not name or not address.is_global:
            return ""
        about = b"\0".join((address.packed, name.encode()))
        return await self._asked.answer(about, partial(self._ask, self._lookup, address, name), self._clock())

    async def _ask(self, lookup: Lookup, address: Address, name: str) -> str:
        """Name the crawler where a name of the address is in one of its domains, and has that address in turn."""
        kind = "A" if address.version == 4 else "AAAA"
        names = await lookup(address.reverse_pointer, "PTR")
        for host in (each.lower().rstrip(".") for each in names[:_MOST_NAMES]):
            if host.endswith(tuple(f".{domain}" for domain in table()[name].hosts)):
                found = await lookup(host, kind)
                if address in map(ip_address, found):
                    return name
        return ""


def verifiable(settings: Settings) -> frozenset[str]:
    """Name the crawlers that can be verified here.

    Raises:
        Misconfigured: when the file of their networks cannot be read.
    """
    by_name = (name for name, crawler in table().items() if crawler.hosts) if settings.crawler_dns else ()
    return frozenset(load(settings.crawlers).names if settings.crawlers else ()).union(by_name)


def create(
    settings: Settings, key: bytes, listed: Reloaded[Listed] | None, clock: Callable[[], float]
) -> Crawlers:
    """Make what the settings ask for; ``key`` is what visitors' addresses are remembered under.

    Raises:
        Misconfigured: when the DNS shall be asked, and what it needs is not installed.
    """
    none = Listed()
    return Crawlers(
        lambda: listed.value if listed else none,
        lookup=resolver("CAPTCHA_CRAWLER_DNS") if settings.crawler_dns else None,
        key=key,
        clock=clock,
    )
