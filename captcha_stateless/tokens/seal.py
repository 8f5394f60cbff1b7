"""Claims to token and back: compact JWE (RFC 7516), A256KW and A256GCM (RFC 7518), and nothing else.

Rule 1: the first segment must be, to the letter, a header that we would have written. That one look-up pins both algorithms,
the key and the purpose, and refuses ``zip``, ``crit`` and everything else that a header might ask for, before any crypto.

Rule 2: each segment must be canonical base64url, so that a token has one spelling only; a filter or a balancer that goes by
the token's text cannot be fooled by a respelled one.

Rule 3: a token that does not open is a :class:`BadToken`, and nothing says why.

Rule 4: equal claims become equal tokens. Content key and IV are a keyed hash of all that they protect (as RFC 5297 makes its
IV), so none serves two texts, and a reply that is asked for again is the same to the letter: a balancer that goes by the text
leads both copies to one replica.

Inside are the claims in their order, as a MessagePack array: it holds bytes as they are, where JSON would have them written
as text, in thrice the time.
"""

import json
from collections.abc import Callable, Iterable
from hashlib import blake2b

import msgpack
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from captcha_stateless.errors import BadToken
from captcha_stateless.model import Claims
from captcha_stateless.tokens import base64url
from captcha_stateless.tokens.digests import derive
from captcha_stateless.tokens.keys import KeyRing

ALGORITHM = "A256KW"
ENCRYPTION = "A256GCM"
VERSION = 3

# A token ends with the last field that is not its default; None: a field that has none.
_DEFAULTS = tuple(Claims._field_defaults.get(name) for name in Claims._fields)

#: Longer texts are refused unread: ours stay under 1,536, and proxies pass at least 8 KB of headers.
MAX_TOKEN_CHARACTERS = 4_096

_TYP_PREFIX = "captcha-"

# RFC 7518: a 256-bit key, a 96-bit IV and a 128-bit tag; wrapping adds 64 bits to the key.
_KEY_BYTES, _IV_BYTES, _TAG_BYTES = 32, 12, 16
_PARTS = 4
_LENGTHS = (_KEY_BYTES + 8, _IV_BYTES, _TAG_BYTES)

_json = json.JSONEncoder(separators=(",", ":"))
_pack = msgpack.Packer().pack


class Seal:
    """Seals claims under the ring's current key, and opens what any of its keys sealed.

    The two algorithms are called by name. A JOSE library's object would choose them by a header that rule 1 knows to the
    letter, in six times the time; the tests hold that jwcrypto reads what is written here, and the other way round.
    """

    def __init__(self, ring: Callable[[], KeyRing]) -> None:
        """Take the ring as a call, for it may change at any time."""
        self._ring = ring
        self._headers = _Headers(ring())

    def seal(self, claims: Claims) -> str:
        """Seal claims as a compact token of ASCII characters."""
        known = self._known()
        header, key = known.sealing(claims.purpose)
        protected, text = header.encode("ascii"), _encode(claims)
        chance = blake2b(
            protected + b"." + text, key=known.chance, digest_size=_KEY_BYTES + _IV_BYTES
        ).digest()
        secret, iv = chance[:_KEY_BYTES], chance[_KEY_BYTES:]
        sealed = AESGCM(secret).encrypt(iv, text, protected)
        parts = aes_key_wrap(key, secret), iv, sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
        return f"{header}.{base64url.encode(*parts)}"

    def open(self, token: str, *purposes: str) -> Claims:
        """Open a token that was sealed for one of the purposes; its deadline is the caller's to check.

        Raises:
            BadToken: in every other case.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise BadToken("over-long token")
        header, _, rest = token.partition(".")
        key = self._known().opening(header, purposes)
        try:
            wrapped, iv, text, tag = base64url.decode_parts(rest, _PARTS)
            if (len(wrapped), len(iv), len(tag)) != _LENGTHS:
                raise ValueError("segment of another length")
            secret = aes_key_unwrap(key, wrapped)
            claims = _decode(AESGCM(secret).decrypt(iv, text + tag, header.encode("ascii")))
        except (InvalidUnwrap, InvalidTag, ValueError, TypeError):
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
        self._keys = {key.kid: key.secret for key in ring.keys}
        self.chance = derive(ring.current.secret, "chance")
        self._by_purpose: dict[str, dict[str, bytes]] = {}

    def sealing(self, purpose: str) -> tuple[str, bytes]:
        """Tell the header segment, and the key that seals."""
        return next(iter(self._known(purpose).items()))

    def opening(self, header: str, purposes: Iterable[str]) -> bytes:
        """Find the key that belongs to a header segment."""
        for purpose in purposes:
            key = self._known(purpose).get(header)
            if key is not None:
                return key
        raise BadToken("header is none of ours")

    def _known(self, purpose: str) -> dict[str, bytes]:
        """Tell the keys by header segment, the one that seals first."""
        if purpose not in self._by_purpose:
            kids = sorted(self._keys, key=lambda kid: kid != self.ring.current.kid)
            self._by_purpose[purpose] = {_header(kid, purpose): self._keys[kid] for kid in kids}
        return self._by_purpose[purpose]


def _header(kid: str, purpose: str) -> str:
    header = {"alg": ALGORITHM, "enc": ENCRYPTION, "kid": kid, "typ": _TYP_PREFIX + purpose}
    return base64url.encode(_json.encode(header).encode())


def _encode(claims: Claims) -> bytes:
    values = list(claims)
    while values[-1] == _DEFAULTS[len(values) - 1]:
        values.pop()
    packed: bytes = _pack([VERSION, *values])
    return packed


def _decode(plaintext: bytes) -> Claims:
    version, *values = msgpack.unpackb(plaintext, use_list=False)
    if version != VERSION:
        raise ValueError("not claims of this version")
    return Claims(*values)
