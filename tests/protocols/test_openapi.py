"""The OpenAPI description: whole, and true."""

from collections.abc import Sequence
from typing import Any, ClassVar

import httpx
import pytest

from captcha_stateless import Settings
from captcha_stateless.protocols import PROTOCOLS
from captcha_stateless.protocols.base import Adapter
from captcha_stateless.protocols.openapi import OpenApi, document, parts
from captcha_stateless.sites import Sites
from tests.conftest import MakeServer
from tests.protocols.contract import AdapterContract
from tests.support import Server


class TestAdapter(AdapterContract):
    adapter: ClassVar = OpenApi
    paths: ClassVar[Sequence[str]] = ["/openapi.json"]

    def is_worded(self, response: httpx.Response) -> bool:
        return response.text == "Method not allowed"


@pytest.mark.parametrize("adapter", PROTOCOLS, ids=lambda adapter: str(adapter.name))
def test_every_path_and_method_is_described(server: Server, adapter: type[Adapter]) -> None:
    table = adapter(server.engine, server.settings, lambda: Sites([])).table()

    described = parts(Settings(metrics=True)).get(adapter.name, {"paths": {}})["paths"]

    assert {path: sorted(methods) for path, methods in described.items()} == {
        path.replace(":path}", "}"): sorted(method.lower() for method in methods)
        for path, methods in table.items()
    }


def test_no_two_protocols_use_one_schema_s_name() -> None:
    names = [
        name for part in parts(Settings()).values() for name in part.get("components", {}).get("schemas", {})
    ]

    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    whole = document(Settings())

    assert set(references(whole)) == {
        f"#/components/schemas/{name}" for name in whole["components"]["schemas"]
    }


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for value in node for found in references(value)] if isinstance(node, list) else []


def test_what_is_not_served_is_not_described(make_server: MakeServer) -> None:
    server = make_server(protocols=("openapi", "siteverify"), page=False)

    paths = server.visitor.get("/openapi.json").json()["paths"]

    assert "/siteverify" in paths
    assert not {"/api/challenge", "/", "/auth"} & set(paths)


def test_operations_have_names_of_their_own() -> None:
    operations = [
        operation["operationId"]
        for item in document(Settings())["paths"].values()
        for operation in item.values()
    ]

    assert len(set(operations)) == len(operations)
