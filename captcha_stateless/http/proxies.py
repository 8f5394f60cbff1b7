"""Which peer is a trusted proxy: ASGI middleware that marks its requests and believes whom it forwards."""

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

#: Stands in the scope of a request that a trusted proxy handed on.
TRUSTED = "captcha_stateless.trusted_peer"
_FORWARDED = b"x-forwarded-for"


class TrustedProxies:
    """Marks requests of trusted peers before uvicorn's own middleware puts the visitor's address in the peer's place.

    It runs inside the application, for afterwards nobody can tell any more who the peer was.
    """

    def __init__(self, app: ASGIApp, trusted: tuple[str, ...]) -> None:
        self._forwarded = ProxyHeadersMiddleware(app, trusted_hosts=list(trusted))  # type: ignore[arg-type]  # uvicorn has ASGI types of its own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Mark a request and pass it on."""
        peer = scope.get("client")
        if peer and peer[0] in self._forwarded.trusted_hosts:
            scope[TRUSTED] = True
            if self._forwarded.trusted_hosts.always_trust:
                _keep_last_hop(scope)
        await self._forwarded(scope, receive, send)  # type: ignore[arg-type]  # as above


def _keep_last_hop(scope: Scope) -> None:
    """Leave of the forwarded addresses the one that the peer itself wrote: whoever trusts any peer knows no hop before it."""
    hops = (
        b",".join(value for name, value in scope["headers"] if name == _FORWARDED).rpartition(b",")[2].strip()
    )
    if hops:
        others = [header for header in scope["headers"] if header[0] != _FORWARDED]
        scope["headers"] = [*others, (_FORWARDED, hops)]
