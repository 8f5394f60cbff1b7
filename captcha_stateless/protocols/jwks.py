"""The public keys of passes, at ``/.well-known/jwks.json``: with them everyone verifies without a call."""

from typing import ClassVar

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from captcha_stateless.errors import CaptchaError
from captcha_stateless.http.replies import Json
from captcha_stateless.protocols.base import Adapter, Table, mistake
from captcha_stateless.tokens.keys import PUBLISHED_SECONDS

#: A key signs no earlier than this after it was published everywhere, so whoever keeps the set so long misses none.
CACHING = f"public, max-age={PUBLISHED_SECONDS}"


class Jwks(Adapter):
    """A JWK Set (RFC 7517, section 5) of the next, the current and the retired keys."""

    name: ClassVar[str] = "jwks"
    prefixed: ClassVar[bool] = False

    def table(self) -> Table:
        """Name the one path."""
        return {"/.well-known/jwks.json": {"GET": self.keys}}

    async def keys(self, _: Request) -> Response:
        """Hand out the set."""
        return Json(
            self.engine.passes.published(),
            headers={"Cache-Control": CACHING},
            media_type="application/jwk-set+json",
        )

    def word(self, error: CaptchaError) -> Response:
        """Word the mistakes that a request for a file can make."""
        text, status = mistake(error)
        return PlainTextResponse(text, status)
