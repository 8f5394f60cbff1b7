"""Answers in JSON."""

import json
from typing import Any

from starlette.responses import JSONResponse

_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Json(JSONResponse):
    """Starlette's, with one encoder for all answers: to make one for each is a third of the time of a refusal's."""

    def render(self, content: Any) -> bytes:
        """Write a value as JSON in UTF-8."""
        return _json.encode(content).encode("utf-8")
