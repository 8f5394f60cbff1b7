"""The client: what a back end asks, over one call or without any."""

import secrets
import time
from collections.abc import Callable, Collection
from typing import Any, Self

import httpx

from captcha_stateless.client.connections import Pools, afetched, fetched
from captcha_stateless.client.jwks import JWKS, Keys
from captcha_stateless.client.verdict import EXPIRED, INVALID, UNREACHABLE, Verdict, answered, readable, told
from captcha_stateless.errors import BadToken, Misconfigured
from captcha_stateless.wall.asked import asked

TIMEOUT_SECONDS = 5.0
RETRIES = 2
_KEY_BYTES = 16

#: The dialect that tells what every pass is worth.
SITEVERIFY = "/siteverify"


class Client:
    """Asks one captcha_stateless server about the passes of one site; share one among all requests and threads."""

    def __init__(
        self,
        url: str,
        *,
        secret: str = "",
        site_key: str = "",
        issuer: str = "captcha-stateless",
        timeout_seconds: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
        fail_open: bool = False,
        clock: Callable[[], float] = time.time,
        **httpx_options: Any,
    ) -> None:
        """Take the server's address; nothing is sent before the first question.

        Args:
            url: where the server is, e.g. ``https://captcha.example``.
            secret: the site's secret, for :meth:`verify`.
            site_key: the site's key, for :meth:`verify_offline`.
            issuer: what the server names as ``iss`` in its passes.
            timeout_seconds: how long each call may take.
            retries: how many more times a call is made, the same each time, where the server is out of reach.
            fail_open: let visitors through while the server is out of reach.
            clock: tells the time in Unix seconds.
            httpx_options: further options of httpx's clients, e.g. ``verify`` or ``transport``.
        """
        self._secret, self._site_key, self._issuer = secret, site_key, issuer
        self._retries, self._fail_open, self._clock = retries, fail_open, clock
        self._options: dict[str, Any] = {"base_url": url, "timeout": timeout_seconds, **httpx_options}
        self._keys = Keys(issuer)
        self._sync: httpx.Client | None = None
        self._async = Pools(self._options)

    def verify(
        self,
        token: str | bytes | None,
        *,
        idempotency_key: str | None = None,
        action: str | None = None,
        hostname: str | None = None,
    ) -> Verdict:
        """Have the server use up a pass; of all questions about one pass, one is answered with yes.

        Args:
            token: what the visitor's browser sent; nothing at all is a no.
            idempotency_key: the caller's own text, for one that may itself ask again: the same key gets the same answer, so
                never take one that the visitor can choose. Without it the call has a random one.
            action: what the pass must have been earned for.
            hostname: where it must have been earned.

        Raises:
            Misconfigured: when the client was made without a secret.
        """
        if isinstance(text := readable(token), Verdict):
            return text
        question = self._question(text, idempotency_key)
        for _ in range(1 + self._retries):
            verdict = answered(fetched(self._http(), "POST", SITEVERIFY, json=question))
            if verdict is not None:
                return verdict.expecting(action, hostname)
        return self._unreachable()

    async def averify(
        self,
        token: str | bytes | None,
        *,
        idempotency_key: str | None = None,
        action: str | None = None,
        hostname: str | None = None,
    ) -> Verdict:
        """Do what :meth:`verify` does, without blocking the event loop."""
        if isinstance(text := readable(token), Verdict):
            return text
        question = self._question(text, idempotency_key)
        for _ in range(1 + self._retries):
            verdict = answered(await afetched(await self._async.client(), "POST", SITEVERIFY, json=question))
            if verdict is not None:
                return verdict.expecting(action, hostname)
        return self._unreachable()

    def verify_offline(
        self,
        token: str | bytes | None,
        *,
        action: str | None = None,
        hostname: str | None = None,
        kinds: Collection[str] | None = None,
    ) -> Verdict:
        """Verify signature, issuer, site and deadline of a pass with the cached public keys. This is not single-use.

        Args:
            token: what the visitor's browser sent; nothing at all is a no.
            action: what the pass must have been earned for.
            hostname: where it must have been earned.
            kinds: the kinds of challenge that count. Name the site's own where its file restricts them: the server knows
                them, a key does not.

        Raises:
            Misconfigured: when the client was made without a site key.
        """
        if isinstance(text := readable(token), Verdict):
            return text
        if self._keys.is_due(self._clock(), text):
            self._keys.take(fetched(self._http(), "GET", JWKS), self._clock())
        return self._judged(text).expecting(action, hostname, kinds)

    async def averify_offline(
        self,
        token: str | bytes | None,
        *,
        action: str | None = None,
        hostname: str | None = None,
        kinds: Collection[str] | None = None,
    ) -> Verdict:
        """Do what :meth:`verify_offline` does, without blocking the event loop."""
        if isinstance(text := readable(token), Verdict):
            return text
        if self._keys.is_due(self._clock(), text):
            self._keys.take(await afetched(await self._async.client(), "GET", JWKS), self._clock())
        return self._judged(text).expecting(action, hostname, kinds)

    def close(self) -> None:
        """Close the connections of the blocking calls."""
        if self._sync is not None:
            self._sync.close()

    async def aclose(self) -> None:
        """Close the connections of both sorts of calls; those of other event loops are closed with their loops."""
        self.close()
        await self._async.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _question(self, token: str, idempotency_key: str | None) -> dict[str, str]:
        if not self._secret:
            raise Misconfigured("give the client the site's secret")
        key = idempotency_key or secrets.token_urlsafe(_KEY_BYTES)
        return {"secret": self._secret, "response": token, "idempotency_key": key}

    def _judged(self, token: str) -> Verdict:
        if not self._site_key:
            raise Misconfigured("give the client the site's key")
        if self._keys.verifier is None:
            return self._unreachable()
        try:
            shown = self._keys.verifier.verify(token)
        except BadToken:
            return Verdict(False, (INVALID,))
        # A rule of the wall may ask less than the site does: siteverify refuses such passes, too.
        if shown.site != self._site_key or asked(shown.action).policy:
            return Verdict(False, (INVALID,))
        return told(shown) if self._clock() < shown.exp else Verdict(False, (EXPIRED,))

    def _unreachable(self) -> Verdict:
        return Verdict(self._fail_open, (UNREACHABLE,))

    def _http(self) -> httpx.Client:
        if self._sync is None:
            self._sync = httpx.Client(**self._options)
        return self._sync
