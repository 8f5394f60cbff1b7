"""The playground at ``/demo``, for development: every protocol, the widget's switches, samples, and tokens looked into."""

import asyncio
from functools import cached_property
from http import HTTPStatus
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import BadRequest, BadToken, CaptchaError, Unavailable
from captcha_stateless.http.bodies import WrongMediaType, read_json, text
from captcha_stateless.http.endpoint import BodyTooLarge, Handler, MethodNotAllowed
from captcha_stateless.http.replies import Json
from captcha_stateless.model import Claims, Params
from captcha_stateless.protocols import scripts
from captcha_stateless.protocols.base import Adapter, Table, wording
from captcha_stateless.render import contact_sheet
from captcha_stateless.settings import Settings
from captcha_stateless.sites import DEVELOPMENT_SECRET
from captcha_stateless.threads import Pool

#: What the gallery shows: a kind, what is wanted of it, and how many a sheet.
SAMPLES: dict[str, tuple[str, Params, int]] = {
    "grid": ("grid", {}, 3),
    "classic": ("grid", {"profile": "classic"}, 3),
    "text": ("text", {}, 3),
    "text-dark": ("text", {"theme": "dark"}, 3),
}
#: How many sheets of each are drawn, ever: what a visitor can ask for has its limit.
SHEETS = 4
FILES = {
    "/demo": ("demo.html", "text/html; charset=utf-8"),
    "/demo.css": ("demo.css", "text/css; charset=utf-8"),
    "/demo.js": ("demo.js", scripts.JAVASCRIPT),
    **{
        f"/demo/{name}.js": (f"demo/{name}.js", scripts.JAVASCRIPT)
        for name in ("document", "protocols", "puzzles", "replicas", "widget")
    },
}
#: Of what a token holds: not the seed, and of the answers no more than how many there are.
SHOWN = (
    "purpose",
    "kind",
    "iat",
    "exp",
    "until",
    "stage",
    "stages",
    "tries",
    "site",
    "host",
    "action",
    "cdata",
)

WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str]] = {
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large"),
    WrongMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Body must be application/json"),
    BadToken: (HTTPStatus.BAD_REQUEST, "Not a token of this server"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Temporarily unavailable"),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "Refused"),
}


class Demo(Adapter):
    """The page, what it must know, its samples, and the inspector."""

    name: ClassVar[str] = "demo"
    prefixed: ClassVar[bool] = False

    @classmethod
    def enabled(cls, settings: Settings) -> bool:
        """Tell whether this is for trying things out."""
        return settings.playground and super().enabled(settings)

    def table(self) -> Table:
        """Name the paths."""
        files = {path: {"GET": self._serving(*file)} for path, file in FILES.items()}
        return {
            **files,
            "/demo/config.json": {"GET": self.config},
            "/demo/samples/{name}.png": {"GET": self.sample},
            "/demo/inspect": {"POST": self.inspect},
        }

    async def config(self, _: Request) -> Response:
        """Tell the page whose site it is to try, and where the other replica is."""
        site = self.sites.default
        return Json(
            {
                "sitekey": site.key if site else "",
                "secret": DEVELOPMENT_SECRET,
                "replica": self.settings.demo_replica,
                "languages": scripts.languages(),
                "samples": list(SAMPLES),
                "sheets": SHEETS,
            }
        )

    async def sample(self, request: Request) -> Response:
        """Show one of the sheets of challenges; the first who asks has it drawn."""
        name, sheet = request.path_params["name"], request.query_params.get("sheet", "0")
        if name not in SAMPLES or sheet not in map(str, range(SHEETS)):
            raise BadRequest("no such sample")
        async with self._drawing:
            if (name, sheet) not in self._sheets:
                self._sheets[name, sheet] = await self._pool.run(lambda: self._sheet(*SAMPLES[name]))
        return Response(self._sheets[name, sheet], media_type="image/png")

    async def inspect(self, request: Request) -> Response:
        """Tell what a token holds: the playground is there only where everyone has the site's secret anyway."""
        (token,) = text(await read_json(request), "token")
        return Json(_plain(self.engine.inspect(token)))

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``{"error": …}``."""
        status, told = wording(WORDS, error)
        return Json({"error": told}, status)

    @cached_property
    def _pool(self) -> Pool:
        return Pool()

    @cached_property
    def _drawing(self) -> asyncio.Lock:
        return asyncio.Lock()

    @cached_property
    def _sheets(self) -> dict[tuple[str, str], bytes]:
        return {}

    def _sheet(self, kind: str, wanted: Params, count: int) -> bytes:
        rows = [self.engine.renderer.picture(self.engine.issue("sample", kind, wanted)) for _ in range(count)]
        return contact_sheet([png for row in rows for png in row], columns=len(rows[0]))

    def _serving(self, name: str, media_type: str) -> Handler:
        reached = f"'self' {self.settings.demo_replica}".strip()
        policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src {reached}; "
            "img-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'"
        )
        headers = {
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
        }
        return scripts.serving(scripts.source(name).encode(), headers, media_type)


def _plain(claims: Claims) -> dict[str, Any]:
    shown = {name: getattr(claims, name) for name in SHOWN}
    return {
        **shown,
        "jti": claims.jti.hex(),
        "params": dict(claims.params),
        "digests": len(claims.digests),
    }
