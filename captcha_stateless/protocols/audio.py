"""Audio: any text challenge can be heard at ``GET /api/audio?token=…``, whichever protocol handed it out."""

from functools import cached_property
from http import HTTPStatus
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import BadRequest, BadToken, CaptchaError, Expired, Unavailable
from captcha_stateless.http.endpoint import MethodNotAllowed
from captcha_stateless.http.ranges import ranged
from captcha_stateless.http.replies import Json
from captcha_stateless.model import Claims
from captcha_stateless.protocols.base import Adapter, Table, wording
from captcha_stateless.threads import Pool

# None: the error's own message, which holds only words of ours.
WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str | None]] = {
    BadToken: (HTTPStatus.NOT_FOUND, "No such challenge"),
    Expired: (HTTPStatus.NOT_FOUND, "Challenge expired"),
    BadRequest: (HTTPStatus.BAD_REQUEST, None),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Temporarily unavailable"),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "Refused"),
}


class Audio(Adapter):
    """``GET /api/audio`` says a challenge's digits, ``GET /api/audio/languages`` tells in which languages it can.

    ``lang`` chooses the language, else the browser's; ``language`` is one that is heard rather than that, as ALTCHA's widgets
    ask; ``download`` makes it a file to keep.
    """

    name: ClassVar[str] = "audio"

    def table(self) -> Table:
        """Name the two paths."""
        return {"/api/audio": {"GET": self.audio}, "/api/audio/languages": {"GET": self.languages}}

    async def audio(self, request: Request) -> Response:
        """Say a token's challenge; nothing is spent, and a player may ask for any part of it."""
        claims = self.engine.hear(request.query_params.get("token", ""))
        await self.gate.again(self.caller(request), claims)
        language = self._language(request, claims)
        content = await self._pool.run(lambda: self.engine.renderer.speak(claims, language))
        disposition = "attachment" if "download" in request.query_params else "inline"
        headers = {
            "Cache-Control": f"private, max-age={self.engine.left(claims)}",
            "Content-Disposition": f'{disposition}; filename="captcha.wav"',
            "ETag": f'"{self.engine.renderer.mark(claims)}-{language}"',
            "Vary": "Accept-Language",
        }
        return ranged(request, content, "audio/wav", headers)

    async def languages(self, _: Request) -> Response:
        """Tell the languages; without any, a page should show no button to listen."""
        return Json({"languages": self.engine.renderer.languages("text")})

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``{"error": …}``."""
        status, text = wording(WORDS, error)
        return Json({"error": str(error) if text is None else text}, status)

    @cached_property
    def _pool(self) -> Pool:
        return Pool()

    def _language(self, request: Request, claims: Claims) -> str:
        spoken = self.engine.renderer.languages(claims.kind)
        asked = request.query_params.get("lang")
        if asked is not None:
            return asked.lower()
        wished = request.query_params.get("language", ""), request.headers.get("accept-language", "")
        return preferred(",".join(wished), spoken)


def preferred(header: str, spoken: tuple[str, ...]) -> str:
    """Choose the spoken language that comes first in ``Accept-Language``, else the default.

    Each range is looked up as in RFC 4647, section 3.4: ``de-AT`` finds ``de``. The order of the header counts, not its
    weights, which browsers send in falling order.
    """
    for part in header.lower().split(",")[:16]:
        words = part.partition(";")[0].strip().split("-")
        for length in range(len(words), 0, -1):
            if "-".join(words[:length]) in spoken:
                return "-".join(words[:length])
    return spoken[0] if spoken else ""
