"""Visits, for the tests."""

from typing import Any

from captcha_stateless.wall import Visit

#: Of a browser's own request.
BROWSER = {
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "accept": "*/*",
}


def visit(path: str = "/", **fields: Any) -> Visit:
    """Make the visit of a browser, but for what is named."""
    usual: dict[str, Any] = {
        "method": "GET",
        "scheme": "https",
        "host": "shop.example",
        "query": "",
        "address": "203.0.113.9",
        "headers": BROWSER,
    }
    return Visit(path=path, **{**usual, **fields})
