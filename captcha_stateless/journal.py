"""One id and one log line for each request: which protocol, which status, how long; neither path nor address."""

import logging
import re
import secrets
import time
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from captcha_stateless.events import Events
from captcha_stateless.logs import REQUEST_ID

HEADER = b"x-request-id"
#: What proxies commonly send: a UUID, or some such; too short for a token.
_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
#: Stands for the protocol where no path was found.
_NOWHERE = "none"
_ID_BYTES = 8

_log = logging.getLogger(__name__)


class Journal:
    """ASGI middleware: takes ``X-Request-Id`` over where it is well-formed, and sends it back."""

    def __init__(self, app: ASGIApp, events: Events) -> None:
        self._app, self._events = app, events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, number = time.perf_counter(), 500, _number(scope)
        REQUEST_ID.set(number.decode("ascii"))

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if not _is_shared(message["headers"]):
                    message["headers"].append((HEADER, number))
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # The path is left out, for some hold tokens.
        protocol = getattr(scope.get("endpoint"), "protocol", _NOWHERE)
        self._events.responded(protocol, status, seconds)
        if not _log.isEnabledFor(logging.INFO):
            return
        fields: dict[str, Any] = {
            "protocol": protocol,
            "method": scope["method"][:16],
            "status": status,
            "milliseconds": round(seconds * 1000, 3),
        }
        _log.info("answered", extra={"fields": fields})


def _is_shared(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    # What a cache hands to others must not carry this visitor's id.
    return any(name == b"cache-control" and b"public" in value for name, value in headers)


def _number(scope: Scope) -> bytes:
    given = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return bytes(given) if _ID.fullmatch(given) else secrets.token_hex(_ID_BYTES).encode("ascii")
