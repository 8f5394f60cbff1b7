"""Keys of signed agents: Ed25519 as a JWK (RFC 8037), known by its thumbprint (RFC 7638)."""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

PublicKey = Ed25519PublicKey


def read(entry: Mapping[str, Any]) -> tuple[str, PublicKey]:
    """Read a public key; its thumbprint is what ``keyid`` must say.

    Raises:
        ValueError: when it is no Ed25519 key.
    """
    if entry.get("kty") != "OKP" or entry.get("crv") != "Ed25519" or not isinstance(entry.get("x"), str):
        raise ValueError("not an Ed25519 key")
    try:
        jwk = JWK(kty="OKP", crv="Ed25519", x=entry["x"])
        key = jwk.get_op_key("verify")
    except JWException:
        raise ValueError("not an Ed25519 key") from None
    assert isinstance(key, PublicKey)
    return jwk.thumbprint(), key
