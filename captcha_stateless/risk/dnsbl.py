"""DNS blocklists (RFC 5782): asked with a short patience, remembered for a while, and no answer is a good one."""

from functools import partial
from ipaddress import ip_address, ip_network

from captcha_stateless.risk.asking import Asked, Lookup
from captcha_stateless.risk.networks import Address, prefix

#: After so many failures in a row nobody is asked about for a while.
MOST_FAILURES = 5

#: RFC 5782, section 2.1: listed addresses resolve into this network.
_LISTED = ip_network("127.0.0.0/8")
#: Spamhaus' words for "you may not ask me": taken for a listing, they would condemn everybody.
_REFUSED = ip_network("127.255.255.0/24")


class Dnsbl:
    """Asks one list about networks: one address of a /24 or /64 speaks for all of it.

    A list that failed several times in a row is left in peace for a while.
    """

    def __init__(self, zone: str, lookup: Lookup, key: bytes) -> None:
        self._zone, self._lookup = zone.strip("."), lookup
        self._asked = Asked(unknown=False, key=key, most_failures=MOST_FAILURES)

    async def listed(self, address: Address, now: float) -> bool:
        """Tell whether the address' network is listed; False where that cannot be told in time."""
        if not address.is_global:
            return False
        return await self._asked.answer(prefix(address), partial(self._ask, address), now)

    async def _ask(self, address: Address) -> bool:
        return any(_condemns(answer) for answer in await self._lookup(f"{_reversed(address)}.{self._zone}"))


def _reversed(address: Address) -> str:
    return address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def _condemns(answer: str) -> bool:
    address = ip_address(answer)
    return address in _LISTED and address not in _REFUSED
