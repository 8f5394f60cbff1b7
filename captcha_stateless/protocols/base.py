"""The contract of a protocol adapter: parse the request, ask the engine, word the reply."""

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from captcha_stateless.engine import Engine
from captcha_stateless.errors import BadRequest, CaptchaError, Denied, Refused, Unavailable
from captcha_stateless.settings import Settings
from captcha_stateless.sites import Sites

Handler = Callable[[Request], Awaitable[Response]]
#: For each path, the handler of each method.
Table = Mapping[str, Mapping[str, Handler]]

#: The media types of HTML forms.
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_MAX_FIELDS = 32

_log = logging.getLogger(__name__)


class MethodNotAllowed(BadRequest):
    """The path does not take this method; ``allowed`` names those it takes (RFC 9110, section 15.5.6)."""

    code = "method-not-allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__("method not allowed")
        self.allowed = allowed


class BodyTooLarge(BadRequest):
    """The body is longer than any honest one."""

    code = "body-too-large"


class WrongMediaType(BadRequest):
    """The body is of a media type that the path does not take."""

    code = "wrong-media-type"


class Adapter(ABC):
    """One wire protocol over the engine; it words every answer of its paths, mistakes included."""

    name: ClassVar[str]
    max_body_bytes: ClassVar[int] = 16_384
    #: Served under ``/<name>`` too, so that an edge can route by path where two protocols claim the same one.
    prefixed: ClassVar[bool] = True

    #: Whether tokens of this protocol can be heard at ``/api/audio``: their purpose is the protocol's name then.
    heard: ClassVar[bool] = False

    def __init__(self, engine: Engine, settings: Settings, sites: Callable[[], Sites]) -> None:
        """Take the sites as a call, for they may change at any time."""
        self.engine, self.settings, self._sites = engine, settings, sites

    @property
    def sites(self) -> Sites:
        """The sites as they are now."""
        return self._sites()

    @classmethod
    def enabled(cls, settings: Settings) -> bool:
        """Tell whether this adapter is served."""
        return not settings.protocols or cls.name in settings.protocols

    def warm(self) -> None:  # noqa: B027 - most protocols have nothing to prepare
        """Do once, before the first request, what is slow the first time."""

    @abstractmethod
    def table(self) -> Table:
        """Name the paths, and the handler of each method."""

    @abstractmethod
    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as this protocol does."""

    def routes(self) -> list[Route]:
        """Make the routes of this protocol."""
        endpoints = {path: _Endpoint(self, methods) for path, methods in self.table().items()}
        prefixes = ("", f"/{self.name}") if self.prefixed else ("",)
        return [Route(prefix + path, endpoint) for prefix in prefixes for path, endpoint in endpoints.items()]

    async def body(self, request: Request) -> bytes:
        """Read a body, up to the most that this protocol takes.

        Raises:
            BodyTooLarge: when it is longer; the rest is not read.
        """
        chunks: list[bytes] = []
        room = self.max_body_bytes
        async for chunk in request.stream():
            room -= len(chunk)
            if room < 0:
                raise BodyTooLarge("body too large")
            chunks.append(chunk)
        return b"".join(chunks)

    async def form(self, request: Request) -> dict[str, str]:
        """Read a body as an HTML form, urlencoded or multipart, without files; of a name that comes twice the last counts.

        Raises:
            WrongMediaType: when it is said to be something else.
            BadRequest: when it is not a form, or has more fields than any honest one.
            BodyTooLarge: as in :meth:`body`.
        """
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in FORMS:
            raise WrongMediaType(f"body must be {' or '.join(FORMS)}")
        content = await self.body(request)

        async def receive() -> Message:
            return {"type": "http.request", "body": content, "more_body": False}

        try:
            async with Request(request.scope, receive).form(max_files=0, max_fields=_MAX_FIELDS) as fields:
                return {name: value for name, value in fields.multi_items() if isinstance(value, str)}
        except (HTTPException, LookupError, ValueError):
            raise BadRequest("body must be a form") from None

    async def json(self, request: Request) -> Any:
        """Read a body as JSON (RFC 8259); no body at all reads as null.

        Raises:
            WrongMediaType: when it is said to be something else.
            BadRequest: when it is not JSON.
            BodyTooLarge: as in :meth:`body`.
        """
        media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise WrongMediaType("body must be application/json")
        content = await self.body(request)
        try:
            return json.loads(content) if content else None
        except (ValueError, RecursionError):
            raise BadRequest("body must be JSON") from None


def text(document: object, *names: str) -> tuple[str, ...]:
    """Take the named fields of a JSON object or form, each of which must be text.

    Raises:
        BadRequest: when one is missing or is something else.
    """
    values = [document.get(name) if isinstance(document, Mapping) else None for name in names]
    if not all(isinstance(value, str) for value in values):
        raise BadRequest(f"the body must hold {' and '.join(names)} as text")
    return tuple(str(value) for value in values)


def origin_host(request: Request) -> str:
    """Tell the host name of the page that sends a request, by its Origin header (RFC 6454); empty where there is none."""
    try:
        return urlsplit(request.headers.get("origin", "")).hostname or ""
    except ValueError:
        return ""


def public_url(request: Request, settings: Settings, path: str) -> str:
    """Tell under which address the client can reach a path of this server: the operator's, else the request's own."""
    base = settings.public_url or str(request.base_url).rstrip("/")
    return base + path


class _Endpoint:
    """Calls the handler of a request's method, and words what it raises; a class, so that Starlette passes every method."""

    def __init__(self, adapter: Adapter, methods: Mapping[str, Handler]) -> None:
        self._adapter = adapter
        self._methods = {**methods, **({"HEAD": methods["GET"]} if "GET" in methods else {})}
        self._allowed = ", ".join(sorted(self._methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        handler = self._methods.get(request.method)
        try:
            if handler is None:
                raise MethodNotAllowed(self._allowed)
            return await handler(request)
        except CaptchaError as error:
            _report(self._adapter.name, error)
            response = self._adapter.word(error)
            if isinstance(error, MethodNotAllowed):
                response.headers["Allow"] = error.allowed
            if isinstance(error, Unavailable):
                response.headers["Retry-After"] = str(error.retry_after_seconds)
            return response


def _report(protocol: str, error: CaptchaError) -> None:
    if isinstance(error, Refused | BadRequest | Denied):
        _log.info("%s: %s: %s", protocol, error.code, error)
    else:
        _log.error("%s: %s: %s", protocol, error.code, error)


def wording(table: Mapping[type[CaptchaError], Any], error: CaptchaError) -> Any:
    """Find the words for an error: those of its own type, or of the nearest type above it."""
    return next(table[kind] for kind in type(error).__mro__ if kind in table)
