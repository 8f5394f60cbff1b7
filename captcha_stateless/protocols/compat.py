"""Compat scripts: pages written for reCAPTCHA, hCaptcha or Turnstile load them from here instead, and change nothing else."""

import json
from typing import Any, ClassVar

from starlette.responses import PlainTextResponse, Response

from captcha_stateless.errors import CaptchaError
from captcha_stateless.protocols import scripts
from captcha_stateless.protocols.base import Adapter, Table, mistake
from captcha_stateless.protocols.scripts import ANYONE, KEPT_SHORT

#: The element `<captcha-stateless>` alone, and what the three interfaces make of it.
ELEMENT_PATH = "/captcha.js"
INTERFACE = "compat.js"

RECAPTCHA: dict[str, Any] = {
    "global": "grecaptcha",
    "class": "g-recaptcha",
    "field": "g-recaptcha-response",
    "numbered": True,
    "promises": "always",
    "none": "",
    "missing": {"none": "No reCAPTCHA clients exist.", "invalid": "Invalid reCAPTCHA client id: #"},
    "queue": "___grecaptcha_cfg",
}
HCAPTCHA: dict[str, Any] = {
    "global": "hcaptcha",
    "class": "h-captcha",
    "field": "h-captcha-response",
    "promises": "async",
    "none": "",
    "missing": {"none": "No hCaptcha exists.", "invalid": "Invalid hCaptcha id: #"},
    "expiry": "chalexpired-callback",
    "errors": {
        "network": "network-error",
        "unavailable": "rate-limited",
        "refused": "invalid-data",
        "failed": "challenge-error",
    },
    "rejections": {
        "closed": "challenge-closed",
        "timeout": "challenge-expired",
        "network": "network-error",
        "unavailable": "rate-limited",
        "refused": "invalid-data",
        "failed": "challenge-error",
    },
    "compat": {
        "option": "recaptchacompat",
        "off": "off",
        "global": "grecaptcha",
        "class": "g-recaptcha",
        "field": "g-recaptcha-response",
    },
}
TURNSTILE: dict[str, Any] = {
    "global": "turnstile",
    "class": "cf-turnstile",
    "field": "cf-turnstile-response",
    "promises": "never",
    "eager": True,
    "refresh": "auto",
    "expiry": "timeout-callback",
    "errors": {"network": "200500", "unavailable": "300000", "refused": "110200", "failed": "600010"},
    "compat": {
        "option": "compat",
        "on": "recaptcha",
        "global": "grecaptcha",
        "class": "g-recaptcha",
        "field": "g-recaptcha-response",
    },
}

#: Which interface each path has: the global object, the class of what is rendered without a call, and the form's field;
#: whether widgets have ``numbered`` ids, what execute() ``promises``, and in whose words errors come. ``compat`` is what the
#: system does for pages of reCAPTCHA when the script's address asks for it, or does not forbid it.
DIALECTS: dict[str, dict[str, Any]] = {
    "/recaptcha/api.js": RECAPTCHA,
    "/recaptcha/enterprise.js": RECAPTCHA,
    "/1/api.js": HCAPTCHA,
    "/turnstile/v0/api.js": TURNSTILE,
}


class Compat(Adapter):
    """Four files and the element alone, each one closure, so that a page's names stay its own."""

    name: ClassVar[str] = "compat"
    prefixed: ClassVar[bool] = False

    def table(self) -> Table:
        """Name the files."""
        contents = {path: _script(path) for path in DIALECTS} | {ELEMENT_PATH: scripts.element()}
        headers = {**ANYONE, **KEPT_SHORT}
        return {path: {"GET": scripts.serving(content, headers)} for path, content in contents.items()}

    def word(self, error: CaptchaError) -> Response:
        """Word the mistakes that a request for a file can make."""
        text, status = mistake(error)
        return PlainTextResponse(text, status)


def _script(path: str) -> bytes:
    dialect = json.dumps({**DIALECTS[path], "path": path})
    # In a block of its own: the element's names are no business of the interface's.
    return scripts.element("{", scripts.source(INTERFACE), f"captchaCompat({dialect});", "}")
