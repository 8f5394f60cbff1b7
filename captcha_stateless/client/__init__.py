"""What a Python back end asks about a pass: over one call (single use), or without any (signature and deadline only).

Install it with ``pip install captcha-stateless[client]``.

Rule 1: closed unless told otherwise. No pass, no answer, a strange answer: the verdict is no, unless ``fail_open`` says that
a server out of reach must not keep visitors out. Out of reach is a connection that failed or a 5xx, which no visitor can
bring about by what he sends: what cannot be a pass is a no before any call, and so is an answer of 4xx.

Rule 2: a call is made again only under an idempotency key; without one, a call whose answer was lost has used up the pass.

Rule 3: offline verification is not single-use: the same pass verifies until it expires. What must happen once asks the
server.
"""

from collections.abc import Mapping
from typing import Any

from captcha_stateless.client.client import Client
from captcha_stateless.client.verdict import (
    ACTION_MISMATCH,
    EXPIRED,
    HOSTNAME_MISMATCH,
    INVALID,
    KIND_MISMATCH,
    MISSING,
    REFUSED,
    UNREACHABLE,
    Verdict,
)
from captcha_stateless.tokens.cookie import COOKIE

__all__ = [
    "ACTION_MISMATCH",
    "COOKIE",
    "EXPIRED",
    "FIELDS",
    "HEADER",
    "HOSTNAME_MISMATCH",
    "INVALID",
    "KIND_MISMATCH",
    "MISSING",
    "REFUSED",
    "UNREACHABLE",
    "Client",
    "Verdict",
    "token_from",
]

#: Where a pass comes in: a header for scripts, else the first of the form fields that is there.
HEADER = "X-Captcha-Pass"
FIELDS = (
    "captcha-response",
    "captcha-pass",
    "g-recaptcha-response",
    "h-captcha-response",
    "cf-turnstile-response",
)


def token_from(fields: Mapping[str, Any]) -> str | None:
    """Find the pass among the fields of a form or of a JSON object."""
    return next((value for name in FIELDS if isinstance(value := fields.get(name), str) and value), None)
