"""The OpenAPI description of everything that is served, at ``/openapi.json``.

Each adapter has a neighbour of its own name, ``<name>.json``, with the paths that it serves and the schemas that they use;
here they are laid together once.
"""

import json
from importlib.resources import files
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from captcha_stateless.errors import CaptchaError
from captcha_stateless.kinds import KINDS
from captcha_stateless.protocols.base import Adapter, Table, mistake
from captcha_stateless.settings import Settings

VERSION = "3.1.0"


class OpenApi(Adapter):
    """One document, written once."""

    name: ClassVar[str] = "openapi"
    prefixed: ClassVar[bool] = False

    def table(self) -> Table:
        """Name the one path."""
        content = json.dumps(document(self.settings)).encode()

        async def serve(_: Request) -> Response:
            return Response(content, media_type="application/json")

        return {"/openapi.json": {"GET": serve}}

    def word(self, error: CaptchaError) -> Response:
        """Word the mistakes that a request for a file can make."""
        text, status = mistake(error)
        return PlainTextResponse(text, status)


def document(settings: Settings) -> dict[str, Any]:
    """Lay the parts together of the protocols that are served."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Kind": {"enum": list(KINDS)}}
    for _, part in sorted(parts(settings).items()):
        paths |= {path: _joined(paths.get(path), item) for path, item in part["paths"].items()}
        schemas |= part.get("components", {}).get("schemas", {})
    info = {
        "title": "captcha_stateless",
        "version": "1",
        "summary": "A stateless, token-based CAPTCHA server.",
    }
    return {"openapi": VERSION, "info": info, "paths": paths, "components": {"schemas": schemas}}


def parts(settings: Settings) -> dict[str, Any]:
    """Read the part of each protocol that is served, by the protocol's name."""
    here = files("captcha_stateless.protocols")
    found = {file.name.removesuffix(".json"): file for file in here.iterdir() if file.name.endswith(".json")}
    return {
        name: json.loads(file.read_text("utf-8"))
        for name, file in found.items()
        if _is_served(name, settings)
    }


def _is_served(name: str, settings: Settings) -> bool:
    switches = {
        "page": settings.page,
        "demo": settings.playground,
        "metrics": settings.metrics,
        "health": True,
    }
    if name in switches:
        return switches[name]
    return not settings.protocols or name in settings.protocols


def _joined(one: dict[str, Any] | None, other: dict[str, Any]) -> dict[str, Any]:
    """Describe a path that two protocols claim: POST takes what either takes, and answers what either answers."""
    if one is None:
        return other
    mine, its = one["post"], other["post"]
    joined = {
        "operationId": f"{mine['operationId']}Or{its['operationId'].capitalize()}",
        "tags": [*mine["tags"], *its["tags"]],
        "summary": f"{mine['summary']} {its['summary']}",
        "parameters": [
            {**parameter, "required": False}
            for parameter in (*mine.get("parameters", ()), *its.get("parameters", ()))
        ],
        "requestBody": {"content": _either(mine["requestBody"], its["requestBody"])},
        "responses": {
            code: _answer(mine["responses"].get(code), its["responses"].get(code))
            for code in sorted({*mine["responses"], *its["responses"]})
        },
    }
    return {"post": joined}


def _answer(one: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any]:
    if one is None or other is None:
        return one or other or {}
    return {**one, **other, "content": _either(one, other)}


def _either(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    contents: dict[str, Any] = dict(one.get("content", {}))
    for media_type, content in other.get("content", {}).items():
        known = contents.get(media_type)
        contents[media_type] = (
            {"schema": {"anyOf": [known["schema"], content["schema"]]}} if known else content
        )
    return contents
