"""One log line for each request: which protocol, which status, how long; neither path nor address."""

import logging
from typing import Any

from starlette.types import Scope

from captcha_stateless.telemetry.events import Events

#: Stands for the protocol where no path was found.
_NOWHERE = "none"
#: Where a request's scope says what became of a visit to the wall, and by which rule.
VISIT = "captcha_stateless.visit"

_log = logging.getLogger(__name__)


class AccessLog:
    """Tells log and events how a request ended."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """Note an answered request; the path is left out, for some hold tokens."""
        protocol = getattr(scope.get("endpoint"), "protocol", _NOWHERE)
        self._events.responded(protocol, status, seconds)
        if not _log.isEnabledFor(logging.INFO):
            return
        fields: dict[str, Any] = {
            "protocol": protocol,
            "method": scope["method"][:16],
            "status": status,
            "milliseconds": round(seconds * 1000, 3),
        }
        if VISIT in scope:
            fields["visit"], fields["rule"] = scope[VISIT]
        _log.info("answered", extra={"fields": fields})
