"""What others publish for everybody: fetched over HTTPS, and bounded."""

from collections.abc import Collection
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from captcha_stateless.errors import Unavailable

TIMEOUT_SECONDS = 20
_MOST_BYTES = 262_144


class _Straight(HTTPRedirectHandler):
    """Follows nobody: what is pinned is who answers under the name that the operator wrote."""

    def redirect_request(self, *_: Any) -> None:
        """Make no new request: the redirect is an error then."""


class _Secure(HTTPRedirectHandler):
    """Follows over HTTPS only."""

    def redirect_request(self, *asked: Any) -> Request | None:
        """Make the new request, whose address comes last."""
        return super().redirect_request(*asked) if urlsplit(asked[-1]).scheme == "https" else None


def fetch(address: str, media_types: Collection[str] = (), *, follows: bool = False) -> bytes:
    """Fetch a small document.

    Args:
        address: where it is; of HTTPS.
        media_types: what it may be, the first of them preferred; none: anything.
        follows: whether it may be elsewhere by now, where the name that is written does not say who publishes it.

    Raises:
        Unavailable: when it cannot be had, is something else, leads elsewhere or is too long.
    """
    if urlsplit(address).scheme != "https":
        raise Unavailable("it is not fetched without HTTPS")
    headers = {"Accept": ", ".join(media_types) or "*/*", "User-Agent": "captcha-stateless"}
    request = Request(address, headers=headers)  # noqa: S310 - HTTPS, as told above
    try:
        with build_opener(_Secure if follows else _Straight).open(request, timeout=TIMEOUT_SECONDS) as reply:
            content: bytes = reply.read(_MOST_BYTES + 1)
            kind = reply.headers.get_content_type()
    except (OSError, HTTPException, ValueError) as error:
        raise Unavailable(f"it cannot be fetched: {error}") from None
    if media_types and kind not in media_types:
        raise Unavailable(f"it is of the type {kind}, not {' or '.join(media_types)}")
    if len(content) > _MOST_BYTES:
        raise Unavailable("it is too long")
    return content
