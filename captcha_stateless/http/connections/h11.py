"""Connections parsed by h11, in Python, where httptools is not installed."""

from collections.abc import Awaitable
from typing import Any
from urllib.parse import unquote

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from captcha_stateless.http.connections.guarded import Guarded, Part

_PARTS: dict[object, Part] = {h11.IDLE: "head", h11.SEND_BODY: "body"}


class Protocol(Guarded, H11Protocol):
    """uvicorn's h11 protocol, guarded; h11's own state says what is being sent."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.app = _origin_form(self.app)

    @property
    def part(self) -> Part:
        """What the client is sending."""
        return _PARTS.get(self.conn.their_state)


def _origin_form(app: ASGIApp) -> ASGIApp:
    """Take the path out of a target that is a whole address, as every server must (RFC 9112, section 3.2.2)."""

    def below(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        root = scope.get("root_path", "")
        target = scope["raw_path"][len(root.encode("ascii")) :] if scope["type"] == "http" else b"/"
        if target[:1] != b"/" and b"://" in target:
            path = b"/" + target.partition(b"://")[2].partition(b"/")[2]
            scope["path"], scope["raw_path"] = (
                root + unquote(path.decode("ascii")),
                root.encode("ascii") + path,
            )
        return app(scope, receive, send)

    return below
