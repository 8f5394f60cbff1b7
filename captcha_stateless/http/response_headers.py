"""What every answer carries unless it chooses otherwise: its request's id, and whether it may be stored, sniffed or shared.

One layer for all of it, and the CORS library for preflights and where only some origins may read: three layers of middleware
cost as much as opening a token.
"""

import random
import re
import time
from collections.abc import Iterable, Mapping

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from captcha_stateless.http.access_log import AccessLog
from captcha_stateless.telemetry.logs import REQUEST_ID

ID = b"x-request-id"
#: What proxies commonly send: a UUID, or some such; too short for a token.
_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_ID_BITS = 64

_STORED, _SNIFFED = (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")
#: An answer is another one to a page of another origin.
_VARIES = (b"vary", b"Origin")
#: While the server drains, so that a balancer's kept connections end after an answer, not in the middle of a request.
_LAST = (b"connection", b"close")

Header = tuple[bytes, bytes]
_NONE: list[Header] = []


class HeadersMiddleware:
    """ASGI middleware: takes ``X-Request-Id`` over where it is well-formed, adds the headers, and notes how it ended."""

    def __init__(
        self,
        app: ASGIApp,
        journal: AccessLog,
        *,
        allow_origins: Iterable[str],
        allow_headers: Iterable[str],
        expose_headers: Iterable[str],
        max_age: int,
    ) -> None:
        """Take the options of the CORS library (Fetch, section 3.2), which words all but the simplest case."""
        self._app, self._journal = app, journal
        self._cors = CORSMiddleware(
            app,
            allow_origins=list(allow_origins),
            allow_methods=["GET", "POST"],
            allow_headers=list(allow_headers),
            expose_headers=list(expose_headers),
            max_age=max_age,
        )
        self._open = self._cors.allow_all_origins
        # Where pages of any origin may read, the library would give every answer the same.
        self._shared = [
            (name.lower().encode(), value.encode()) for name, value in self._cors.simple_headers.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and mend the head of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        began, status, number = time.perf_counter(), 500, _number(headers)
        REQUEST_ID.set(number.decode("ascii"))
        state = scope["app"].state
        app, shared = self._app, _NONE
        if b"origin" in headers:
            if self._open and scope["method"] != "OPTIONS":
                shared = self._shared
            else:
                app = self._cors

        async def send_mannerly(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = message["headers"]
                message["headers"] = [*given, *shared, *_missing(given, number, state.draining)]
            await send(message)

        try:
            await app(scope, receive, send_mannerly)
        finally:
            self._journal.note(scope, status, time.perf_counter() - began)


def _missing(given: Iterable[Header], number: bytes, draining: bool) -> list[Header]:
    """Tell the headers that an answer still needs."""
    found = dict(given)
    added = [header for header in (_STORED, _SNIFFED) if header[0] not in found]
    if b"Origin" not in found.get(b"vary", b""):
        added.append(_VARIES)
    # What a cache hands to others must not carry this visitor's id.
    if b"public" not in found.get(b"cache-control", b""):
        added.append((ID, number))
    if draining:
        added.append(_LAST)
    return added


def _number(headers: Mapping[bytes, bytes]) -> bytes:
    given = headers.get(ID, b"")
    # An id is no secret: it need not cost a call of the system's.
    return given if _ID.fullmatch(given) else b"%016x" % random.getrandbits(_ID_BITS)
