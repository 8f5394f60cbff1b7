"""Devices that prove by a private token (RFC 9577) that somebody's issuer vouches for them: asked, and recognised.

Rule 1: what is asked follows from the site, the network that asks and the minute, under a key that all replicas share: any of
them knows it again, and nothing is kept.

Rule 2: a challenge names a host that is the site's own, or this server's, whatever a request says. Else whoever runs another
site could have its visitors' devices make tokens for ours.

Rule 3: a recognised token is not spent yet: whoever lets it count has its nonce spent first, once on all replicas.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from captcha_stateless.devices.issuers import Issuer
from captcha_stateless.errors import BadToken, WrongHost
from captcha_stateless.model import Claims
from captcha_stateless.settings import Settings
from captcha_stateless.settings.reload import Reloaded
from captcha_stateless.sites import Site
from captcha_stateless.sites.terms import DEVICE
from captcha_stateless.tokens import privatetokens
from captcha_stateless.tokens.digests import keyed_hash

#: What is asked is the same for so many seconds. Short, for a filter that has just begun refuses what was asked in a window
#: that was open already: it cannot know whether that was spent.
WINDOW_SECONDS = 5
#: A challenge is good for the window in which it is asked, and for those that follow: a device needs a second or two.
WINDOWS = 36


class Devices:
    """Asks devices for tokens, and recognises what they bring; it keeps nothing."""

    def __init__(
        self,
        issuers: Callable[[], Sequence[Issuer]] = tuple,
        key: bytes = b"",
        *,
        host: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the issuers as a call, for they may change; ``host`` is this server's own name, where it has one."""
        self._issuers, self._key, self._host, self._clock = issuers, key, host, clock

    def ask(self, site: Site, who: bytes, host: str) -> str:
        """Word what a device is asked for, for ``WWW-Authenticate``; empty: nothing.

        Args:
            site: the site, where devices count.
            who: the keyed hash of the network that asks.
            host: under which host name the request came; where that is not the site's, this server's own is named.
        """
        host = self._named(site, host)
        if not host:
            return ""
        now = self._clock()
        begins = next(_windows(now))
        offered = [(issuer, issuer.offered(now)) for issuer in self._issuers()]
        return ", ".join(
            privatetokens.offer(self._asked(issuer, site, who, host, begins), key)
            for issuer, key in offered
            if key
        )

    def recognise(self, authorization: str, site: Site, who: bytes, host: str) -> Claims:
        """Read the token in an ``Authorization`` header that answers what was asked; nothing is spent.

        Raises:
            BadToken: when it is none, answers nothing that was asked here of this network lately, or no issuer signed it.
        """
        token, host = privatetokens.read(authorization), self._named(site, host)
        now = self._clock()
        for begins in _windows(now):
            for issuer in self._issuers():
                if privatetokens.answers(token, self._asked(issuer, site, who, host, begins)):
                    issuer.key(token.key_id, now).verify(token)
                    return self._claims(token.nonce, begins, site, who)
        raise BadToken("made for nothing that was asked here lately")

    def _claims(self, nonce: bytes, begins: int, site: Site, who: bytes) -> Claims:
        jti = keyed_hash(self._key, b"nonce", nonce)
        exp = begins + WINDOWS * WINDOW_SECONDS
        return Claims(DEVICE, DEVICE, jti, iat=begins, exp=exp, until=exp, site=site.key, who=who)

    def _asked(self, issuer: Issuer, site: Site, who: bytes, host: str, begins: int) -> bytes:
        halves = (b"context", b"context, second half")
        parts = (site.key.encode(), who, begins.to_bytes(8, "big"))
        context = b"".join(keyed_hash(self._key, half, *parts) for half in halves)
        return privatetokens.challenge(issuer.name, context, host)

    def _named(self, site: Site, host: str) -> str:
        """Tell which host a challenge names; empty: neither the site nor this server has one."""
        if site.hosts:
            try:
                site.require_host(host)
                return host
            except WrongHost:
                pass
        return self._host


def _windows(now: float) -> Iterator[int]:
    """Tell when the windows began whose challenges are good now, the newest first."""
    newest = int(now) // WINDOW_SECONDS
    yield from (WINDOW_SECONDS * number for number in range(newest, newest - WINDOWS, -1))


def create(
    settings: Settings, key: bytes, issuers: Reloaded[tuple[Issuer, ...]] | None, clock: Callable[[], float]
) -> Devices:
    """Make what asks devices, as the settings say: without pinned issuers nothing is asked."""
    host = urlsplit(settings.public_url).hostname or ""
    return Devices(lambda: issuers.value if issuers else (), key, host=host, clock=clock)
