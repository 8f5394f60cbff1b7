"""Pictures as text: ``data:`` URLs (RFC 2397)."""

from captcha_stateless.formats.strict import base64

PREFIX = b"data:image/png;base64,"


def data_url(png: bytes) -> bytes:
    """Write a PNG as a ``data:`` URL."""
    return PREFIX + base64(png)
