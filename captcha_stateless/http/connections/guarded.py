"""What uvicorn's connections lack: deadlines for slow clients, and bounds for large ones.

Rule 1: whoever sends has a deadline for each head and each body; whoever waits for us has none; whoever does not read what
we sent has one again.

Rule 2: where there are too many connections the longest idle one goes, not the newest: idle sockets cannot starve anybody.

Rule 3: an answer leaves whole. Its head alone would wake the client up, and be a packet of its own.
"""

import asyncio
import sys
from collections.abc import Awaitable
from functools import cache
from typing import Any, Literal, cast

from starlette.types import ASGIApp, Receive, Scope, Send

#: A head of 16 KB in one piece crosses any link within a second; a body of ours is no longer.
HEAD_SECONDS = 5.0
BODY_SECONDS = 5.0
#: For what a client does not read. Answers are at most some 100 KB.
UNSENT_SECONDS = 10.0

#: For the first request of a connection that was made just before its worker ends: it is on its way.
ARRIVING_SECONDS = 1.0

#: nginx takes 32 KB in all and 8 KB a header by default, HAProxy 15 KB in all; our own tokens are at most 1.5 KB.
MAX_HEAD_BYTES = 16_384
MAX_HEADERS = 64
#: Of a body that was answered before its end; then the connection goes.
_MAX_REST_BYTES = 262_144
#: Requests sent ahead of their answers.
_MAX_AHEAD = 16
_MAX_CONNECTIONS = 4_096
#: Files that a worker needs for anything but connections.
_OTHER_FILES = 64

_TOO_LARGE = b"Request header fields too large: at most %d, and %d bytes" % (MAX_HEADERS, MAX_HEAD_BYTES)
_REFUSAL_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"%d" % len(_TOO_LARGE)),
    (b"cache-control", b"no-store"),
    (b"connection", b"close"),
]
_REFUSAL = b"\r\n".join(
    [
        b"HTTP/1.1 431 Request Header Fields Too Large",
        *(name + b": " + value for name, value in _REFUSAL_HEADERS),
        b"",
        _TOO_LARGE,
    ]
)

#: More is not worth being copied for the sake of one write.
_MAX_JOINED_BYTES = 65_536
_HEAD, _INTERIM = b"HTTP/1.1 ", b"HTTP/1.1 1"

#: What a client is sending; None: nothing, its request is complete.
Part = Literal["head", "body"] | None


class Whole:
    """A transport that keeps the head of an answer back until the body comes, to write both at once.

    Of the ways to send, uvicorn's connections use ``write`` and ``close`` only; others would overtake a head.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport, self._head = transport, b""
        # Asked for with every request.
        self.is_closing, self.get_write_buffer_size = transport.is_closing, transport.get_write_buffer_size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write, unless it is a head; an interim one (RFC 9110, section 15.2) is waited for."""
        if self._head and len(data) <= _MAX_JOINED_BYTES:
            data, self._head = b"".join((self._head, data)), b""
        elif self._head:
            self.flush()
        elif data[: len(_HEAD)] == _HEAD and data[: len(_INTERIM)] != _INTERIM:
            self._head = bytes(data)
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Write a head that no body follows."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Close when all is written."""
        self.flush()
        self._transport.close()


class Guarded(asyncio.Protocol):
    """Mixed in before one of uvicorn's protocol classes, which parse and answer as ever."""

    # Of uvicorn's class.
    app: Any
    cycle: Any
    connections: set[Any]
    pipeline: Any = ()  # h11's has none
    loop: asyncio.AbstractEventLoop
    transport: Any

    head_seconds = HEAD_SECONDS
    body_seconds = BODY_SECONDS
    unsent_seconds = UNSENT_SECONDS
    arriving_seconds = ARRIVING_SECONDS

    _taken = 0
    _deadline: asyncio.TimerHandle | None = None
    _unsent: asyncio.TimerHandle | None = None
    _ending: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.app = _few_headers(self.app)

    @property
    def part(self) -> Part:
        """What the client is sending."""
        raise NotImplementedError

    @property
    def idle(self) -> bool:
        """Whether no request waits for our answer."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, and where there are too many drop the longest idle one."""
        super().connection_made(Whole(cast(asyncio.Transport, transport)))  # type: ignore[arg-type]  # all of it that is used
        self.since = self.loop.time()
        self._allow(self.head_seconds)
        if len(self.connections) > self.most():
            waiting = [each for each in self.connections if each.idle]
            min(waiting, key=lambda each: each.since).transport.abort()

    def most(self) -> int:
        """Tell how many connections this worker keeps."""
        return most_connections()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        self._forget()
        self._read()
        if self._ending is not None:
            self._ending.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End the connection when its worker ends; one that was made just now may first ask what it was made for."""
        left = self.since + self.arriving_seconds - self.loop.time()
        if self.cycle is None and left > 0:
            self._ending = self.loop.call_later(left, super().shutdown)  # type: ignore[misc]  # uvicorn's class has it
        else:
            super().shutdown()  # type: ignore[misc]  # as above

    def data_received(self, data: bytes) -> None:
        """Parse in small steps, so that no bound is passed by more than one of them."""
        if self._unsent is not None and not self.transport.get_write_buffer_size():
            self._read()
        for start in range(0, len(data), MAX_HEAD_BYTES):
            if self.transport.is_closing():
                return
            self._take(data[start : start + MAX_HEAD_BYTES])

    def on_response_complete(self) -> None:
        """Watch whether the client reads what was sent."""
        self.transport.flush()
        super().on_response_complete()  # type: ignore[misc]  # uvicorn's class has it
        self.since = self.loop.time()
        if self.transport.get_write_buffer_size():
            self._watch()

    def pause_writing(self) -> None:
        """Stop sending, but not for ever."""
        super().pause_writing()
        self._watch()

    def _take(self, data: bytes) -> None:
        cycle, before = self.cycle, self.part
        super().data_received(data)
        begun, part = self.cycle is not cycle, self.part
        if begun and self._ending is not None:
            self.cycle.keep_alive = False
        self._taken = 0 if begun or part != before else self._taken + len(data)
        if self._taken > MAX_HEAD_BYTES or len(self.pipeline) > _MAX_AHEAD:
            self._bound(part)
        if part is None and not self.idle:
            self._forget()
        elif begun or self._deadline is None:
            self._allow(self.body_seconds if part == "body" else self.head_seconds)

    def _bound(self, part: Part) -> None:
        if part == "head" and self._taken > MAX_HEAD_BYTES:
            self._refuse()
        elif len(self.pipeline) > _MAX_AHEAD or (
            part == "body" and self.idle and self._taken > _MAX_REST_BYTES
        ):
            self.transport.abort()

    def _refuse(self) -> None:
        if self.idle:
            self.transport.write(_REFUSAL)
            self.transport.close()
        else:  # between the bytes of another answer there is no room for this one
            self.transport.abort()

    def _allow(self, seconds: float) -> None:
        self._forget()
        if not self.transport.is_closing():
            self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _watch(self) -> None:
        if self._unsent is None:
            self._unsent = self.loop.call_later(self.unsent_seconds, self._drop_unread)

    def _drop_unread(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        self._unsent = None

    def _read(self) -> None:
        if self._unsent is not None:
            self._unsent.cancel()
            self._unsent = None


@cache
def most_connections() -> int:
    """Tell how many connections a worker keeps: few enough for its limit of open files."""
    if sys.platform == "win32":
        return _MAX_CONNECTIONS
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(_MAX_CONNECTIONS, soft - _OTHER_FILES) if soft > _OTHER_FILES else _MAX_CONNECTIONS


def _few_headers(app: ASGIApp) -> ASGIApp:
    def guard(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        few = len(scope.get("headers", ())) <= MAX_HEADERS
        return app(scope, receive, send) if few else _refuse(send)

    return guard


async def _refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 431, "headers": _REFUSAL_HEADERS})
    await send({"type": "http.response.body", "body": _TOO_LARGE})
