"""1Captcha: nine images, one expected character, stage after stage, the token in ``X-Captcha-Challenge``."""

import json
from binascii import b2a_base64
from collections.abc import Sequence
from http import HTTPStatus
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from captcha_stateless import testkeys
from captcha_stateless.errors import (
    BadRequest,
    BadToken,
    Blocked,
    CaptchaError,
    Expired,
    Spent,
    Unavailable,
    UnknownSite,
    WrongAnswer,
    WrongHost,
)
from captcha_stateless.model import Params, Sealed
from captcha_stateless.protocols.base import (
    Adapter,
    BodyTooLarge,
    MethodNotAllowed,
    Table,
    WrongMediaType,
    wording,
)

HEADER = "x-captcha-challenge"
BINDING = ("sitekey", "action", "cdata")
_DATA_URL = b"data:image/png;base64,"

# None: the error's own message, which holds only words of ours.
WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str | None]] = {
    BadToken: (HTTPStatus.BAD_REQUEST, "Unable to parse challenge token"),
    Expired: (HTTPStatus.BAD_REQUEST, "Challenge expired"),
    Spent: (HTTPStatus.BAD_REQUEST, "Challenge already answered"),
    WrongAnswer: (HTTPStatus.BAD_REQUEST, "Incorrect"),
    BadRequest: (HTTPStatus.BAD_REQUEST, None),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large"),
    WrongMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Body must be application/json"),
    UnknownSite: (HTTPStatus.FORBIDDEN, "Unknown site key"),
    WrongHost: (HTTPStatus.FORBIDDEN, "Host not allowed"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Temporarily unavailable"),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "Refused"),
}


class OneCaptcha(Adapter):
    """``POST /api/challenge`` begins a run or answers a stage; ``POST /api/extend`` asks for more time."""

    name: ClassVar[str] = "onecaptcha"

    def table(self) -> Table:
        """Name the two paths."""
        return {"/api/challenge": {"POST": self.challenge}, "/api/extend": {"POST": self.extend}}

    async def challenge(self, request: Request) -> Response:
        """Begin a run without the header; answer a stage with it."""
        token = request.headers.get(HEADER)
        if token is None:
            return await self._begin(request)
        claims = self.engine.look(
            token, self.name
        )  # a bad token is told before a bad body, as the original does
        body = await self.json(request)
        await self.engine.redeem(claims, body.get("answer") if isinstance(body, dict) else None)
        following = self.engine.advance(claims)
        if following is not None:
            return self._stage(following)
        return JSONResponse({"done": True, "flag": self.settings.flag or self.engine.vouch(claims).token})

    async def _begin(self, request: Request) -> Response:
        asked = await self._asked(request)
        binding = self.bind(
            request, asked.get("sitekey"), action=asked.get("action", ""), cdata=asked.get("cdata", "")
        )
        if binding["site"] == testkeys.PASSING_SITE:
            return JSONResponse({"done": True, "flag": testkeys.DUMMY})
        if binding["site"] == testkeys.FAILING_SITE:
            raise Blocked("the failing test site")
        await self.limit(request, binding["site"])
        return self._stage(self.engine.issue(self.name, "grid", self._wanted(request), **binding))

    async def extend(self, request: Request) -> Response:
        """Seal the same stage again with a later deadline."""
        return self._stage(self.engine.extend(request.headers.get(HEADER, ""), self.name))

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``{"error": …}``."""
        status, text = wording(WORDS, error)
        return JSONResponse({"error": str(error) if text is None else text}, status)

    async def _asked(self, request: Request) -> dict[str, str]:
        """Read what the run is to be bound to, from the query or from a JSON object; the original sends neither."""
        asked: dict[str, object] = dict(request.query_params)
        if "application/json" in request.headers.get("content-type", "") and isinstance(
            body := await self.json(request), dict
        ):
            asked = {**body, **asked}
        return {name: text for name in BINDING if isinstance(text := asked.get(name), str)}

    def _wanted(self, request: Request) -> Params:
        profile = request.query_params.get("profile")
        return {"profile": profile} if profile is not None and self.settings.profile_choice else {}

    def _stage(self, sealed: Sealed) -> Response:
        claims = sealed.claims
        head: dict[str, str | int] = {
            "challenge": sealed.token,
            "stage": claims.stage,
            "stages": claims.stages,
            "time": self.engine.left(claims),
        }
        return Response(_with_pictures(head, self.engine.picture(sealed)), media_type="application/json")


def _with_pictures(head: dict[str, str | int], pngs: Sequence[bytes]) -> bytes:
    """Write the reply; base64 needs no escaping, and a JSON encoder would search 16 KB for what to escape."""
    expected, *images = (_DATA_URL + b2a_base64(png, newline=False) for png in pngs)
    start = json.dumps(head, separators=(",", ":")).encode("ascii")[:-1]
    return b'%b,"expected":"%b","images":["%b"]}' % (start, expected, b'","'.join(images))
