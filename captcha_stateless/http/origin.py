"""The page that a request comes from, as its Origin header names it."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import Request

from captcha_stateless.errors import WrongHost

#: Texts of requests, at most 16 KB each as their heads are, of which is remembered what they say.
REMEMBERED = 256
#: A host name as browsers send it (RFC 1035, section 2.3.4; names in other scripts come as punycode), or an IP address.
_HOST = re.compile(r"[a-z0-9_.:-]{1,253}")


def page_host(request: Request) -> str | None:
    """Tell the host name of the page that sends a request, by its Origin header (RFC 6454); None where there is none.

    One rule for all protocols. Browsers send it with every request that is not of the page's own origin, and with every POST.
    Apps and servers send none. A page that hides where it is (``null``: a sandboxed frame, a file, a redirect) has none.

    Raises:
        WrongHost: when the header is there, and names no host.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return None
    host = host_of(origin)
    if not host:
        raise WrongHost("the Origin names no host")
    return host


def own_host(request: Request) -> str:
    """Tell under which host name a request came, by its Host header; empty where that names none."""
    return host_of(f"//{request.headers.get('host', '')}")


@lru_cache(maxsize=REMEMBERED)
def host_of(address: str) -> str:
    """Tell the host name in an address: lower case, without port and trailing dot; empty where there is none."""
    try:
        host = (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""
    return host if _HOST.fullmatch(host) else ""
