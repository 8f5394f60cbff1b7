"""RelaySMS CAPTCHA server: a picture for a client id, one solve, and a token that the client's server verifies once.

The token is ``<challenge id>-<verification token>``. Both are compact JWEs, so the whole has eight dots, and the fifth of its
nine segments is the end of the one, a hyphen, and the header of the other. A header is base64url of ASCII without ``>`` and
``~``, which never holds a hyphen (its code, 62, takes one of those two): the last hyphen of that segment is the seam.
"""

from http import HTTPStatus
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import (
    BadRequest,
    BadToken,
    CaptchaError,
    Denied,
    Refused,
    Spent,
    Unavailable,
    WeakKind,
    WrongAnswer,
)
from captcha_stateless.formats.strict import base64
from captcha_stateless.http.bodies import read_json, text
from captcha_stateless.http.endpoint import BodyTooLarge, MethodNotAllowed
from captcha_stateless.http.replies import Json
from captcha_stateless.model import Params
from captcha_stateless.protocols.base import Adapter, Table, wording
from captcha_stateless.tokens.digests import fingerprint

WANTED: Params = {"width": 350, "height": 100, "seconds": 300}
#: The purpose of the second half of a token.
VERIFICATION = "relaysms-verified"
#: Of a challenge id's SHA-256, kept in the verification token: 128 bits.
_NAME_DIGITS = 32

SOLVED = "CAPTCHA solved successfully."
NOT_SOLVED = "Incorrect answer. Please try again with a new CAPTCHA."
VERIFIED = "Token verified successfully."
NOT_VERIFIED = "Token is invalid, has expired or has already been used."

# None: the error's own message, which holds only words of ours.
WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str | None]] = {
    Spent: (HTTPStatus.BAD_REQUEST, "Challenge has already been used."),
    Refused: (HTTPStatus.NOT_FOUND, "Challenge ID not found or has expired."),
    BadRequest: (HTTPStatus.BAD_REQUEST, None),
    WeakKind: (HTTPStatus.BAD_REQUEST, "This client offers no text CAPTCHA."),
    Denied: (HTTPStatus.UNAUTHORIZED, "Incorrect credentials. Please check and try again."),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed."),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large."),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "CAPTCHA service unavailable. Please try again later."),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "Refused."),
}


class NotVerified(Refused):
    """A verification token is not honoured, whatever the reason: the caller's question is answered, with no."""

    code = "not-verified"


class RelaySms(Adapter):
    """``POST /v1/new`` draws, ``/v1/solve`` judges once, ``/v1/verify`` lets a solved challenge through once."""

    name: ClassVar[str] = "relaysms"
    draws: ClassVar[bool] = True
    heard: ClassVar[bool] = True

    def table(self) -> Table:
        """Name the three paths."""
        return {
            "/v1/new": {"POST": self.new},
            "/v1/solve": {"POST": self.solve},
            "/v1/verify": {"POST": self.verify},
        }

    def warm(self) -> None:
        """Build the renderer."""
        self.engine.renderer.prepare("text", WANTED)

    async def new(self, request: Request) -> Response:
        """Draw a new picture for a client."""
        (client,) = text(await read_json(request), "client_id")
        sealed = await self.ask(request, self.bind(request, self._client(client)), "text", WANTED)
        (png,) = self.engine.renderer.picture(sealed)
        return Json({"challenge_id": sealed.token, "image": base64(png).decode("ascii")})

    async def solve(self, request: Request) -> Response:
        """Judge the one answer to a client's picture."""
        client, token, answer = text(await read_json(request), "client_id", "challenge_id", "answer")
        binding = self.bind(request, self._client(client))
        self.gate.require_kind(binding.site, "text")
        claims = self.engine.look(token, self.name)
        if claims.site != binding.site:
            raise BadToken("token of another site")
        answered = await self.gate.play(self.caller(request), claims, answer)
        proof = self.engine.attest(answered, VERIFICATION, {"of": _name(token)})
        # No pass beside it: one solve is one credential.
        return Json({"success": True, "message": SOLVED, "token": f"{token}-{proof.token}"})

    async def verify(self, request: Request) -> Response:
        """Tell a client's server, once, whether a token is of a challenge that was solved for that client."""
        secret, token = text(await read_json(request), "client_secret", "token")
        site = self.sites.authenticate(secret)
        challenge, verification = _parted(token)
        try:
            claims = self.engine.look(verification, VERIFICATION)
            if claims.site != site.key or claims.params.get("of") != _name(challenge):
                raise BadToken("verification token of another site or challenge")
            await self.engine.judge.consume(claims)
        except Refused as error:
            raise NotVerified(f"{error.code}: {error}") from None
        return Json({"success": True, "message": VERIFIED})

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``{"error": …}``; a verdict is an answer."""
        if isinstance(error, WrongAnswer):
            return Json({"success": False, "message": NOT_SOLVED, "token": None})
        if isinstance(error, NotVerified):
            return Json({"success": False, "message": NOT_VERIFIED})
        status, words = wording(WORDS, error)
        return Json({"error": str(error) if words is None else words}, status)

    def _client(self, key: str) -> str:
        """Find the client: one that is not named is unknown, and no default stands in for it."""
        return self.sites.find(key).key


def _parted(token: str) -> tuple[str, str]:
    """Part a token at its seam; what has none becomes two texts that open nothing."""
    segments = token.split(".", 8)
    end, _, header = segments[4].rpartition("-") if len(segments) == 9 else ("", "", "")
    return ".".join([*segments[:4], end]), ".".join([header, *segments[5:]])


def _name(token: str) -> str:
    return fingerprint(token).hex()[:_NAME_DIGITS]
