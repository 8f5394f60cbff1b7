"""What edges ask of the wall, and what browsers say of a visit."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from captcha_stateless.tokens.cookie import COOKIE
from captcha_stateless.tokens.digests import fingerprint
from tests.support import Server

TWO_SITES = "".join(
    f'[[site]]\nname = "{key}"\nkey = "{key}"\nsecret_sha256 = "{fingerprint(key).hex()}"\n'
    for key in ("shop", "blog")
)
KEY = bytes(32)
#: What a browser says where somebody follows a link, and where a page fetches something.
SEEN = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
FETCHED = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "*/*"}


def check(server: Server, token: str, query: str = "") -> httpx.Response:
    return server.visitor.get(f"/auth{query}", headers={"Cookie": f"{COOKIE}={token}"})


def clear(server: Server, body: Any, query: str = "") -> httpx.Response:
    return server.visitor.post(f"/auth{query}", json=body)


def forwarded(uri: str, method: str = "GET", host: str = "shop.example") -> dict[str, str]:
    return {
        "X-Forwarded-Method": method,
        "X-Forwarded-Host": host,
        "X-Forwarded-Uri": uri,
        "X-Forwarded-Proto": "https",
    }


def asked(
    server: Server, deny: str, uri: str, headers: dict[str, str], method: str = "GET"
) -> httpx.Response:
    """Ask as an edge does for a visitor who has no pass."""
    query = {"deny": deny, "at": "/captcha"}
    return server.visitor.get("/auth", params=query, headers={**headers, **forwarded(uri, method)})


def query_of(address: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
