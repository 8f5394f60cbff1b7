"""Compat scripts: pages written for reCAPTCHA, hCaptcha or Turnstile load them from here instead, and change nothing else."""

import json
from importlib.resources import files
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from captcha_stateless.errors import CaptchaError
from captcha_stateless.protocols.base import Adapter, Handler, MethodNotAllowed, Table

#: What defines the element `<captcha-stateless>`, alone at its own path, and what the three interfaces make of it.
ELEMENT = "element.js"
ELEMENT_PATH = "/captcha.js"
INTERFACE = "compat.js"

#: For each path: the global object, the class of what is rendered without a call, and the form's field. ``numbered`` is
#: whether widgets have numbers for ids, ``wrapped`` whether execute() promises an object.
DIALECTS: dict[str, dict[str, Any]] = {
    "/recaptcha/api.js": {
        "global": "grecaptcha",
        "class": "g-recaptcha",
        "field": "g-recaptcha-response",
        "numbered": True,
        "wrapped": False,
    },
    "/1/api.js": {
        "global": "hcaptcha",
        "class": "h-captcha",
        "field": "h-captcha-response",
        "numbered": False,
        "wrapped": True,
    },
    "/turnstile/v0/api.js": {
        "global": "turnstile",
        "class": "cf-turnstile",
        "field": "cf-turnstile-response",
        "numbered": False,
        "wrapped": False,
    },
}

HEADERS = {
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",  # other sites' pages are who loads them
}


class Compat(Adapter):
    """Three files and the element alone, each one closure, so that a page's names stay its own."""

    name: ClassVar[str] = "compat"
    prefixed: ClassVar[bool] = False

    def table(self) -> Table:
        """Name the files."""
        scripts = {path: _script(path) for path in DIALECTS}
        return {
            path: {"GET": _serving(text)} for path, text in (*scripts.items(), (ELEMENT_PATH, _element()))
        }

    def word(self, error: CaptchaError) -> Response:
        """Word the one mistake there is."""
        assert isinstance(error, MethodNotAllowed)
        return PlainTextResponse("Method not allowed", 405)


def _element() -> str:
    return _closure(_source(ELEMENT))


def _script(path: str) -> str:
    dialect = json.dumps({**DIALECTS[path], "path": path})
    return _closure(_source(ELEMENT), _source(INTERFACE), f"captchaCompat({dialect});")


def _source(name: str) -> str:
    return files("captcha_stateless").joinpath("web", name).read_text("utf-8")


def _closure(*sources: str) -> str:
    return "\n".join(["(() => {", '"use strict";', *sources, "})();", ""])


def _serving(content: str) -> Handler:
    async def serve(_: Request) -> Response:
        return Response(content, media_type="text/javascript; charset=utf-8", headers=HEADERS)

    return serve
