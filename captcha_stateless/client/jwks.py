"""The server's public keys: fetched when they are due, and kept for a while where the server is away."""

import re

import httpx

from captcha_stateless.client.verdict import document_of
from captcha_stateless.errors import BadToken
from captcha_stateless.tokens.passes import UnknownKey, Verifier

JWKS = "/.well-known/jwks.json"

# A set of keys is fetched again for a pass under an unknown key, but no more often than this: forged passes name any key.
_FETCH_AGAIN_SECONDS = 10.0
# While the server is away, the keys that were fetched last are used for a day: a key that leaked is not trusted for ever.
_KEPT_SECONDS = 86_400
_DEFAULT_MAX_AGE_SECONDS = 300
_MAX_AGE = re.compile(r"max-age=(\d{1,6})")


class Keys:
    """The server's public keys, and when to fetch them again: after their max-age, or for a key that is not among them."""

    def __init__(self, issuer: str) -> None:
        self.verifier: Verifier | None = None
        self._issuer = issuer
        self._asked, self._stale = float("-inf"), float("-inf")

    def is_due(self, now: float, token: str) -> bool:
        """Tell whether the keys must be fetched before this token can be judged."""
        if now - self._asked < _FETCH_AGAIN_SECONDS:
            return False
        return self.verifier is None or now >= self._stale or self._is_unknown(self.verifier, token)

    def take(self, response: httpx.Response | None, now: float) -> None:
        """Take over what was fetched; where nothing came, what is here stays in use for a day."""
        self._asked = now
        if now >= self._stale + _KEPT_SECONDS:
            self.verifier = None
        document = document_of(response)
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
