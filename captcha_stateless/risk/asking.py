"""What others are asked about visitors: once at a time, with a short patience, and remembered for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from captcha_stateless.settings.extras import needed
from captcha_stateless.tokens.digests import keyed_hash

T = TypeVar("T")

TIMEOUT_SECONDS = 0.3
REMEMBERED_SECONDS = 600.0
#: Who does not answer is asked again sooner.
FAILED_SECONDS = 30.0
MAX_REMEMBERED = 16_384
MAX_ASKING = 64


class Asked(Generic[T]):
    """Answers about visitors, kept under a keyed hash; whoever comes while one is on its way waits for it, too.

    Where nobody answers in time, or too much is being asked, the answer is ``unknown``. After ``most_failures`` in a row, 0:
    however many, nobody is asked for a while.
    """

    def __init__(self, unknown: T, key: bytes, *, most_failures: int = 0) -> None:
        self._unknown, self._key, self._most_failures = unknown, key, most_failures
        self._known: OrderedDict[bytes, tuple[float, T]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Future[T]] = {}
        self._failed, self._silent_until = 0, 0.0

    async def answer(self, about: bytes, ask: Callable[[], Awaitable[T]], now: float) -> T:
        """Tell what is known, or ask; ``ask`` raises OSError, TimeoutError or ValueError where there is no answer."""
        name = keyed_hash(self._key, about)
        until, answer = self._known.get(name, (0.0, self._unknown))
        if now < until:
            return answer
        if name not in self._asking:
            if now < self._silent_until or len(self._asking) >= MAX_ASKING:
                return self._unknown
            self._asking[name] = asyncio.ensure_future(self._ask(name, ask, now))
        # Who goes away takes nobody's answer along.
        return await asyncio.shield(self._asking[name])

    async def _ask(self, name: bytes, ask: Callable[[], Awaitable[T]], now: float) -> T:
        try:
            answer, seconds = await ask(), REMEMBERED_SECONDS
            self._failed = 0
        except (OSError, TimeoutError, ValueError):
            answer, seconds = self._unknown, FAILED_SECONDS
            self._failed += 1
            if self._failed == self._most_failures:
                self._silent_until, self._failed = now + FAILED_SECONDS, self._most_failures - 1
        finally:
            del self._asking[name]
        self._known[name] = (now + seconds, answer)
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return answer


class Lookup(Protocol):
    """Looks a name up in the DNS."""

    async def __call__(self, name: str, kind: str = "A") -> list[str]:
        """Tell the records of a kind, none where there are none; raises TimeoutError where nobody answers."""


def resolver(by: str, servers: tuple[str, ...] = (), port: int = 53) -> Lookup:
    """Look names up through the system's name servers, or those given; ``by`` is what asks for it.

    Raises:
        Misconfigured: when dnspython is not installed.
    """
    with needed(by, "dnsbl"):
        from dns.asyncresolver import Resolver
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN, NoAnswer
    asked = Resolver(configure=not servers)
    if servers:
        asked.nameservers, asked.port = list(servers), port

    async def lookup(name: str, kind: str = "A") -> list[str]:
        try:
            answer = await asked.resolve(name, kind, lifetime=TIMEOUT_SECONDS)
        except (NXDOMAIN, NoAnswer):
            return []
        except DNSException as error:
            raise TimeoutError(str(type(error))) from None
        return [str(record) for record in answer]

    return lookup
