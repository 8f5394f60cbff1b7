"""Clearance for edges: ``/auth`` tells nginx, Caddy or Traefik whether a visitor's cookie holds a live pass.

A clearance is multi-use: the same cookie clears every request until its pass expires, and nothing is spent. What must happen
once per solved challenge (a sign-up, an order) asks siteverify instead.
"""

from http import HTTPStatus
from importlib.resources import files
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import BadRequest, BadToken, CaptchaError, Denied, Refused
from captcha_stateless.http.bodies import WrongMediaType, read_json
from captcha_stateless.http.endpoint import BodyTooLarge, Handler, MethodNotAllowed
from captcha_stateless.http.replies import Json
from captcha_stateless.protocols.base import Adapter, Table, wording
from captcha_stateless.sites import Site
from captcha_stateless.tokens.cookie import COOKIE, pass_in

WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str]] = {
    BadRequest: (HTTPStatus.BAD_REQUEST, "Send a JSON object with the pass as response"),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large"),
    WrongMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Body must be application/json"),
    Refused: (HTTPStatus.UNAUTHORIZED, "Solve a challenge first"),
    Denied: (HTTPStatus.UNAUTHORIZED, "Solve a challenge first"),
    CaptchaError: (HTTPStatus.SERVICE_UNAVAILABLE, "Temporarily unavailable"),
}


class Clearance(Adapter):
    """``POST /auth`` puts a pass into the cookie, ``GET /auth`` looks at it; ``?sitekey=`` says whose pass counts.

    ``/clearance.js`` is what a challenge page of the edge loads: it posts the pass and asks again for the page.
    """

    name: ClassVar[str] = "clearance"
    prefixed: ClassVar[bool] = False

    def table(self) -> Table:
        """Name the two paths."""
        return {"/auth": {"GET": self.check, "POST": self.clear}, "/clearance.js": {"GET": _script()}}

    async def check(self, request: Request) -> Response:
        """Answer 204 where the cookie holds a live pass of the site, 401 otherwise."""
        self.engine.passes.recognise(pass_in(request.headers.get("cookie", "")), self._site(request))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def clear(self, request: Request) -> Response:
        """Put a live pass of the site into the cookie, for as long as it lives."""
        token = _token(await read_json(request))
        shown = self.engine.passes.recognise(token, self._site(request))
        response = Response(status_code=HTTPStatus.NO_CONTENT)
        left = self.engine.left(shown)
        response.set_cookie(COOKIE, token, max_age=left, path="/", secure=True, httponly=True, samesite="lax")
        return response

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``{"error": …}``; a 401 names its scheme (RFC 9110, section 11.6.1)."""
        status, text = wording(WORDS, error)
        headers = {"WWW-Authenticate": "Captcha"} if status == HTTPStatus.UNAUTHORIZED else None
        return Json({"error": text}, status, headers)

    def _site(self, request: Request) -> Site:
        key = request.query_params.get("sitekey")
        if key is None and len(self.sites.all) == 1:
            return self.sites.all[0]
        # Of several sites none is guessed: a pass of one would open the doors of another.
        return self.sites.find(key or "")


def _script() -> Handler:
    content = files("captcha_stateless").joinpath("web", "clearance.js").read_bytes()
    headers = {"Cache-Control": "public, max-age=3600"}

    async def serve(_: Request) -> Response:
        return Response(content, media_type="text/javascript; charset=utf-8", headers=headers)

    return serve


def _token(body: Any) -> str:
    token = body.get("response") if isinstance(body, dict) else None
    if not isinstance(token, str):
        raise BadToken("no pass given") if isinstance(body, dict) else BadRequest("not a JSON object")
    return token
