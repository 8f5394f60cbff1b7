"""Which peer is a trusted proxy: ASGI middleware that marks its requests and believes whom it forwards."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from captcha_stateless.settings.spelling import EVERY, MAPPED, UNIX, network

#: Stands in the scope of a request that a trusted proxy handed on.
TRUSTED = "captcha_stateless.trusted_peer"
_FORWARDED = b"x-forwarded-for"


#: What proxies write of whom they speak for (RFC 7239, RFC 9110 section 7.6.3); nginx by the files that we hand out.
_HANDED_ON = {_FORWARDED, b"forwarded", b"via", b"x-real-ip"}


def is_handed_on(scope: Scope) -> bool:
    """Tell whether a proxy, trusted or not, handed a request on."""
    return any(name in _HANDED_ON for name, _ in scope["headers"])


class TrustedProxies:
    """Marks requests of trusted peers before uvicorn's own middleware puts the visitor's address in the peer's place.

    It runs inside the application, for afterwards nobody can tell any more who the peer was.
    """

    def __init__(self, app: ASGIApp, trusted: tuple[str, ...]) -> None:
        hosts = [spelling for name in trusted for spelling in _spellings(name)]
        self._forwarded = ProxyHeadersMiddleware(app, trusted_hosts=hosts)  # type: ignore[arg-type]  # uvicorn has ASGI types of its own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Mark a request and pass it on."""
        if scope.get("client") is None and _is_unix(scope):
            scope["client"] = (UNIX, 0)
        peer = scope.get("client")
        if peer and peer[0] in self._forwarded.trusted_hosts:
            scope[TRUSTED] = True
            if self._forwarded.trusted_hosts.always_trust:
                _keep_last_hop(scope)
        await self._forwarded(scope, receive, send)  # type: ignore[arg-type]  # as above


def _spellings(name: str) -> Iterator[str]:
    """Write a trusted proxy in every way in which a connection, or a hop of the header, may."""
    yield name
    found = None if name in (EVERY, UNIX) else network(name)
    if isinstance(found, IPv4Network):
        start = int(MAPPED.network_address) | int(found.network_address)
        yield str(IPv6Network((start, MAPPED.prefixlen + found.prefixlen)))


def _is_unix(scope: Scope) -> bool:
    # A connection that is lost already has no peer either; but its own end then has a port.
    server = scope.get("server")
    return server is not None and server[1] is None


def _keep_last_hop(scope: Scope) -> None:
    """Leave of the forwarded addresses the one that the peer itself wrote: whoever trusts any peer knows no hop before it."""
    hops = (
        b",".join(value for name, value in scope["headers"] if name == _FORWARDED).rpartition(b",")[2].strip()
    )
    if hops:
        others = [header for header in scope["headers"] if header[0] != _FORWARDED]
        scope["headers"] = [*others, (_FORWARDED, hops)]
