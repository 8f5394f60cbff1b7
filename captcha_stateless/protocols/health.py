"""Health for orchestrators: ``/livez`` says that the process answers, ``/readyz`` that it can do its work."""

from typing import ClassVar

import anyio
from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import CaptchaError
from captcha_stateless.http.replies import Json
from captcha_stateless.protocols.base import Adapter, Table, mistake
from captcha_stateless.settings import Settings

#: Probes commonly wait for a second.
_PATIENCE_SECONDS = 0.8


class Health(Adapter):
    """Two probes, served whatever the protocols; a failing one is 503, and says which check fails but not why."""

    name: ClassVar[str] = "health"
    prefixed: ClassVar[bool] = False
    queued: ClassVar[bool] = False

    @classmethod
    def enabled(cls, settings: Settings) -> bool:
        """Tell that probes are always there."""
        return True

    def table(self) -> Table:
        """Name the two paths."""
        return {"/livez": {"GET": self.live}, "/readyz": {"GET": self.ready}}

    async def live(self, _: Request) -> Response:
        """Answer at all."""
        return Json({"status": "pass"})

    async def ready(self, request: Request) -> Response:
        """Check that all is prepared, the keys open what they seal, the filter is ready, and nobody asked us to stop."""
        told = request.app.state
        checks: dict[str, object] = {"draining": told.draining, "warming": told.warming}
        try:
            with anyio.fail_after(_PATIENCE_SECONDS):
                state = await self.engine.state()
        except (CaptchaError, TimeoutError) as error:
            checks["error"] = error.code if isinstance(error, CaptchaError) else "timeout"
            return _answer(False, checks)
        checks["replay"] = {
            "ready": state.ready,
            "scope": state.scope,
            "fill": round(state.fill, 3),
            "epoch": state.epoch,
            "ahead_seconds": round(state.ahead_seconds, 3),
        }
        return _answer(state.ready and not (told.draining or told.warming), checks)

    def word(self, error: CaptchaError) -> Response:
        """Word the mistakes that a request for a file can make."""
        text, status = mistake(error)
        return Json({"error": text}, status)


def _answer(good: bool, checks: dict[str, object]) -> Response:
    return Json({"status": "pass" if good else "fail", "checks": checks}, 200 if good else 503)
