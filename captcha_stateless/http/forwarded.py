"""The visit that an edge asks about: the visitor's own request, as a trusted proxy tells of it.

nginx is told to, Caddy and Traefik do it by themselves: ``X-Forwarded-Method``, ``-Proto``, ``-Host`` and ``-Uri``. They
count where the peer is a trusted proxy, within bounds; whatever is not of its form is as if it had not been said.
"""

import re

from starlette.requests import Request

from captcha_stateless.http.origin import host_of
from captcha_stateless.http.proxies import TRUSTED
from captcha_stateless.wall.visit import Visit

_METHOD = re.compile(r"[A-Z][A-Z-]{0,15}")
#: A path and a query, in no more characters than common edges take; header values are Latin-1 here, and what is beyond ASCII
#: in them was sent raw.
_URI = re.compile(r"/[!-~\x80-\xff]{0,8191}")
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_RAW = re.compile(r"[\x80-\xff]")


def visit_of(request: Request, *, uri: str | None = None) -> Visit:
    """Tell which request of a visitor an edge asks about; an empty path: it is not known.

    Args:
        request: the edge's own.
        uri: the path and query, where the edge wrote them elsewhere; the method is then the request's own.
    """
    trusted, peer = bool(request.scope.get(TRUSTED)), request.scope.get("client")
    method = request.headers.get("x-forwarded-method", "") if trusted and uri is None else ""
    written = (request.headers.get("x-forwarded-uri", "") if uri is None else uri) if trusted else ""
    path, _, query = _ascii(written).partition("?")
    return Visit(
        method=method if _METHOD.fullmatch(method) else request.method,
        scheme=str(request.scope.get("scheme", "http")),
        host=host_of(f"//{authority_of(request)}"),
        path=path,
        query=query,
        address=peer[0] if peer else "",
        headers=request.headers,
    )


def authority_of(request: Request) -> str:
    """Tell under which host, and port where it is not the usual one, the visitor reached the edge; empty: it is not known."""
    told = request.headers.get("x-forwarded-host", "") if request.scope.get(TRUSTED) else ""
    name = told or request.headers.get("host", "")
    return name if _AUTHORITY.fullmatch(name) else ""


def _ascii(uri: str) -> str:
    return _RAW.sub(lambda found: f"%{ord(found[0]):02X}", uri) if _URI.fullmatch(uri) else ""
