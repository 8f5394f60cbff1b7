"""Starlette and FastAPI: a dependency that lets a request through with a right pass only.

::

    require_pass = RequirePass(Client("https://captcha.example", secret=...))

    @app.post("/sign-up")  # FastAPI
    async def sign_up(verdict: Annotated[Verdict, Depends(require_pass)]): ...

    async def sign_up(request):  # Starlette
        verdict = await require_pass(request)
"""

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from captcha_stateless.client import HEADER, Client, Verdict, token_from
from captcha_stateless.http.bodies import is_json, media_type


class RequirePass:
    """Uses up the pass that a request brings in its ``X-Captcha-Pass`` header, its form or its JSON object."""

    def __init__(self, client: Client, *, action: str | None = None, status_code: int = 403) -> None:
        self._client, self._action, self._status_code = client, action, status_code

    async def __call__(self, request: Request) -> Verdict:
        """Return a right pass's verdict.

        Raises:
            HTTPException: when there is no pass, or it is not right.
        """
        token = request.headers.get(HEADER) or token_from(await _fields(request))
        verdict = await self._client.averify(token, action=self._action)
        if not verdict:
            raise HTTPException(self._status_code, "A solved CAPTCHA is needed")
        return verdict


async def _fields(request: Request) -> Mapping[str, Any]:
    """Read the fields of a form or of a JSON object; what is not understood has none."""
    try:
        if is_json(media_type(request)):
            document = await request.json()
            return document if isinstance(document, dict) else {}
        return await request.form()
    except (ValueError, LookupError, RecursionError, HTTPException):
        return {}
