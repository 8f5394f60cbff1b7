"""miniCAP: a picture with its token in ``Captcha-Id``, and three tries to say what it reads."""

from http import HTTPStatus
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import (
    BadAnswer,
    BadBinding,
    BadRequest,
    CaptchaError,
    Refused,
    Unavailable,
    WrongAnswer,
)
from captcha_stateless.http.bodies import read_json, text
from captcha_stateless.http.endpoint import BodyTooLarge, MethodNotAllowed
from captcha_stateless.http.replies import Json
from captcha_stateless.model import Params
from captcha_stateless.protocols.base import Adapter, Table, wording

HEADER = "Captcha-Id"
TRIES = 3
WANTED: Params = {"width": 600, "height": 200, "seconds": 600}

VALIDATED = "CAPTCHA validated successfully"
WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str]] = {
    WrongAnswer: (HTTPStatus.BAD_REQUEST, "CAPTCHA validation failed"),
    # Empty, or longer than any answer: never right, and no try of the visitor's is taken for it.
    BadAnswer: (HTTPStatus.BAD_REQUEST, "CAPTCHA validation failed"),
    Refused: (HTTPStatus.NOT_FOUND, "CAPTCHA to validate not found"),
    BadBinding: (HTTPStatus.BAD_REQUEST, "sitekey, action or cdata is not of the documented form"),
    BadRequest: (HTTPStatus.UNPROCESSABLE_ENTITY, "Body must be JSON with the texts id and text"),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Temporarily unavailable"),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "Refused"),
}


class MiniCap(Adapter):
    """``POST /api/captcha/generate/`` draws, ``POST /api/captcha/validate/`` judges; both without the last slash too."""

    name: ClassVar[str] = "minicap"
    draws: ClassVar[bool] = True
    heard: ClassVar[bool] = True

    def table(self) -> Table:
        """Name the two paths, each with and without its slash."""
        paths = {"generate": self.generate, "validate": self.validate}
        return {
            f"/api/captcha/{path}{slash}": {"POST": handler}
            for path, handler in paths.items()
            for slash in ("/", "")
        }

    def warm(self) -> None:
        """Build the renderer."""
        self.engine.renderer.prepare("text", WANTED)

    async def generate(self, request: Request) -> Response:
        """Draw a new picture."""
        sealed = await self.ask(request, self.bound(request), "text", WANTED, tries=TRIES)
        (png,) = self.engine.renderer.picture(sealed)
        return Response(png, media_type="image/png", headers={HEADER: sealed.token})

    async def validate(self, request: Request) -> Response:
        """Judge what a picture is said to read."""
        token, answer = text(await read_json(request), "id", "text")
        claims = self.engine.look(token, self.name)
        await self.gate.redeem(self.caller(request), claims, answer)
        return _reply(HTTPStatus.OK, VALIDATED, self.earned(claims))

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``{"status": …, "message": …}``."""
        return _reply(*wording(WORDS, error))


def _reply(status: HTTPStatus, message: str, headers: dict[str, str] | None = None) -> Response:
    return Json({"status": int(status), "message": message}, status, headers)
