"""The headers that every answer carries unless it chooses otherwise: not stored, not sniffed, the last while we drain."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEFAULTS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
#: While the server drains, so that a balancer's kept connections end after an answer, not in the middle of a request.
LAST = (b"connection", b"close")


class Manners:
    """ASGI middleware that adds the default headers where an answer has none of that name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and mend the head of its answer."""

        async def send_with_defaults(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                message["headers"] += [header for header in DEFAULTS if header[0] not in given]
                if scope["app"].state.draining:
                    message["headers"].append(LAST)
            await send(message)

        await self._app(scope, receive, send_with_defaults if scope["type"] == "http" else send)
