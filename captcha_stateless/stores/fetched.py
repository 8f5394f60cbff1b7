"""What others publish for everybody: fetched over HTTPS, bounded, and from the very address that was named."""

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


def fetch(address: str, media_types: Collection[str]) -> bytes:
    """Fetch a small document.

    Args:
        address: where it is; of HTTPS.
        media_types: what it may be, the first of them preferred.

    Raises:
        Unavailable: when it cannot be had, is something else, leads elsewhere or is too long.
    """
    if urlsplit(address).scheme != "https":
        raise Unavailable("it is not fetched without HTTPS")
    headers = {"Accept": ", ".join(media_types), "User-Agent": "captcha-stateless"}
    request = Request(address, headers=headers)  # noqa: S310 - HTTPS, as told above
    try:
        with build_opener(_Straight).open(request, timeout=TIMEOUT_SECONDS) as reply:
            content: bytes = reply.read(_MOST_BYTES + 1)
            kind = reply.headers.get_content_type()
    except (OSError, HTTPException, ValueError) as error:
        raise Unavailable(f"it cannot be fetched: {error}") from None
    if kind not in media_types:
        raise Unavailable(f"it is of the type {kind}, not {' or '.join(media_types)}")
    if len(content) > _MOST_BYTES:
        raise Unavailable("it is too long")
    return content
