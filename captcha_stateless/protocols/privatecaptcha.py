"""Private Captcha's verify API, for back ends written for it: a pass is judged under the site's secret, once."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import ClassVar

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
from captcha_stateless.http.endpoint import BodyTooLarge, MethodNotAllowed
from captcha_stateless.http.replies import Json
from captcha_stateless.protocols.base import Adapter, Table, wording


class WrongProperty(WrongSite):
    """The site key that was sent is not that of the secret's site."""

    code = "wrong-property"


#: The verdicts, by Private Captcha's own numbers.
CODES: dict[type[CaptchaError], int] = {
    Spent: 8,
    Expired: 5,
    Refused: 3,
    WrongProperty: 6,
    WrongSite: 7,
    WeakKind: 3,
    BadRequest: 4,
}
RIGHT = 0
#: What is no verdict: clients ask again after some, and give up after the others.
STATUSES: dict[type[CaptchaError], HTTPStatus] = {
    WrongSecret: HTTPStatus.UNAUTHORIZED,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    CaptchaError: HTTPStatus.BAD_REQUEST,
}
_OTHER = 1


class PrivateCaptcha(Adapter):
    """``POST /verify``: the pass as plain text, the secret in ``X-Api-Key``, the site's key in ``X-PC-Sitekey``."""

    name: ClassVar[str] = "privatecaptcha"

    def table(self) -> Table:
        """Name the one path."""
        return {"/verify": {"POST": self.judge}}

    async def judge(self, request: Request) -> Response:
        """Judge a pass."""
        content = await request.body()
        site = self.sites.authenticate(request.headers.get("x-api-key", ""))
        try:
            if request.headers.get("x-pc-sitekey", site.key) not in ("", site.key):
                raise WrongProperty("another site's key")
            shown = await self.engine.passes.admit(_text(content), site)
        except (BadRequest, Refused, WrongSite, WeakKind) as error:
            self.note(error)
            return Json({"success": False, "code": wording(CODES, error)})
        solved = datetime.fromtimestamp(shown.iat, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Json({"success": True, "code": RIGHT, "origin": shown.host, "timestamp": solved})

    def word(self, error: CaptchaError) -> Response:
        """Word what is no verdict: a wrong secret, a method that is not taken, or a part that is down."""
        return Json({"success": False, "code": _OTHER}, wording(STATUSES, error))


def _text(content: bytes) -> str:
    try:
        text = content.decode("ascii")
    except ValueError:
        raise BadRequest("solution is no text") from None
    if not text:
        raise BadRequest("no solution")
    return text
