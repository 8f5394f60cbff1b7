"""Starlette and FastAPI: a dependency that lets a request through with a right pass only.

::

    require_pass = RequirePass(Client("https://captcha.example", secret=...))

    @app.post("/sign-up")  # FastAPI
    async def sign_up(verdict: Annotated[Verdict, Depends(require_pass)]): ...

    async def sign_up(request):  # Starlette
        verdict = await require_pass(request)
"""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from captcha_stateless.client import HEADER, Client, Verdict, token_from


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


async def _fields(request: Request) -> Any:
    media_type = request.headers.get("content-type", "")
    if media_type.startswith("application/json"):
        try:
            document = await request.json()
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}
    return await request.form()
