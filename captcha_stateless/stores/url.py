"""The URL of a Redis: of one server, of the Sentinels that know it, or of a cluster; its mistakes are told.

::

    redis://user:password@host:6379/0
    unix:///run/redis.sock?db=0
    redis+sentinel://user:password@one:26379,two:26379/name-of-the-master/0
    redis+cluster://user:password@one:6379,two:6379

``rediss`` in the place of ``redis`` is TLS. What follows a ``?`` are redis-py's own options, such as ``ssl_ca_certs``.
"""

import re
from dataclasses import dataclass, field
from typing import Literal, Self

from captcha_stateless.errors import Misconfigured

SCHEMES = (
    "redis",
    "rediss",
    "unix",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)
PREFIXES = tuple(f"{scheme}://" for scheme in SCHEMES)

_PORTS = {"server": 6379, "sentinel": 26379, "cluster": 6379}
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(:(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """One URL, taken apart: ``plain`` is what redis-py reads, with the first of the hosts."""

    topology: Literal["server", "sentinel", "cluster"]
    plain: str = field(repr=False)
    hosts: tuple[tuple[str, int], ...]
    service: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a URL apart.

        Raises:
            Misconfigured: it is none, or its password must be written otherwise; the message does not show it.
        """
        scheme, found, rest = text.partition("://")
        if not found or scheme not in SCHEMES:
            raise Misconfigured(f"a Redis URL must begin with {', '.join(PREFIXES[:-1])} or {PREFIXES[-1]}")
        basic, _, topology = scheme.partition("+")
        authority, path, options = _split(rest)
        user, at, places = authority.rpartition("@")
        _require_encoded(user)
        if topology == "":
            return cls("server", text, _hosts(places, "server"), "")
        if topology == "cluster":
            hosts = _hosts(places, "cluster")
            return cls("cluster", f"{basic}://{user}{at}{_first(hosts)}{path}{options}", hosts, "")
        service, _, database = path.strip("/").partition("/")
        if not service:
            raise Misconfigured(
                "a Sentinel URL names the master after its hosts: redis+sentinel://host:26379/mymaster"
            )
        hosts = _hosts(places, "sentinel")
        return cls(
            "sentinel", f"{basic}://{user}{at}{_first(hosts)}/{database or 0}{options}", hosts, service
        )


def _split(rest: str) -> tuple[str, str, str]:
    """Return authority, path and options."""
    before, mark, options = rest.partition("?")
    authority, slash, path = before.partition("/")
    # Whatever of / ? # stands in a password ends it here, and what follows holds the @ that should.
    if "#" in rest or "@" in path or "@" in options:
        raise _unencoded()
    return authority, slash + path, mark + options


def _require_encoded(user: str) -> None:
    """Refuse a user and password that would be read otherwise than they were meant."""
    if "@" in user or "%" in re.sub(r"%[0-9A-Fa-f]{2}", "", user):
        raise _unencoded()


def _unencoded() -> Misconfigured:
    return Misconfigured(
        "user and password in a Redis URL must be percent-encoded: write %40 for @, %23 for #, %2F for /, %3F for ? "
        "and %25 for %"
    )


def _hosts(places: str, topology: str) -> tuple[tuple[str, int], ...]:
    return tuple(_host(place, _PORTS[topology]) for place in places.split(","))


def _host(place: str, port: int) -> tuple[str, int]:
    found = _HOST.fullmatch(place)
    if not found or int(found["port"] or port) > 65_535:
        raise Misconfigured("a Redis URL names hosts as host:6379; an IPv6 address stands in [ ]")
    return found["name"].strip("[]") or "localhost", int(found["port"] or port)


def _first(hosts: tuple[tuple[str, int], ...]) -> str:
    name, port = hosts[0]
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
