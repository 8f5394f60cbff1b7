"""Friendly Captcha's second verify API, for back ends written for it: a pass is judged under the site's secret, once.

Its libraries, unless they are told to be strict, let everybody through on a status of 400 to 499: so whatever hangs on the
visitor is answered with 200, also an empty response.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import (
    BadRequest,
    CaptchaError,
    Expired,
    Refused,
    Spent,
    Unavailable,
    WeakKind,
    WrongSecret,
    WrongSite,
)
from captcha_stateless.http.bodies import read_json
from captcha_stateless.http.endpoint import BodyTooLarge, MethodNotAllowed
from captcha_stateless.http.replies import Json
from captcha_stateless.model import Pass
from captcha_stateless.protocols.base import Adapter, Table, wording


class NoKey(WrongSecret):
    """There is no API key."""

    code = "no-key"


class NoResponse(BadRequest):
    """There is no response."""

    code = "no-response"


class EmptyResponse(Refused):
    """The visitor sent nothing."""

    code = "empty-response"


class WrongSitekey(BadRequest):
    """The site key that was sent is not that of the secret's site."""

    code = "wrong-sitekey"


_NO = (HTTPStatus.OK, "response_invalid", "the response is not honoured")
WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str, str]] = {
    NoKey: (HTTPStatus.UNAUTHORIZED, "auth_required", "X-API-Key is missing"),
    WrongSecret: (HTTPStatus.UNAUTHORIZED, "auth_invalid", "the API key is nobody's"),
    WrongSitekey: (HTTPStatus.BAD_REQUEST, "sitekey_invalid", "the sitekey is not that of the API key"),
    # What a visitor can bring about is a plain no: unless they are told to be strict, its client libraries let everybody in
    # who sends nothing, too much, or something else than text, for they take "missing" and "bad" for mistakes of the site's.
    NoResponse: _NO,
    EmptyResponse: _NO,
    Expired: (HTTPStatus.OK, "response_timeout", "the response has expired"),
    Spent: (HTTPStatus.OK, "response_duplicate", "the response was used before"),
    Refused: (HTTPStatus.OK, "response_invalid", "the response is not honoured"),
    WrongSite: (HTTPStatus.OK, "response_invalid", "the response is not honoured"),
    WeakKind: (HTTPStatus.OK, "response_invalid", "the response is not honoured"),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "bad_request", "method not allowed"),
    BodyTooLarge: _NO,
    BadRequest: _NO,
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "internal_server_error", "temporarily unavailable"),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "bad_request", "refused"),
}


class Friendly(Adapter):
    """``POST /api/v2/captcha/siteverify``, with the site's secret in ``X-API-Key``."""

    name: ClassVar[str] = "friendly"

    def table(self) -> Table:
        """Name the one path."""
        return {"/api/v2/captcha/siteverify": {"POST": self.judge}}

    async def judge(self, request: Request) -> Response:
        """Judge a pass."""
        secret = request.headers.get("x-api-key", "")
        if not secret:
            raise NoKey("no API key")
        site = self.sites.authenticate(secret)
        document = await read_json(request)
        if not isinstance(document, dict):
            raise BadRequest("no object")
        if document.get("sitekey") not in (None, "", site.key):
            raise WrongSitekey("another site's key")
        shown = await self.engine.passes.admit(_response(document), site)
        return Json({"success": True, "data": {"challenge": _challenge(shown)}})

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``{"success": false, "error": {"error_code": …, "detail": …}}``."""
        status, code, detail = wording(WORDS, error)
        return Json({"success": False, "error": {"error_code": code, "detail": detail}}, status)


def _response(document: dict[str, Any]) -> str:
    response = document.get("response")
    if response is None:
        raise NoResponse("no response")
    if not isinstance(response, str):
        raise BadRequest("response is no text")
    if not response:
        raise EmptyResponse("empty response")
    return response


def _challenge(shown: Pass) -> dict[str, str]:
    solved = datetime.fromtimestamp(shown.iat, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"timestamp": solved, "origin": f"https://{shown.host}" if shown.host else ""}
