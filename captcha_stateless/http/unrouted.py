"""What is answered where no protocol has the word: a path that nobody serves, a fault before an adapter was reached."""

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _server_error(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": "Internal server error"}, 500)


#: As Starlette takes them.
HANDLERS: Mapping[Any, Any] = {HTTPException: _http_error, Exception: _server_error}
