"""Base64url without padding (RFC 7515, appendix C), in the one spelling that each byte string has."""

import binascii

_OWN = bytes.maketrans(b"+/", b"-_")
# From base64url to the standard alphabet that the decoder knows; what only that one has becomes foreign.
_STANDARD = bytes.maketrans(b"-_+/=", b"+/***")
# The last characters that leave no stray bits, by how many characters of padding were left out.
_LAST = {1: "AEIMQUYcgkosw048", 2: "AQgw", 3: ""}


def encode(data: bytes) -> str:
    """Write bytes as base64url."""
    return binascii.b2a_base64(data, newline=False).translate(_OWN, b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Read base64url, and no other spelling of the same bytes.

    Raises:
        ValueError: when the text is not what :func:`encode` writes.
    """
    # Strict decoding refuses foreign characters and padding; bits that belong to no byte must be zero besides.
    spare = -len(text) % 4
    if spare and text[-1] not in _LAST[spare]:
        raise ValueError("stray trailing bits")
    return binascii.a2b_base64(text.encode("ascii").translate(_STANDARD) + b"=" * spare, strict_mode=True)
