"""The page at ``/``: what this is, the widget to try, and where everything else is found."""

import re
from functools import lru_cache
from html import escape
from typing import ClassVar
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from captcha_stateless.errors import CaptchaError
from captcha_stateless.protocols import scripts
from captcha_stateless.protocols.base import Adapter, Table, mistake
from captcha_stateless.settings import Settings

#: Everything from this origin; no frame around it, no form out of it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}

FILES = {"/page.css": ("page.css", "text/css; charset=utf-8"), "/page.js": ("page.js", scripts.JAVASCRIPT)}

# What only stands where the protocol of that name is served.
_SERVED = re.compile(r"<!--if (\w+)-->(.*?)<!--end-->", re.DOTALL)
_RELATIVE = re.compile(r'\b(href|src)="(?=[a-z])(?!https?:)')


class Page(Adapter):
    """The page and its files, read once."""

    name: ClassVar[str] = "page"
    prefixed: ClassVar[bool] = False

    @classmethod
    def enabled(cls, settings: Settings) -> bool:
        """Tell whether the operator wants the page."""
        return settings.page

    def table(self) -> Table:
        """Name the paths."""
        files = {
            path: {"GET": scripts.serving(scripts.source(name).encode(), HEADERS, media_type)}
            for path, (name, media_type) in FILES.items()
        }
        return {"/": {"GET": self.show}, **files}

    async def show(self, request: Request) -> Response:
        """Show the page; where an edge serves us below a path, its links hold without the path's last slash, too."""
        below = urlsplit(self.settings.public_url).path or str(request.scope.get("root_path", ""))
        return Response(
            written(self.settings, below.rstrip("/")), headers=HEADERS, media_type="text/html; charset=utf-8"
        )

    def word(self, error: CaptchaError) -> Response:
        """Word the mistakes that a request for a file can make."""
        text, status = mistake(error)
        return PlainTextResponse(text, status)


@lru_cache(maxsize=8)
def written(settings: Settings, below: str) -> str:
    """Write the page: what is not served is not told of; ``below`` is the path under which clients reach us."""

    def is_served(name: str) -> bool:
        if name == "demo" and not settings.playground:
            return False
        return not settings.protocols or name in settings.protocols

    text = _SERVED.sub(lambda part: part[2] if is_served(part[1]) else "", scripts.source("page.html"))
    base = escape(f"{below}/")
    return _RELATIVE.sub(lambda link: f'{link[1]}="{base}', text) if below else text
