"""Compat scripts: pages written for reCAPTCHA, hCaptcha or Turnstile load them from here instead, and change nothing else."""

import json
from typing import Any, ClassVar

from starlette.responses import PlainTextResponse, Response

from captcha_stateless.errors import CaptchaError
from captcha_stateless.http.endpoint import MethodNotAllowed
from captcha_stateless.protocols import scripts
from captcha_stateless.protocols.base import Adapter, Table
from captcha_stateless.protocols.scripts import ANYONE, KEPT_SHORT

#: The element `<captcha-stateless>` alone, and what the three interfaces make of it.
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


class Compat(Adapter):
    """Three files and the element alone, each one closure, so that a page's names stay its own."""

    name: ClassVar[str] = "compat"
    prefixed: ClassVar[bool] = False

    def table(self) -> Table:
        """Name the files."""
        contents = {path: _script(path) for path in DIALECTS} | {ELEMENT_PATH: scripts.element()}
        headers = {**ANYONE, **KEPT_SHORT}
        return {path: {"GET": scripts.serving(content, headers)} for path, content in contents.items()}

    def word(self, error: CaptchaError) -> Response:
        """Word the one mistake there is."""
        assert isinstance(error, MethodNotAllowed)
        return PlainTextResponse("Method not allowed", 405)


def _script(path: str) -> bytes:
    dialect = json.dumps({**DIALECTS[path], "path": path})
    return scripts.element(scripts.source(INTERFACE), f"captchaCompat({dialect});")
