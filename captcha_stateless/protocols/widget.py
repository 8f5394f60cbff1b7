"""The widget: what a page loads to have ``<captcha-stateless>``, and what that loads when it needs it."""

from functools import cached_property
from http import HTTPStatus
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from captcha_stateless.errors import BadRequest, CaptchaError
from captcha_stateless.http.endpoint import Handler, MethodNotAllowed
from captcha_stateless.protocols import scripts
from captcha_stateless.protocols.base import Adapter, Table, wording
from captcha_stateless.protocols.scripts import ANYONE, KEPT_FOR_EVER, KEPT_SHORT

PATH = "/widget.js"
JSON = "application/json"
#: Where the script is that never changes, for pages that name its integrity.
PINNED = "/widget-{digest}.js"


class NotThere(BadRequest):
    """A file of another version, or a language that the widget does not speak."""

    code = "not-there"


WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str]] = {
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    CaptchaError: (HTTPStatus.NOT_FOUND, "Not found"),
}


class Widget(Adapter):
    """The script under two names, the worker that proves work, and the languages."""

    name: ClassVar[str] = "widget"
    prefixed: ClassVar[bool] = False

    def table(self) -> Table:
        """Name the files."""
        worker = scripts.source("work.js").encode()
        return {
            PATH: {"GET": scripts.serving(scripts.element(), {**ANYONE, **KEPT_SHORT})},
            PINNED: {"GET": self.pinned},
            "/widget/dialog.json": {"GET": scripts.serving(scripts.dialog(), {**ANYONE, **KEPT_SHORT}, JSON)},
            "/work.js": {"GET": scripts.serving(worker, {**ANYONE, **KEPT_SHORT})},
            "/widget/{language}.json": {"GET": self.language},
        }

    async def pinned(self, request: Request) -> Response:
        """Serve the script under its digest; another digest is another version."""
        digest, serve = self._pinned
        if request.path_params["digest"] != digest:
            raise NotThere("script of another version")
        return await serve(request)

    async def language(self, request: Request) -> Response:
        """Serve what the widget says in a language."""
        try:
            return await self._languages[request.path_params["language"]](request)
        except KeyError:
            raise NotThere("no such language") from None

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as plain text."""
        status, text = wording(WORDS, error)
        return PlainTextResponse(text, status)

    @cached_property
    def _pinned(self) -> tuple[str, Handler]:
        content = scripts.element()
        return scripts.digest(content), scripts.serving(content, {**ANYONE, **KEPT_FOR_EVER})

    @cached_property
    def _languages(self) -> dict[str, Handler]:
        headers = {**ANYONE, **KEPT_SHORT}
        contents = {
            language: scripts.compact(scripts.words(language)).encode() for language in scripts.languages()
        }
        return {language: scripts.serving(content, headers, JSON) for language, content in contents.items()}


def tag(base: str, *, pinned: bool) -> str:
    """Write the tag that loads the widget from a server, ``pinned`` to exactly this version of it."""
    if not pinned:
        return f'<script src="{base}{PATH}" async></script>'
    content = scripts.element()
    path = PINNED.format(digest=scripts.digest(content))
    checked = f'integrity="{scripts.integrity(content)}" crossorigin="anonymous"'
    return f'<script src="{base}{path}" {checked} async></script>'
