"""What a Python back end asks about a pass: over one call (single use), or without any (signature and deadline only).

Install it with ``pip install captcha-stateless[client]``.

Rule 1: closed unless told otherwise. No pass, no answer, a strange answer: the verdict is no, unless ``fail_open`` says that
a server out of reach must not keep visitors out.

Rule 2: a call is made again only under an idempotency key; without one, a call whose answer was lost has used up the pass.

Rule 3: offline verification is not single-use: the same pass verifies until it expires. What must happen once asks the
server.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

import httpx

from captcha_stateless.errors import BadToken, Misconfigured
from captcha_stateless.model import Pass
from captcha_stateless.tokens.passes import UnknownKey, Verifier

TIMEOUT_SECONDS = 5.0
RETRIES = 2

SITEVERIFY = "/turnstile/v0/siteverify"
JWKS = "/.well-known/jwks.json"

#: Where a pass comes in: a header for scripts, else the first of the form fields that is there.
HEADER = "X-Captcha-Pass"
FIELDS = (
    "captcha-response",
    "captcha-pass",
    "g-recaptcha-response",
    "h-captcha-response",
    "cf-turnstile-response",
)
#: The clearance cookie of ``/auth``.
COOKIE = "__Host-captcha-pass"

#: Codes of our own, beside those of siteverify.
UNREACHABLE = "unreachable"
ACTION_MISMATCH = "action-mismatch"
HOSTNAME_MISMATCH = "hostname-mismatch"
MISSING = "missing-input-response"
INVALID = "invalid-input-response"
EXPIRED = "timeout-or-duplicate"

# A set of keys is fetched again for a pass under an unknown key, but no more often than this: forged passes name any key.
_FETCH_AGAIN_SECONDS = 10.0
_DEFAULT_MAX_AGE_SECONDS = 300
_MAX_AGE = re.compile(r"max-age=(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a pass is right, and what it says; true or false as a whole.

    ``codes`` say why not: those of siteverify, or one of this module's. ``solved_at`` is when the challenge was solved,
    ``score`` what the pass is worth, from 0 (a bot's, surely) to 1: a back end may ask more of a weak one.
    """

    success: bool
    codes: tuple[str, ...] = ()
    hostname: str = ""
    action: str = ""
    cdata: str = ""
    solved_at: datetime | None = None
    score: float = 0.0

    def __bool__(self) -> bool:
        return self.success

    def expecting(self, action: str | None, hostname: str | None) -> "Verdict":
        """Refuse a pass that was earned for another action, or on another host, than is expected."""
        if self.success and action is not None and action != self.action:
            return replace(self, success=False, codes=(ACTION_MISMATCH,))
        if self.success and hostname is not None and hostname != self.hostname:
            return replace(self, success=False, codes=(HOSTNAME_MISMATCH,))
        return self


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
            retries: how many more calls are made under one idempotency key where the server is out of reach.
            fail_open: let visitors through while the server is out of reach.
            clock: tells the time in Unix seconds.
            httpx_options: further options of httpx's clients, e.g. ``verify`` or ``transport``.
        """
        self._secret, self._site_key, self._issuer = secret, site_key, issuer
        self._retries, self._fail_open, self._clock = retries, fail_open, clock
        self._options: dict[str, Any] = {"base_url": url, "timeout": timeout_seconds, **httpx_options}
        self._keys = _Keys(issuer)
        self._sync: httpx.Client | None = None
        self._async: httpx.AsyncClient | None = None

    def verify(
        self,
        token: str | None,
        *,
        idempotency_key: str | None = None,
        action: str | None = None,
        hostname: str | None = None,
    ) -> Verdict:
        """Have the server use up a pass; of all questions about one pass, one is answered with yes.

        Args:
            token: what the visitor's browser sent; nothing at all is a no.
            idempotency_key: a new random text for each visitor's request. With it a lost call is made again, and asking again
                with the same key gets the same answer.
            action: what the pass must have been earned for.
            hostname: where it must have been earned.

        Raises:
            Misconfigured: when the client was made without a secret.
        """
        if not token:
            return Verdict(False, (MISSING,))
        for question in self._questions(token, idempotency_key):
            verdict = _verdict(_fetched(self._http(), "POST", SITEVERIFY, json=question))
            if verdict is not None:
                return verdict.expecting(action, hostname)
        return self._unreachable()

    async def averify(
        self,
        token: str | None,
        *,
        idempotency_key: str | None = None,
        action: str | None = None,
        hostname: str | None = None,
    ) -> Verdict:
        """Do what :meth:`verify` does, without blocking the event loop."""
        if not token:
            return Verdict(False, (MISSING,))
        for question in self._questions(token, idempotency_key):
            verdict = _verdict(await _afetched(self._ahttp(), "POST", SITEVERIFY, json=question))
            if verdict is not None:
                return verdict.expecting(action, hostname)
        return self._unreachable()

    def verify_offline(
        self, token: str | None, *, action: str | None = None, hostname: str | None = None
    ) -> Verdict:
        """Verify signature, issuer, site and deadline of a pass with the cached public keys. This is not single-use.

        Raises:
            Misconfigured: when the client was made without a site key.
        """
        if self._keys.is_due(self._clock(), token):
            self._keys.take(_fetched(self._http(), "GET", JWKS), self._clock())
        return self._judged(token).expecting(action, hostname)

    async def averify_offline(
        self, token: str | None, *, action: str | None = None, hostname: str | None = None
    ) -> Verdict:
        """Do what :meth:`verify_offline` does, without blocking the event loop."""
        if self._keys.is_due(self._clock(), token):
            self._keys.take(await _afetched(self._ahttp(), "GET", JWKS), self._clock())
        return self._judged(token).expecting(action, hostname)

    def close(self) -> None:
        """Close the connections of the blocking calls."""
        if self._sync is not None:
            self._sync.close()

    async def aclose(self) -> None:
        """Close the connections of both sorts of calls."""
        self.close()
        if self._async is not None:
            await self._async.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _questions(self, token: str, idempotency_key: str | None) -> list[dict[str, str]]:
        """Word the question as often as it may be asked."""
        if not self._secret:
            raise Misconfigured("give the client the site's secret")
        fields = {"secret": self._secret, "response": token}
        if idempotency_key:
            fields["idempotency_key"] = idempotency_key
        return [fields] * (1 + (self._retries if idempotency_key else 0))

    def _judged(self, token: str | None) -> Verdict:
        if not self._site_key:
            raise Misconfigured("give the client the site's key")
        if not token:
            return Verdict(False, (MISSING,))
        if self._keys.verifier is None:
            return self._unreachable()
        try:
            shown = self._keys.verifier.verify(token)
        except BadToken:
            return Verdict(False, (INVALID,))
        if shown.site != self._site_key:
            return Verdict(False, (INVALID,))
        return _told(shown) if self._clock() < shown.exp else Verdict(False, (EXPIRED,))

    def _unreachable(self) -> Verdict:
        return Verdict(self._fail_open, (UNREACHABLE,))

    def _http(self) -> httpx.Client:
        if self._sync is None:
            self._sync = httpx.Client(**self._options)
        return self._sync

    def _ahttp(self) -> httpx.AsyncClient:
        if self._async is None:
            self._async = httpx.AsyncClient(**self._options)
        return self._async


class _Keys:
    """The server's public keys, and when to fetch them again: after their max-age, or for a key that is not among them."""

    def __init__(self, issuer: str) -> None:
        self.verifier: Verifier | None = None
        self._issuer = issuer
        self._asked, self._stale = float("-inf"), float("-inf")

    def is_due(self, now: float, token: str | None) -> bool:
        """Tell whether the keys must be fetched before this token can be judged."""
        if now - self._asked < _FETCH_AGAIN_SECONDS:
            return False
        return self.verifier is None or now >= self._stale or self._is_unknown(self.verifier, token or "")

    def take(self, response: httpx.Response | None, now: float) -> None:
        """Take over what was fetched; where nothing came, what is here stays in use."""
        self._asked = now
        document = _document(response)
        if document is None:
            return
        try:
            self.verifier = Verifier(document, self._issuer)
        except BadToken:
            return
        assert response is not None
        named = _MAX_AGE.search(response.headers.get("cache-control", ""))
        self._stale = now + (int(named[1]) if named else _DEFAULT_MAX_AGE_SECONDS)

    @staticmethod
    def _is_unknown(verifier: Verifier, token: str) -> bool:
        try:
            verifier.verify(token)
        except UnknownKey:
            return True
        except BadToken:
            return False
        return False


def token_from(fields: Mapping[str, Any]) -> str | None:
    """Find the pass among the fields of a form or of a JSON object."""
    return next((value for name in FIELDS if isinstance(value := fields.get(name), str) and value), None)


def _fetched(client: httpx.Client, method: str, path: str, **content: Any) -> httpx.Response | None:
    try:
        return client.request(method, path, **content)
    except httpx.HTTPError:
        return None


async def _afetched(
    client: httpx.AsyncClient, method: str, path: str, **content: Any
) -> httpx.Response | None:
    try:
        return await client.request(method, path, **content)
    except httpx.HTTPError:
        return None


def _document(response: httpx.Response | None) -> Mapping[str, Any] | None:
    if response is None or response.status_code != httpx.codes.OK:
        return None
    try:
        document = response.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _verdict(response: httpx.Response | None) -> Verdict | None:
    """Read siteverify's answer; None where it is no verdict."""
    document = _document(response)
    if document is None or not isinstance(document.get("success"), bool):
        return None
    return Verdict(
        success=document["success"],
        codes=tuple(map(str, document.get("error-codes") or ())),
        hostname=str(document.get("hostname", "")),
        action=str(document.get("action", "")),
        cdata=str(document.get("cdata", "")),
        solved_at=_moment(document.get("challenge_ts")),
        score=round(1 - float(document.get("score", 0)), 2) if document["success"] else 0.0,
    )


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _told(shown: Pass) -> Verdict:
    return Verdict(
        success=True,
        hostname=shown.host,
        action=shown.action,
        cdata=shown.cdata,
        solved_at=datetime.fromtimestamp(shown.iat, UTC),
        score=shown.score,
    )
