"""Connections parsed by h11, in Python, where httptools is not installed."""

import re
from collections.abc import Awaitable
from typing import Any
from urllib.parse import unquote

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from captcha_stateless.http.connections.guarded import Guarded, Part

_PARTS: dict[object, Part] = {h11.IDLE: "head", h11.SEND_BODY: "body"}

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_FOLDED = re.compile(rb"\n[ \t]")
_LENGTH, _CODING = (
    re.compile(rb"\ncontent-length[ \t]*:", re.I),
    re.compile(rb"\ntransfer-encoding[ \t]*:", re.I),
)


class Protocol(Guarded, H11Protocol):
    """uvicorn's h11 protocol, guarded; h11's own state says what is being sent."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.app = _origin_form(self.app)

    @property
    def part(self) -> Part:
        """What the client is sending."""
        return _PARTS.get(self.conn.their_state)

    def handle_events(self) -> None:
        """Refuse heads that a proxy may read differently (request smuggling), then go on as ever."""
        if self.conn.their_state is h11.IDLE and _is_ambiguous(self.conn.trailing_data[0]):
            self.send_400_response("Invalid HTTP request received.")
        else:
            super().handle_events()


def _is_ambiguous(data: bytes) -> bool:
    """Tell whether a head has what h11 puts up with: folded lines, two lengths, a length beside a transfer coding.

    RFC 9112, sections 5.2 and 6.3: a server may refuse all of these. httptools does by itself.
    """
    end = _END_OF_HEAD.search(data)
    if end is None:
        return False
    head = data[: end.start()]
    lengths = len(_LENGTH.findall(head))
    return bool(_FOLDED.search(head)) or lengths > 1 or (lengths == 1 and bool(_CODING.search(head)))


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
