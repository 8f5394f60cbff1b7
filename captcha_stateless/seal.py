"""Claims to token and back: compact JWE (RFC 7516), A256KW and A256GCM (RFC 7518), and nothing else.

Rule 1: the first segment must be, to the letter, a header that we would have written. That one look-up pins both algorithms,
the key and the purpose, and refuses ``zip``, ``crit`` and everything else that a header might ask for, before any crypto.

Rule 2: each segment must be canonical base64url, so that a token has one spelling only; a filter or a balancer that goes by
the token's text cannot be fooled by a respelled one.

Rule 3: a token that does not open is a :class:`BadToken`, and nothing says why.
"""

import json
from collections.abc import Callable, Iterable
from copy import copy
from typing import Any

from jwcrypto.common import JWException
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from captcha_stateless import base64url
from captcha_stateless.errors import BadToken
from captcha_stateless.keys import KeyRing
from captcha_stateless.model import Claims

ALGORITHM = "A256KW"
ENCRYPTION = "A256GCM"
VERSION = 1

#: Longer texts are refused unread: ours stay under 1,536, and proxies pass at least 8 KB of headers.
MAX_TOKEN_CHARACTERS = 4_096

_TYP_PREFIX = "captcha-"
_SEGMENTS = ("encrypted_key", "iv", "ciphertext", "tag")

# RFC 7518: a wrapped 256-bit key (40 bytes), a 96-bit IV and a 128-bit tag, in base64url characters.
_KEY_CHARACTERS, _IV_CHARACTERS, _TAG_CHARACTERS = 54, 16, 22

_json = json.JSONEncoder(separators=(",", ":"))

# Copying this object skips the deep copy of a header registry that makes up two thirds of the time of JWE().
_TEMPLATE = JWE(algs=[ALGORITHM, ENCRYPTION])


class Seal:
    """Seals claims under the ring's current key, and opens what any of its keys sealed."""

    def __init__(self, ring: Callable[[], KeyRing]) -> None:
        """Take the ring as a call, for it may change at any time."""
        self._ring = ring
        self._headers = _Headers(ring())

    def seal(self, claims: Claims) -> str:
        """Seal claims as a compact token of ASCII characters."""
        header, key, protected = self._known().sealing(claims.purpose)
        box = copy(_TEMPLATE)
        box.objects = {"protected": protected}
        box.plaintext = _encode(claims)
        box.add_recipient(key)
        # Joined here, since serialize() would parse the header again only to write it as it was.
        return ".".join([header, *(base64url.encode(box.objects[name]) for name in _SEGMENTS)])

    def open(self, token: str, *purposes: str) -> Claims:
        """Open a token that was sealed for one of the purposes; its deadline is the caller's to check.

        Raises:
            BadToken: in every other case.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise BadToken("over-long token")
        header, *segments = token.split(".")
        key, protected = self._known().opening(header, purposes)
        try:
            box = copy(_TEMPLATE)
            box.objects = {"protected": protected, **_parts(segments)}
            box.decrypt(key)
            claims = _decode(box.payload)
        except (JWException, ValueError, KeyError, TypeError, RecursionError):
            raise BadToken("token does not open") from None
        if claims.purpose not in purposes:
            raise BadToken("token claims another purpose than its header")
        return claims

    def inspect(self, token: str) -> Claims:
        """Open a token for whatever purpose it names; for the holder of the keys, never for a visitor.

        Raises:
            BadToken: when it does not open.
        """
        try:
            typ = json.loads(base64url.decode(token.partition(".")[0]))["typ"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BadToken("not a token") from None
        return self.open(token, str(typ).removeprefix(_TYP_PREFIX))

    def _known(self) -> "_Headers":
        ring = self._ring()
        if self._headers.ring is not ring:
            self._headers = _Headers(ring)
        return self._headers


class _Headers:
    """Every protected header that one ring can write, by its base64url text."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self._keys = {key.kid: key.jwk for key in ring.keys}
        self._by_purpose: dict[str, dict[str, tuple[JWK, str]]] = {}
        self._sealing: dict[str, tuple[str, JWK, str]] = {}

    def sealing(self, purpose: str) -> tuple[str, JWK, str]:
        """Tell the header segment, the key that seals, and the protected header as JSON text."""
        if purpose not in self._sealing:
            kid = self.ring.current.kid
            text = _protected(kid, purpose)
            self._sealing[purpose] = (base64url.encode(text.encode()), self._keys[kid], text)
        return self._sealing[purpose]

    def opening(self, header: str, purposes: Iterable[str]) -> tuple[JWK, str]:
        """Find the key and the JSON text that belong to a header segment."""
        for purpose in purposes:
            found = self._known(purpose).get(header)
            if found is not None:
                return found
        raise BadToken("header is none of ours")

    def _known(self, purpose: str) -> dict[str, tuple[JWK, str]]:
        if purpose not in self._by_purpose:
            texts = {kid: _protected(kid, purpose) for kid in self._keys}
            self._by_purpose[purpose] = {
                base64url.encode(text.encode()): (self._keys[kid], text) for kid, text in texts.items()
            }
        return self._by_purpose[purpose]


def _protected(kid: str, purpose: str) -> str:
    header = {"alg": ALGORITHM, "enc": ENCRYPTION, "kid": kid, "typ": _TYP_PREFIX + purpose}
    return _json.encode(header)


def _parts(segments: list[str]) -> dict[str, bytes]:
    key, iv, _, tag = segments
    if (len(key), len(iv), len(tag)) != (_KEY_CHARACTERS, _IV_CHARACTERS, _TAG_CHARACTERS):
        raise ValueError("segment of another length")
    return dict(zip(_SEGMENTS, map(base64url.decode, segments), strict=True))


def _encode(claims: Claims) -> bytes:
    document = {
        "v": VERSION,
        "purpose": claims.purpose,
        "kind": claims.kind,
        "jti": base64url.encode(claims.jti),
        "iat": claims.iat,
        "exp": claims.exp,
        "until": claims.until,
        "seed": base64url.encode(claims.seed),
        "digests": [base64url.encode(digest) for digest in claims.digests],
        "stage": claims.stage,
        "stages": claims.stages,
        "tries": claims.tries,
        "site": claims.site,
        "host": claims.host,
        "nbf_ms": claims.nbf_ms,
        "who": base64url.encode(claims.who),
        "params": dict(claims.params),
        **{name: text for name, text in (("action", claims.action), ("cdata", claims.cdata)) if text},
    }
    return _json.encode(document).encode("ascii")


def _decode(plaintext: bytes) -> Claims:
    document = json.loads(plaintext, object_pairs_hook=_without_duplicates)
    if not isinstance(document, dict) or document.pop("v") != VERSION:
        raise ValueError("not claims of this version")
    jti, seed, digests = document.pop("jti"), document.pop("seed"), document.pop("digests")
    who = document.pop("who", "")
    return Claims(
        **document,
        jti=base64url.decode(jti),
        seed=base64url.decode(seed),
        who=base64url.decode(who),
        digests=tuple(base64url.decode(digest) for digest in digests),
    )


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("duplicate key")
    return document
