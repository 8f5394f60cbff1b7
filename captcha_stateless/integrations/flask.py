"""Flask: a decorator that lets a request through with a right pass only.

::

    @app.post("/sign-up")
    @require_pass(Client("https://captcha.example", secret=...))
    def sign_up(): ...  # the verdict is in flask.g.captcha
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import abort, g, request

from captcha_stateless.client import HEADER, Client, token_from

P = ParamSpec("P")
R = TypeVar("R")


def require_pass(
    client: Client, *, action: str | None = None, status_code: int = 403
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Use up the pass that a request brings in its header, form or JSON object, or abort with the status code."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            g.captcha = client.verify(_token(), action=action)
            if not g.captcha:
                abort(status_code, "A solved CAPTCHA is needed")
            return view(*args, **kwargs)

        return guarded

    return decorate


def _token() -> str | None:
    try:
        document = request.get_json(silent=True) if request.is_json else request.form
    except RecursionError:  # of lists in lists; what else is no JSON is silent
        document = None
    fields = document if isinstance(document, dict) else {}
    return request.headers.get(HEADER) or token_from(fields)
