"""No shape of 16 KB costs much more to be read than a plain one, wherever it comes in, at any door."""

import time
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any
from urllib.parse import quote_from_bytes

import anyio
import pytest

from captcha_stateless.protocols import PROTOCOLS
from captcha_stateless.sites import DEVELOPMENT_SITES
from tests.support import Server

SIZE = 15_000
#: How much dearer than plain letters a shape may be, in CPU time of the same run, and what is below notice.
MOST_TIMES, UNNOTICED_SECONDS, TRIES = 20, 0.01, 3

SHAPES: dict[str, bytes] = {
    "backslashes": b"\\" * SIZE,
    "quotes": b'"' * SIZE,
    "escaped quotes": b'\\"' * (SIZE // 2),
    "octal escapes": b"\\054" * (SIZE // 4),
    "percents": b"%" * SIZE,
    "percent escapes": b"%25" * (SIZE // 3),
    "ampersands": b"&" * SIZE,
    "parameters": b"a=b&" * (SIZE // 4),
    "semicolons": b";" * SIZE,
    "spaced semicolons": b"; " * (SIZE // 2),
    "brackets": b"[" * SIZE,
    "braces": b'{"a":' * (SIZE // 5),
    "one long number": b"9" * SIZE,
    "a long fraction": b"0." + b"1" * SIZE,
    "exponents": b"1e9," * (SIZE // 4),
    "dots": b"." * SIZE,
    "commas": b"," * SIZE,
    "equals": b"=" * SIZE,
    "colons": b":" * SIZE,
    "slashes": b"/" * SIZE,
    "dashes": b"-" * SIZE,
    "spaces": b" " * SIZE,
    "boundaries": b"--B\r\n" * (SIZE // 5),
    "dotted words": b"eyJh." * (SIZE // 5),
    "cookies": b"__Host-captcha-pass=" * (SIZE // 20),
}
PLAIN = b"a" * SIZE


def header_safe(shape: bytes) -> bytes:
    """What a header can hold: no line ends."""
    return shape.replace(b"\r\n", b"--").strip() or b"x"


def in_body(media_type: str) -> Callable[[bytes], dict[str, Any]]:
    return lambda shape: {"content": shape, "headers": {"content-type": media_type}}


def in_header(name: str, before: bytes = b"") -> Callable[[bytes], dict[str, Any]]:
    return lambda shape: {"headers": {name: before + header_safe(shape)}}


def in_part(shape: bytes) -> dict[str, Any]:
    head = b'--B\r\nContent-Disposition: form-data; name="' + header_safe(shape)[:7_000] + b'"\r\n\r\n'
    return {
        "content": head + shape[:7_000] + b"\r\n--B--\r\n",
        "headers": {"content-type": "multipart/form-data; boundary=B"},
    }


def in_query(shape: bytes) -> dict[str, Any]:
    return {"query": quote_from_bytes(header_safe(shape), safe='%&=;+/"\\[]{}:.,-')}


def in_json_text(shape: bytes) -> dict[str, Any]:
    text = shape.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\r\n", b"\\n")[: 2 * SIZE]
    names = (
        b"answer",
        b"id",
        b"text",
        b"token",
        b"hash",
        b"response",
        b"client_id",
        b"challenge_id",
        b"kind",
    )
    whole = b"{" + b",".join(b'"%b":"%b"' % (name, text[: 15_000 // len(names)]) for name in names) + b"}"
    return {"content": whole, "headers": {"content-type": "application/json"}}


PLACES: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "body as JSON": in_body("application/json"),
    "texts in JSON": in_json_text,
    "body as form": in_body("application/x-www-form-urlencoded"),
    "part of a form": in_part,
    "query": in_query,
    "cookie": in_header("cookie"),
    "token": in_header("x-captcha-challenge"),
    "content type": in_header("content-type", b"multipart/form-data; boundary=B; x="),
    "languages": in_header("accept-language"),
    "codings": in_header("accept-encoding"),
    "types": in_header("accept"),
    "origin": in_header("origin", b"https://"),
    "ranges": in_header("range", b"bytes="),
    "forwarded": in_header("x-forwarded-for"),
    "request id": in_header("x-request-id"),
    "etag": in_header("if-none-match"),
}


def doors(server: Server) -> Iterator[tuple[str, str]]:
    """Name every path that is served, with both methods that read something."""
    for adapter in PROTOCOLS:
        for path in adapter(server.engine, server.settings, lambda: DEVELOPMENT_SITES).table():
            named = path.replace("{rest:path}", "testcaptcha").replace("{sitekey}", "dev-site")
            yield from (("GET", named), ("POST", named))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    options: dict[str, Any] = {
        "metrics": True,
        "siteverify_get": True,
        "trusted_proxies": ("*",),
        "dnsbl_zone": "",
    }
    return Server(tmp_path_factory.mktemp("keys"), **options)


async def cpu_seconds(server: Server, method: str, path: str, asked: dict[str, Any]) -> float:
    """Ask as a connection does, with nothing between that would take time of its own."""
    content: bytes = asked.get("content", b"")
    fields = {"host": b"captcha.test", "content-length": b"%d" % len(content)} | asked.get("headers", {})
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": asked.get("query", "").encode(),
        "headers": [
            (name.encode(), value if isinstance(value, bytes) else value.encode())
            for name, value in fields.items()
        ],
        "client": ("127.0.0.1", 50_000),
        "server": ("captcha.test", 80),
    }
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    began = time.process_time()
    await server.app(scope, receive, send)
    took = time.process_time() - began
    assert sent[0]["status"] < 500, (method, path, sent)
    return took


@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", PLACES)
def test_no_shape_costs_much_more_than_a_plain_one(server: Server, place: str) -> None:
    made = PLACES[place]

    async def find_dear() -> list[str]:
        dear = []
        for method, path in doors(server):
            plain = min([await cpu_seconds(server, method, path, made(PLAIN)) for _ in range(2)])
            bound = max(MOST_TIMES * plain, UNNOTICED_SECONDS)
            for name, shape in SHAPES.items():
                for _ in range(TRIES):
                    if await cpu_seconds(server, method, path, made(shape)) <= bound:
                        break
                else:
                    dear.append(f"{method} {path}: {name}")
        return dear

    assert anyio.run(find_dear) == []
