"""The page to try it: the widget alone, at ``/``."""

from importlib.resources import files
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from captcha_stateless.errors import CaptchaError
from captcha_stateless.http.endpoint import Handler, MethodNotAllowed
from captcha_stateless.protocols.base import Adapter, Table
from captcha_stateless.settings import Settings

#: Everything from this origin; no frame around it, no form out of it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)

FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}


class Page(Adapter):
    """The page's files, read once."""

    name: ClassVar[str] = "page"
    prefixed: ClassVar[bool] = False

    @classmethod
    def enabled(cls, settings: Settings) -> bool:
        """Tell whether the operator wants the page."""
        return settings.page

    def table(self) -> Table:
        """Name the files."""
        return {path: {"GET": _serving(name, media_type)} for path, (name, media_type) in FILES.items()}

    def word(self, error: CaptchaError) -> Response:
        """Word the one mistake there is."""
        assert isinstance(error, MethodNotAllowed)
        return PlainTextResponse("Method not allowed", 405)


def _serving(name: str, media_type: str) -> Handler:
    content = files("captcha_stateless").joinpath("web", name).read_bytes()
    headers = {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }

    async def serve(_: Request) -> Response:
        return Response(content, media_type=media_type, headers=headers)

    return serve
