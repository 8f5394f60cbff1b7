"""Tornevall captcha API 2.0 and 3.0: a picture by URL, drawn anew by whichever replica is asked for it.

A verdict is HTTP 200 whatever it says, as the body is what the documentation tells clients to read; 4xx is for requests that
have not the documented form.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import BadAnswer, BadBinding, BadRequest, CaptchaError, Refused, Unavailable
from captcha_stateless.http.bodies import FORMS, WrongMediaType, media_type, read_form, read_json, text
from captcha_stateless.http.endpoint import BodyTooLarge, MethodNotAllowed
from captcha_stateless.http.public_url import public_url
from captcha_stateless.http.ranges import ranged
from captcha_stateless.http.replies import Json
from captcha_stateless.model import Claims, Params
from captcha_stateless.protocols.base import Adapter, Table, wording

WANTED: Params = {"width": 350, "height": 100, "seconds": 300}
NOTICE = "test"

#: A failed test's code: the HTTP status that it stands for, or API 2.0's TAPI_PLUGIN_CAPTCHA_STRING_MISMATCH.
FAILED_CODES = {"3.0": "401", "2.0": "2003"}
FAILED = "Captcha test failed"


class TestFailed(Refused):
    """The answer is not right, or its token not honoured; ``version`` says in whose words to tell."""

    code = "test-failed"

    def __init__(self, message: str, version: str) -> None:
        super().__init__(message)
        self.version = version


class UnknownVerb(BadRequest):
    """The path names no verb of this API."""

    code = "unknown-verb"


WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str]] = {
    UnknownVerb: (HTTPStatus.NOT_FOUND, "No such verb"),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large"),
    WrongMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Body must be JSON or a form"),
    BadBinding: (HTTPStatus.BAD_REQUEST, "sitekey, action or cdata is not of the documented form"),
    BadRequest: (HTTPStatus.BAD_REQUEST, "Test a captcha with hash and response"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Temporarily unavailable"),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "Refused"),
}


class Tornevall(Adapter):
    """Below ``/3.0/captcha`` and ``/2.0/captcha``: getCaptcha, getImage and testCaptcha, in any case."""

    name: ClassVar[str] = "tornevall"
    draws: ClassVar[bool] = True
    heard: ClassVar[bool] = True

    def table(self) -> Table:
        """Name the paths of both versions; the rest of a path is for the verb to read."""
        methods = {"GET": self.serve, "POST": self.serve}
        return {
            f"/{version}/captcha{rest}": methods for version in FAILED_CODES for rest in ("", "/{rest:path}")
        }

    def warm(self) -> None:
        """Build the renderer, and draw the notice."""
        assert self._notice

    async def serve(self, request: Request) -> Response:
        """Do what the first word of the path says."""
        verbs = {
            "": self.begin,
            "getcaptcha": self.get_captcha,
            "getimage": self.image,
            "testcaptcha": self.test,
        }
        verb, *words = request.path_params.get("rest", "").split("/", 4)
        if verb.lower() not in verbs:
            raise UnknownVerb("no such verb")
        return await verbs[verb.lower()](request, words)

    async def begin(self, request: Request, words: list[str]) -> Response:
        """Draw a captcha; API 2.0 words it as 3.0 does, and as its own documentation shows."""
        _require_no_more(words)
        drawn, claims = await self._drawn(request)
        date = datetime.fromtimestamp(claims.iat, UTC).strftime("%Y-%m-%d %H:%M:%S")
        reply = {"captchaResponse": {**drawn, "date": date}}
        return Json(reply if _version(request) == "3.0" else {**reply, "response": reply})

    async def get_captcha(self, request: Request, words: list[str]) -> Response:
        """Draw a captcha, in the verb's own words."""
        _require_no_more(words)
        return Json({"response": {"getCaptchaResponse": (await self._drawn(request))[0]}})

    async def image(self, request: Request, words: list[str]) -> Response:
        """Serve the picture of a token: the same from every replica, until the token's deadline."""
        named = len(words) > 1 and words[0].lower() == "hash"
        token, *more = words[named:] or [""]
        _require_no_more(more)
        try:
            claims = self.engine.look(token, self.name)
        except Refused:
            return Response(self._notice, media_type="image/png")
        await self.gate.again(self.caller(request), claims)
        (png,) = self.engine.renderer.redraw(claims)
        headers = {
            "Cache-Control": f"public, max-age={self.engine.left(claims)}, immutable",
            "ETag": f'"{self.engine.renderer.mark(claims)}"',
        }
        return ranged(request, png, "image/png", headers)

    async def test(self, request: Request, words: list[str]) -> Response:
        """Judge the one answer to a picture: by JSON, by form, or by path."""
        if request.method == "HEAD":
            raise MethodNotAllowed("GET, POST")  # what only looks must not use up the answer
        token, answer = await self._answer(request, words)
        try:
            claims = self.engine.look(token, self.name)
            answered = await self.gate.redeem(self.caller(request), claims, answer)
        except (Refused, BadAnswer) as error:
            raise TestFailed(f"{error.code}: {error}", _version(request)) from None
        return Json({"response": {"testCaptchaResponse": "1"}}, headers=self.earned(answered))

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``errors`` with a code and a fault string."""
        if isinstance(error, TestFailed):
            return _failed(HTTPStatus.OK, FAILED_CODES[error.version], FAILED)
        status, fault = wording(WORDS, error)
        return _failed(status, str(int(status)), fault)

    async def _answer(self, request: Request, words: list[str]) -> tuple[str, ...]:
        match words:
            case [first, token, second, answer] if (first.lower(), second.lower()) == ("hash", "response"):
                return token, answer
            case [] | [""] if request.method == "POST":
                is_form = media_type(request) in FORMS
                document = await (read_form(request) if is_form else read_json(request))
                return text(document, "hash", "response")
        raise BadRequest("a test needs hash and response")

    async def _drawn(self, request: Request) -> tuple[Mapping[str, str], Claims]:
        sealed = await self.ask(request, self.bound(request), "text", WANTED)
        path = f"{_place(request)}/captcha/getImage/hash/{sealed.token}"
        url = public_url(request, self.settings, path)
        return {"imageUrl": url, "imageHash": sealed.token}, sealed.claims

    @cached_property
    def _notice(self) -> bytes:
        return self.engine.renderer.notice("text", NOTICE, WANTED)


def _require_no_more(words: list[str]) -> None:
    """Refuse what may not follow a verb: an edge tells by the path what to limit, and what to cache.

    Raises:
        UnknownVerb: there is more than a slash.
    """
    if words not in ([], [""]):
        raise UnknownVerb("nothing may follow")


def _place(request: Request) -> str:
    """Tell what comes before ``/captcha`` in the path: a version, and this protocol's prefix where it was asked by that."""
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    return path.partition("/captcha")[0]


def _version(request: Request) -> str:
    return _place(request).rpartition("/")[2]


def _failed(status: HTTPStatus, code: str, fault: str) -> Response:
    return Json({"response": [], "errors": {"code": code, "success": "", "faultstring": fault}}, status)
