"""DNS blocklists (RFC 5782): asked with a short patience, remembered for a while, and no answer is a good one."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_network

from captcha_stateless.errors import Misconfigured
from captcha_stateless.risk.networks import Address, prefix
from captcha_stateless.tokens.digests import keyed_hash

try:
    from dns.asyncresolver import Resolver
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN, NoAnswer
except ImportError:  # pragma: no cover - the extra is installed where the tests run
    Resolver = None  # type: ignore[assignment,misc]

Lookup = Callable[[str], Awaitable[list[str]]]

TIMEOUT_SECONDS = 0.3
REMEMBERED_SECONDS = 600.0
#: A list that does not answer is asked again sooner.
FAILED_SECONDS = 30.0
MAX_REMEMBERED = 16_384
MAX_ASKING = 64
#: After so many failures in a row nobody is asked about for a while.
MOST_FAILURES = 5

#: RFC 5782, section 2.1: listed addresses resolve into this network.
_LISTED = ip_network("127.0.0.0/8")
#: Spamhaus' words for "you may not ask me": taken for a listing, they would condemn everybody.
_REFUSED = ip_network("127.255.255.0/24")


class Dnsbl:
    """Asks one list about networks, and remembers what it said under a keyed hash.

    One address of a /24 or /64 speaks for all of it, and is asked about once for all who come at the same moment. A list that
    failed several times in a row is left in peace for a while.
    """

    def __init__(self, zone: str, lookup: Lookup, key: bytes) -> None:
        self._zone, self._lookup, self._key = zone.strip("."), lookup, key
        self._known: OrderedDict[bytes, tuple[float, bool]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Future[bool]] = {}
        self._failed, self._silent_until = 0, 0.0

    async def listed(self, address: Address, now: float) -> bool:
        """Tell whether the address' network is listed; False where that cannot be told in time."""
        if not address.is_global:
            return False
        name = keyed_hash(self._key, prefix(address))
        until, listed = self._known.get(name, (0.0, False))
        if now < until:
            return listed
        if name not in self._asking:
            if now < self._silent_until or len(self._asking) >= MAX_ASKING:
                return False
            self._asking[name] = asyncio.ensure_future(self._ask(name, address, now))
        # Who goes away takes nobody's answer along.
        return await asyncio.shield(self._asking[name])

    async def _ask(self, name: bytes, address: Address, now: float) -> bool:
        try:
            answers = await self._lookup(f"{_reversed(address)}.{self._zone}")
            listed, seconds = any(_condemns(answer) for answer in answers), REMEMBERED_SECONDS
            self._failed = 0
        except (OSError, TimeoutError, ValueError):
            listed, seconds = False, FAILED_SECONDS
            self._failed += 1
            if self._failed >= MOST_FAILURES:
                self._silent_until = now + FAILED_SECONDS
        finally:
            del self._asking[name]
        self._known[name] = (now + seconds, listed)
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return listed


def resolver(servers: tuple[str, ...] = (), port: int = 53) -> Lookup:
    """Look names up through the system's name servers, or those given.

    Raises:
        Misconfigured: when dnspython is not installed.
    """
    if Resolver is None:  # pragma: no cover - as above
        raise Misconfigured("CAPTCHA_DNSBL_ZONE needs dnspython: pip install 'captcha-stateless[dnsbl]'")
    asked = Resolver(configure=not servers)
    if servers:
        asked.nameservers, asked.port = list(servers), port

    async def lookup(name: str) -> list[str]:
        try:
            answer = await asked.resolve(name, "A", lifetime=TIMEOUT_SECONDS)
        except (NXDOMAIN, NoAnswer):
            return []
        except DNSException as error:
            raise TimeoutError(str(type(error))) from None
        return [str(record) for record in answer]

    return lookup


def _reversed(address: Address) -> str:
    return address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def _condemns(answer: str) -> bool:
    address = ip_address(answer)
    return address in _LISTED and address not in _REFUSED
