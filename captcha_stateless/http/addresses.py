"""Addresses: the page that a request comes from, and where a client can reach this server."""

from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import Request

from captcha_stateless.settings import Settings

#: Texts of requests, at most 16 KB each as their heads are, of which is remembered what they say.
REMEMBERED = 256


def origin_host(request: Request) -> str:
    """Tell the host name of the page that sends a request, by its Origin header (RFC 6454); empty where there is none."""
    return host_of(request.headers.get("origin", ""))


@lru_cache(maxsize=REMEMBERED)
def host_of(address: str) -> str:
    """Tell the host name in an address, without its port; empty where there is none. The same few come again and again."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def public_url(request: Request, settings: Settings, path: str) -> str:
    """Tell under which address the client can reach a path of this server: the operator's, else the request's own."""
    base = settings.public_url or str(request.base_url).rstrip("/")
    return base + path
