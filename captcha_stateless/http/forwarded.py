"""The visit that an edge asks about: the visitor's own request, as a trusted proxy tells of it.

nginx is told to, Caddy and Traefik do it by themselves: ``X-Forwarded-Method``, ``-Proto``, ``-Host`` and ``-Uri``. They
count where the peer is a trusted proxy, within bounds; whatever is not of its form, or there twice, is not known.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from starlette.requests import Request

from captcha_stateless.http.origin import REMEMBERED, host_of
from captcha_stateless.http.proxies import TRUSTED
from captcha_stateless.wall.visit import Visit

#: Any of RFC 9110, section 9.1, that a server may know; some take ``post`` for ``POST``.
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
#: A path and a query, in no more characters than common edges take; header values are Latin-1 here, and what is beyond ASCII
#: in them was sent raw.
_URI = re.compile(r"/[!-~\x80-\xff]{0,8191}")
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
#: What an edge that adds, where it should replace, would let a visitor say first.
_ONCE = (b"x-forwarded-method", b"x-forwarded-host", b"x-forwarded-uri")
_DOUBLED = ","
_RAW = re.compile(r"[\x80-\xff]")


def visit_of(request: Request, *, uri: str | None = None) -> Visit:
    """Tell which request of a visitor an edge asks about; an empty path: it is not known.

    Args:
        request: the edge's own.
        uri: the path and query, where the edge wrote them elsewhere; the method is then the request's own.
    """
    scope = request.scope
    trusted, peer = scope.get(TRUSTED, False), scope.get("client")
    # Every page of a site comes by here: each name is decoded once, and of one that comes twice the first counts.
    headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in reversed(scope["headers"])}
    if len(headers) < len(scope["headers"]):
        names = [name for name, _ in scope["headers"]]
        headers |= {name.decode("ascii"): _DOUBLED for name in _ONCE if names.count(name) > 1}
    method = headers.get("x-forwarded-method") if trusted and uri is None else None
    written = (headers.get("x-forwarded-uri", "") if uri is None else uri) if trusted else ""
    path, _, query = _ascii(written).partition("?")
    return Visit(
        method=_method(scope["method"] if method is None else method),
        scheme=scope.get("scheme", "http"),
        host=_host(_told(headers, trusted=trusted)),
        path=path,
        query=query,
        address=peer[0] if peer else "",
        headers=headers,
    )


def is_edge(request: Request) -> bool:
    """Tell whether an edge asks about a visit; what a visitor asks himself comes without, by the files of ``deploy/``."""
    return bool(request.scope.get(TRUSTED)) and "x-forwarded-uri" in request.headers


def authority_of(request: Request) -> str:
    """Tell under which host, and port where it is not the usual one, the visitor reached the edge; empty: it is not known."""
    told = _told(request.headers, trusted=request.scope.get(TRUSTED, False))
    return told if _AUTHORITY.fullmatch(told) else ""


def _method(told: str) -> str:
    return told.upper() if _METHOD.fullmatch(told) else ""


def _told(headers: Mapping[str, str], *, trusted: bool) -> str:
    told = headers.get("x-forwarded-host", "") if trusted else ""
    return told or headers.get("host", "")


@lru_cache(maxsize=REMEMBERED)
def _host(authority: str) -> str:
    return host_of(f"//{authority}") if _AUTHORITY.fullmatch(authority) else ""


def _ascii(uri: str) -> str:
    if not _URI.fullmatch(uri):
        return ""
    return uri if uri.isascii() else _RAW.sub(lambda found: f"%{ord(found[0]):02X}", uri)
