"""Visits and rules, for the tests."""

from pathlib import Path
from typing import Any

from captcha_stateless.wall import Rules, Visit, rules

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


def made(*entries: dict[str, Any], folder: Path = Path()) -> Rules:
    """Read rules as a sites file's."""
    return rules.parse("sites.toml", entries, folder)


def allow(**conditions: Any) -> dict[str, Any]:
    """Write a rule that lets through."""
    return {"action": "allow", **conditions}


def deny(**conditions: Any) -> dict[str, Any]:
    """Write a rule that refuses."""
    return {"action": "deny", **conditions}


def weigh(weight: int, **conditions: Any) -> dict[str, Any]:
    """Write a rule that adds to the risk."""
    return {"action": "weigh", "weight": weight, **conditions}
