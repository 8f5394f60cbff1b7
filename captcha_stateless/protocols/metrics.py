"""Metrics for Prometheus at ``/metrics``, where an operator wants them."""

from http import HTTPStatus
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import BadRequest, Blocked, CaptchaError, Unavailable, WrongSecret
from captcha_stateless.http.endpoint import MethodNotAllowed
from captcha_stateless.http.proxies import is_handed_on
from captcha_stateless.http.replies import Json
from captcha_stateless.protocols.base import Adapter, Table, wording
from captcha_stateless.settings import Settings
from captcha_stateless.tokens.digests import fingerprint, same

#: Prometheus' text format; the library's own constant lies behind an extra.
MEDIA_TYPE = "text/plain; version=1.0.0; charset=utf-8"

WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str]] = {
    WrongSecret: (HTTPStatus.UNAUTHORIZED, "Send the metrics key as a bearer token"),
    Blocked: (HTTPStatus.NOT_FOUND, "Not found"),
    BadRequest: (HTTPStatus.BAD_REQUEST, "Bad request"),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    CaptchaError: (HTTPStatus.SERVICE_UNAVAILABLE, "Temporarily unavailable"),
}


class MetricsPage(Adapter):
    """One path, for whoever asks the server itself: without a key nothing that a proxy handed on is answered.

    An edge has many ways to be asked for it: with two slashes, percent-encoded, under the prefix that it takes off and under
    the one that it adds. Nothing of that need be known where they all end.
    """

    name: ClassVar[str] = "metrics"
    prefixed: ClassVar[bool] = False
    queued: ClassVar[bool] = False

    @classmethod
    def enabled(cls, settings: Settings) -> bool:
        """Tell whether the operator wants metrics; the list of protocols says nothing about them."""
        return settings.metrics

    def table(self) -> Table:
        """Name the path."""
        return {"/metrics": {"GET": self.expose}}

    async def expose(self, request: Request) -> Response:
        """Write what was counted, by all workers; a filter that is down is itself worth knowing."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        wanted = self.settings.metrics_key
        if not wanted and is_handed_on(request.scope):
            raise Blocked("metrics are not for who comes by a proxy")
        if wanted and not (scheme.lower() == "bearer" and same(fingerprint(key), fingerprint(wanted))):
            raise WrongSecret("wrong metrics key")
        try:
            state = await self.engine.state()
            self.engine.events.state(state.fill, state.ready, state.ahead_seconds)
        except Unavailable:
            self.engine.events.state(0, False)
        return Response(self.engine.events.exposed(), media_type=MEDIA_TYPE)

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``{"error": …}``."""
        status, text = wording(WORDS, error)
        headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
        return Json({"error": text}, status, headers)
