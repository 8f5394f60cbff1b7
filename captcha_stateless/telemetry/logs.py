"""Log lines as JSON objects, one a line, each with the id of the request that it is about."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

#: The id of the request that this task serves.
REQUEST_ID: ContextVar[str] = ContextVar("REQUEST_ID", default="")


class JsonFormatter(logging.Formatter):
    """Writes time, level, logger and message, the request's id, the record's ``fields``, and the traceback of a fault."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        document: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if REQUEST_ID.get():
            document["request"] = REQUEST_ID.get()
        document |= getattr(record, "fields", {})
        if record.exc_info:
            document["error"] = self.formatException(record.exc_info)
        return json.dumps(document, separators=(",", ":"), default=str)
