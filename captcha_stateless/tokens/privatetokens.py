"""Private tokens: what a device is asked for and what it brings (RFC 9577), of type 2, blind RSA (RFC 9578, section 6).

Rule 1: the challenge is not in the token, only its SHA-256: whoever verifies must know what was asked.

Rule 2: a token that does not verify is a :class:`BadToken`, and nothing says why. Single use is the caller's to see to.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import load_der_public_key

from captcha_stateless.errors import BadToken
from captcha_stateless.tokens import base64url
from captcha_stateless.tokens.digests import same

#: The registered number of blind RSA with 2048 bits, as it is written.
TOKEN_TYPE = b"\x00\x02"
#: A redemption context is of this size, or empty, which ours never is (RFC 9577, section 2.1.1).
CONTEXT_BYTES = 32

_BITS = 2_048
_PADDING, _HASH = PSS(MGF1(SHA384()), salt_length=48), SHA384()
# A type of 2 bytes, a nonce, a digest and a key's id of 32 each, and a signature of 256: 118 threes, so no padding is left.
_AUTHORIZATION = re.compile(r'privatetoken +token=("?)([a-z0-9_-]{472})\1', re.IGNORECASE | re.ASCII)


class PrivateToken(NamedTuple):
    """What a device brings: its nonce, the digest of the challenge, the id of the issuer's key, and what that key signed."""

    nonce: bytes
    digest: bytes
    key_id: bytes
    signed: bytes
    signature: bytes


class IssuerKey:
    """An issuer's public key; ``spki`` is as published (RSASSA-PSS, RFC 9578, section 6.5), ``id`` is its SHA-256."""

    def __init__(self, spki: bytes) -> None:
        """Read the key.

        Raises:
            ValueError: when it is no RSA key of 2048 bits.
        """
        try:
            public = load_der_public_key(spki)
        except UnsupportedAlgorithm:
            raise ValueError("not a key that is known here") from None
        if not isinstance(public, RSAPublicKey) or public.key_size != _BITS:
            raise ValueError("not an RSA key of 2048 bits")
        self.spki, self.id, self._public = spki, hashlib.sha256(spki).digest(), public

    def verify(self, token: PrivateToken) -> None:
        """Refuse a token that this key did not sign.

        Raises:
            BadToken: when it did not.
        """
        try:
            self._public.verify(token.signature, token.signed, _PADDING, _HASH)
        except InvalidSignature:
            raise BadToken("not signed by this issuer's key") from None


def challenge(issuer: str, context: bytes, origin: str) -> bytes:
    """Write a TokenChallenge (RFC 9577, section 2.1.1); the names are host names, the context 32 bytes or none."""
    names = [name.encode("ascii") for name in (issuer, origin)]
    first, last = (len(name).to_bytes(2, "big") + name for name in names)
    return TOKEN_TYPE + first + bytes([len(context)]) + context + last


def offer(asked: bytes, key: IssuerKey) -> str:
    """Word a challenge for ``WWW-Authenticate`` (RFC 9577, section 2.1.2): base64url with its padding, in quotes."""
    shown, spki = (urlsafe_b64encode(part).decode("ascii") for part in (asked, key.spki))
    return f'PrivateToken challenge="{shown}", token-key="{spki}"'


def read(authorization: str) -> PrivateToken:
    """Read the token in an ``Authorization`` header (RFC 9577, section 2.2.2); nothing is verified.

    Raises:
        BadToken: when it holds none of this type.
    """
    found = _AUTHORIZATION.fullmatch(authorization)
    raw = base64url.decode(found[2]) if found else b""
    if raw[:2] != TOKEN_TYPE:
        raise BadToken("not a private token of type 2")
    return PrivateToken(raw[2:34], raw[34:66], raw[66:98], raw[:98], raw[98:])


def answers(token: PrivateToken, asked: bytes) -> bool:
    """Tell whether a token was made for a challenge."""
    return same(token.digest, hashlib.sha256(asked).digest())
