"""Passes, to text and back: compact JWS (RFC 7515), ES256 (RFC 7518, section 3.4), and nothing else.

Rule 1: the first segment must be, to the letter, a header that we would have written. That one look-up pins the algorithm,
the key and the type, and refuses ``none``, ``HS256``, ``jwk``, ``crit`` and all else before any crypto.

Rule 2: a pass has one spelling only: canonical base64url, and of an ECDSA signature's two forms, ``(r, s)`` and
``(r, n - s)``, which verify alike, the one with the smaller ``s``.

Rule 3: equal claims become equal passes, for a signature is derived from its key and text (RFC 6979) where OpenSSL can.

Rule 4: a text that is no pass is a :class:`BadToken`, and nothing says why. Deadline, site and single use are the caller's
to check: a signature alone makes no pass single-use.
"""

import json
from collections.abc import Callable, Mapping
from copy import copy
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from captcha_stateless.errors import BadBinding, BadToken
from captcha_stateless.model import Pass
from captcha_stateless.tokens import base64url
from captcha_stateless.tokens.keys import KeyRing, published

ALGORITHM = "ES256"
TYPE = "captcha-pass+jwt"

#: Longer texts are refused unread, as siteverify's own limit is; ours stay within :data:`MAX_PASS_CHARACTERS`.
MAX_TOKEN_CHARACTERS = 2_048
MAX_PASS_CHARACTERS = 640
# What a pass of the longest kind's name and no binding holds, to find the room that is left.
_BARE = Pass(
    site="", host="", kind="k" * 16, jti=bytes(16), iat=10**10 - 1, exp=10**10 - 1, score=0.25, net=bytes(8)
)
_SIGNATURE_CHARACTERS = 86

# RFC 7518, section 3.4: r and s, 32 bytes each.
_NUMBER_BYTES = 32
# Of P-256; s and order - s are both valid.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

try:
    _ES256 = ec.ECDSA(SHA256(), deterministic_signing=True)
except UnsupportedAlgorithm:  # pragma: no cover - OpenSSL before 3.2
    _ES256 = ec.ECDSA(SHA256())

# Copying this object skips the deep copy of a header registry that makes up half the time of JWS().
_TEMPLATE = JWS()
_TEMPLATE.allowed_algs = [ALGORITHM]


#: How many passes are known again without their signature's being reckoned anew: 2 MB.
REMEMBERED = 4_096


class UnknownKey(BadToken):
    """The text is signed with no key of the set; a newer set may hold it."""


class Verifier:
    """Reads the passes that were signed with the keys of one JWK Set (RFC 7517, section 5)."""

    def __init__(self, document: Mapping[str, Any], issuer: str) -> None:
        """Take the JWK Set as it is published.

        Raises:
            BadToken: when the set holds anything but public P-256 keys.
        """
        self._issuer = issuer
        try:
            self._known = dict(_known(key) for key in document["keys"])
        except (JWException, ValueError, KeyError, TypeError):
            raise BadToken("not a set of public keys") from None
        self._read = lru_cache(REMEMBERED)(self._read_anew)

    def verify(self, token: str) -> Pass:
        """Read a pass; its deadline, site and single use are the caller's to check.

        Raises:
            UnknownKey: when it names a key that the set does not hold.
            BadToken: in every other case.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise BadToken("over-long pass")
        return self._read(token)

    def _read_anew(self, token: str) -> Pass:
        # What a text says under these keys never changes. What raises is not remembered, so that no stranger's texts push
        # out the passes of visitors, who show theirs with every request.
        header, *segments = token.split(".")
        if header not in self._known:
            raise UnknownKey("pass under a header that is none of ours")
        try:
            return _claims(_verified(*self._known[header], *segments), self._issuer)
        except (JWException, ValueError, KeyError, TypeError, RecursionError):
            raise BadToken("pass does not verify") from None


class Signer:
    """Signs passes with the ring's current signing key, and reads what any of its keys signed."""

    def __init__(self, ring: Callable[[], KeyRing], issuer: str) -> None:
        """Take the ring as a call, for it may change at any time."""
        self._ring, self._issuer = ring, issuer
        self._keys = _Keys(ring(), issuer)

    def sign(self, claims: Pass) -> str:
        """Sign claims as a compact token of ASCII characters."""
        keys = self._known()
        text = f"{keys.header}.{base64url.encode(_encode(claims, self._issuer))}"
        r, s = decode_dss_signature(keys.signer.sign(text.encode("ascii"), _ES256))
        signature = r.to_bytes(_NUMBER_BYTES, "big") + s.to_bytes(_NUMBER_BYTES, "big")
        return f"{text}.{base64url.encode(_low(signature))}"

    def require_room(self, *binding: str) -> None:
        """Refuse a site, host, action and cdata that no pass could hold.

        Raises:
            BadBinding: when they are too long together.
        """
        text = "".join(binding)
        # In JSON's ASCII a character takes twelve at most (two escapes, beyond the basic plane).
        if 12 * len(text) > (room := self._known().room) and len(json.dumps(text)) - 2 > room:
            raise BadBinding("site, host name, action and cdata are too long together")

    def verify(self, token: str) -> Pass:
        """Read a pass, as :meth:`Verifier.verify` does."""
        return self._known().verifier.verify(token)

    def published(self) -> dict[str, Any]:
        """Write the JWK Set with which everyone can verify."""
        return self._known().document

    def _known(self) -> "_Keys":
        ring = self._ring()
        if self._keys.ring is not ring:
            self._keys = _Keys(ring, self._issuer)
        return self._keys


class _Keys:
    """What one ring signs and verifies with, made once."""

    def __init__(self, ring: KeyRing, issuer: str) -> None:
        self.ring = ring
        signer = ring.signer.jwk.get_op_key("sign")
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        self.signer = signer
        self.header = base64url.encode(_protected(ring.signer.kid).encode())
        self.document = published(ring)
        self.verifier = Verifier(self.document, issuer)
        taken = len(self.header) + _SIGNATURE_CHARACTERS + len("..")
        self.room = (MAX_PASS_CHARACTERS - taken) * 3 // 4 - len(_encode(_BARE, issuer))


def _known(key: Mapping[str, Any]) -> tuple[str, tuple[JWK, str]]:
    # Only what is needed is taken over: a set can neither bring a private key nor another algorithm.
    text = _protected(key["kid"])
    return base64url.encode(text.encode()), (JWK(kty="EC", crv="P-256", x=key["x"], y=key["y"]), text)


def _protected(kid: str) -> str:
    return json.dumps({"alg": ALGORITHM, "kid": kid, "typ": TYPE}, separators=(",", ":"))


def _verified(key: JWK, protected: str, payload: str, signature: str) -> bytes:
    number = base64url.decode(signature)
    if len(number) != 2 * _NUMBER_BYTES or number != _low(number):
        raise ValueError("not the one form of a signature")
    content = base64url.decode(payload)
    box = copy(_TEMPLATE)
    box.objects = {"payload": content, "signature": number, "protected": protected}
    box.verify(key)
    return content


def _low(signature: bytes) -> bytes:
    s = int.from_bytes(signature[_NUMBER_BYTES:], "big")
    return signature[:_NUMBER_BYTES] + min(s, (_ORDER - s) % _ORDER).to_bytes(_NUMBER_BYTES, "big")


def _encode(claims: Pass, issuer: str) -> bytes:
    document = {
        "iss": issuer,
        "aud": claims.site,
        "hostname": claims.host,
        "kind": claims.kind,
        "action": claims.action,
        "cdata": claims.cdata,
        "score": claims.score,
        "iat": claims.iat,
        "exp": claims.exp,
        "jti": base64url.encode(claims.jti),
        **({"net": base64url.encode(claims.net)} if claims.net else {}),
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def _claims(content: bytes, issuer: str) -> Pass:
    document = json.loads(content)
    if document["iss"] != issuer:
        raise ValueError("pass of another issuer")
    return Pass(
        site=document["aud"],
        host=document["hostname"],
        kind=document["kind"],
        action=document["action"],
        cdata=document["cdata"],
        score=float(document.get("score", 1.0)),  # passes of before the claim was there had solved as much
        iat=document["iat"],
        exp=document["exp"],
        jti=base64url.decode(document["jti"]),
        net=base64url.decode(document.get("net", "")),
    )
