"""Base64url without padding (RFC 7515, appendix C), in the one spelling that each byte string has."""

import binascii

_OWN = bytes.maketrans(b"+/", b"-_")
# From base64url to the standard alphabet that the decoder knows; what only that one has becomes foreign.
_STANDARD = bytes.maketrans(b"-_+/=", b"+/***")
# The last characters that leave no stray bits, by how many characters of padding were left out.
_LAST = {1: b"AEIMQUYcgkosw048", 2: b"AQgw", 3: b""}


def encode(*parts: bytes) -> str:
    """Write bytes as base64url, several with dots between."""
    written = b".".join([binascii.b2a_base64(part, newline=False) for part in parts])
    return written.translate(_OWN, b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Read base64url, and no other spelling of the same bytes.

    Raises:
        ValueError: when the text is not what :func:`encode` writes.
    """
    return _read(text.encode("ascii").translate(_STANDARD))


def decode_parts(text: str, count: int) -> list[bytes]:
    """Read up to ``count`` parts with dots between; raises as :func:`decode`, so where there are more."""
    # What follows the last dot that may be there is one part, and a further dot in it is foreign: many dots are no more work.
    return [_read(part) for part in text.encode("ascii").translate(_STANDARD).split(b".", count - 1)]


def _read(standard: bytes) -> bytes:
    # Strict decoding refuses foreign characters and padding; bits that belong to no byte must be zero besides.
    spare = -len(standard) % 4
    if spare:
        if standard[-1] not in _LAST[spare]:
            raise ValueError("stray trailing bits")
        standard += b"=" * spare
    return binascii.a2b_base64(standard, strict_mode=True)
