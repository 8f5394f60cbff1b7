"""The scripts that pages load: read from ``web/``, each closed in itself, compressed once, and named by their digest."""

import gzip
import hashlib
import json
import re
from base64 import b64encode
from functools import cache
from importlib.resources import files
from string import ascii_lowercase
from typing import Any

import rcssmin
import rjsmin
from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.http.accept import takes_gzip
from captcha_stateless.http.endpoint import Handler

WEB = files("captcha_stateless").joinpath("web")
#: The one language that the widget brings with it: what it says at rest, at work and in trouble.
ENGLISH = "en"
_AT_REST = (
    *("human", "verified", "wait", "expired", "required", "working", "close", "about"),
    *("network", "unavailable", "refused", "failed"),
)

#: Other sites' pages are who loads them.
ANYONE = {"Cross-Origin-Resource-Policy": "cross-origin"}
KEPT_SHORT = {"Cache-Control": "public, max-age=3600"}
KEPT_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}

JAVASCRIPT = "text/javascript; charset=utf-8"
_DIGEST_CHARACTERS = 16
#: Where a private member of a class is declared.
_PRIVATE = re.compile(r"(?:[;{}\s]|async|get)#([a-z]\w*)[=(;]", re.IGNORECASE)


def languages() -> tuple[str, ...]:
    """Name the languages that the widget speaks, as BCP 47 tags."""
    found = WEB.joinpath("lang").iterdir()
    return tuple(sorted(file.name.removesuffix(".json") for file in found if file.name.endswith(".json")))


def words(language: str) -> dict[str, str]:
    """Read what the widget says in one of :func:`languages`."""
    document: dict[str, str] = json.loads(source(f"lang/{language}.json"))
    return document


def further_words(page: str) -> dict[str, dict[str, str]]:
    """Read what a page says besides, by language."""
    document: dict[str, dict[str, str]] = json.loads(source(f"{page}.json"))
    return document


@cache
def source(name: str) -> str:
    """Read a file of ``web/``, once: several scripts are made of the same."""
    return WEB.joinpath(*name.split("/")).read_text("utf-8")


def element(*more: str) -> bytes:
    """Write the script that defines the element; ``more`` joins it in its closure, so that a page's names stay its own."""
    constants = (
        f"const ENGLISH = {compact({name: words(ENGLISH)[name] for name in _AT_REST})};",
        f"const LANGUAGES = {compact(' '.join(languages()))}.split(' ');",
        f"const LOOKS = {compact(looks('widget/box'))};",
    )
    return closure(*constants, source("widget/parts.js"), source("widget.js"), *more)


def looks(name: str) -> str:
    """Read a style sheet of the widget, without comments and spaces."""
    return str(rcssmin.cssmin(source(f"{name}.css")))


def dialog() -> bytes:
    """Write what the widget loads when it opens its first dialog: looks, icons, and the English words that it lacks."""
    rest = {name: text for name, text in words(ENGLISH).items() if name not in _AT_REST}
    icons = json.loads(source("widget/icons.json"))
    return compact({"looks": looks("widget/dialog"), "icons": icons, "words": rest}).encode()


@cache
def closure(*sources: str) -> bytes:
    """Close sources in a scope of their own, without comments and spaces, which are a fifth of what would travel."""
    return _shortened(
        str(rjsmin.jsmin("\n".join(["(() => {", '"use strict";', *sources, "})();", ""])))
    ).encode()


def _shortened(script: str) -> str:
    """Give a class's private members short names: nobody outside it can know them."""
    names = sorted(set(_PRIVATE.findall(script)))
    short = {name: f"{ascii_lowercase[at % 26]}{at // 26 or ''}" for at, name in enumerate(names)}
    return (
        re.sub(rf"#({'|'.join(names)})\b", lambda found: f"#{short[found[1]]}", script) if names else script
    )


def digest(content: bytes) -> str:
    """Name a script by its content."""
    return hashlib.sha256(content).hexdigest()[:_DIGEST_CHARACTERS]


def integrity(content: bytes) -> str:
    """Write the ``integrity`` attribute of a script's tag (Subresource Integrity, section 3.5)."""
    return f"sha384-{b64encode(hashlib.sha384(content).digest()).decode('ascii')}"


def serving(content: bytes, headers: dict[str, str], media_type: str = JAVASCRIPT) -> Handler:
    """Make the handler that serves a file, compressed where the client takes that."""
    packed = _packed(content)

    async def serve(request: Request) -> Response:
        wants = takes_gzip(request.headers.get("accept-encoding", ""))
        coding = {"Content-Encoding": "gzip"} if wants else {}
        head = {**headers, **coding, "Vary": "Accept-Encoding"}
        return Response(packed if wants else content, media_type=media_type, headers=head)

    return serve


@cache  # an adapter's table is asked for more than once
def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def compact(document: Any) -> str:
    """Write JSON without spaces; a browser reads every character of it as it is."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
