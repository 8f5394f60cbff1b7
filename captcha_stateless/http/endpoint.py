"""What stands between a path and its handlers: the body is read, a place in the queue is taken, what is raised is worded."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import ClassVar, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from captcha_stateless.errors import BadRequest, CaptchaError, TooMany, Unavailable
from captcha_stateless.http.admission import Admission
from captcha_stateless.http.query import is_bounded

Handler = Callable[[Request], Awaitable[Response]]

#: Refusals that say when to come back.
_LATER = (Unavailable, TooMany)
#: Refusals that an endpoint keeps ready, a few hundred bytes each.
_MOST_TOLD = 64


class MethodNotAllowed(BadRequest):
    """The path does not take this method; ``allowed`` names those it takes (RFC 9110, section 15.5.6)."""

    code = "method-not-allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__("method not allowed")
        self.allowed = allowed


class BodyTooLarge(BadRequest):
    """The body is longer than any honest one."""

    code = "body-too-large"


class Arrived(Request):
    """A request whose body is there: one that was longer than its path takes cannot be read."""

    def __init__(self, scope: Scope, content: bytes | None) -> None:
        super().__init__(scope)
        self._content = content

    async def body(self) -> bytes:
        """Hand out the body.

        Raises:
            BodyTooLarge: when it was longer than any honest one.
        """
        if self._content is None:
            raise BodyTooLarge("body too large")
        return self._content

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Hand out the body in one piece; raises as :meth:`body`."""
        yield await self.body()


class Words(Protocol):
    """What an endpoint needs of its adapter; :class:`captcha_stateless.protocols.base.Adapter` says more of each."""

    name: ClassVar[str]
    max_body_bytes: ClassVar[int]
    queued: ClassVar[bool]
    admission: Admission

    @property
    def standing(self) -> bool:
        """Whether the words of a refusal do not hang on the request."""

    @property
    def asks(self) -> bool:
        """Whether others are asked about who sends a request."""

    async def foresee(self, request: Request) -> None:
        """Ask them."""

    def note(self, error: CaptchaError) -> None:
        """Tell the log of a refusal."""

    def reply(self, error: CaptchaError, request: Request) -> Response:
        """Word a refusal."""

    def fault(self, request: Request) -> Response:
        """Word a fault of ours."""


class Endpoint:
    """Calls the handler of a request's method, and words what it raises; a class, so that Starlette passes every method."""

    def __init__(self, adapter: Words, methods: Mapping[str, Handler]) -> None:
        self._adapter = adapter
        self._methods = {**methods, **({"HEAD": methods["GET"]} if "GET" in methods else {})}
        self._allowed = ", ".join(sorted(self._methods))
        self._standing, self._asks = adapter.standing, adapter.asks
        self._told: dict[tuple[type, str, str], Response] = {}

    @property
    def protocol(self) -> str:
        """The protocol's name."""
        return self._adapter.name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        try:
            response = await self._respond(scope, receive)
        except ClientDisconnect:
            return
        except Exception:
            await self._adapter.fault(Request(scope))(scope, receive, send)
            raise  # to the log
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        adapter, handler = self._adapter, self._methods.get(scope["method"])
        # Before anything is answered: who closes while the client still sends may take the answer from it. And before the
        # request takes a place in the queue: neither a slow client nor a slow list of others holds one.
        request = await self._arrived(scope, receive)
        try:
            if handler is None:
                raise MethodNotAllowed(self._allowed)
            if not is_bounded(scope["query_string"]):
                raise BadRequest("too many query parameters")
            if not adapter.queued:
                return await handler(request)
            if self._asks:
                await adapter.foresee(request)
            async with adapter.admission:
                return await handler(request)
        except CaptchaError as error:
            return self._refusal(error, request)

    async def _arrived(self, scope: Scope, receive: Receive) -> Arrived:
        """Read the body."""
        chunks, room, more = [], self._adapter.max_body_bytes, True
        while more and room >= 0:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunks.append(message.get("body", b""))
            room -= len(chunks[-1])
            more = message.get("more_body", False)
        return Arrived(scope, b"".join(chunks) if room >= 0 else None)

    def _refusal(self, error: CaptchaError, request: Request) -> Response:
        """Word a refusal; where its words do not hang on the request, only once.

        Whoever asks twice what a server can do is refused as often as answered, at the cost of answers.
        """
        self._adapter.note(error)
        if not self._standing:
            return self._worded(error, request)
        name = (type(error), str(error), str(vars(error)))
        response = self._told.get(name)
        if response is None:
            if len(self._told) >= _MOST_TOLD:
                self._told.clear()
            response = self._told[name] = self._worded(error, request)
        return response

    def _worded(self, error: CaptchaError, request: Request) -> Response:
        response = self._adapter.reply(error, request)
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = error.allowed
        if isinstance(error, TooMany):
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        if isinstance(error, _LATER):
            response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response
