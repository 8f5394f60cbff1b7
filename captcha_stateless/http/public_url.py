"""Under which address a client can reach this server: every URL in an answer is made here."""

from starlette.requests import Request

from captcha_stateless.settings import Settings


def public_url(request: Request, settings: Settings, path: str) -> str:
    """Tell under which address the client can reach a path of this server: the operator's, else the request's own."""
    base = settings.public_url or str(request.base_url).rstrip("/")
    return base + path
