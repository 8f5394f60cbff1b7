"""The scripts that pages load: read from ``web/``, each closed in itself, compressed once, and named by their digest."""

import gzip
import hashlib
import json
from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import Any

import rcssmin
import rjsmin
from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.http.accept import takes_gzip
from captcha_stateless.http.endpoint import Handler
from captcha_stateless.http.languages import choose

WEB = files("captcha_stateless").joinpath("web")
#: The one language that the widget brings with it: what it says at rest, at work and in trouble.
ENGLISH = "en"
_RIGHT_TO_LEFT = frozenset({"ar", "he", "fa"})
#: What a reader of one of these reads, too.
_ALIASES = {"no": "nb", "nn": "nb", "zh": "zh-CN"}
_TRADITIONAL = ("zh-tw", "zh-hk", "zh-mo", "zh-hant")
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


@cache
def languages() -> tuple[str, ...]:
    """Name the languages that the widget speaks, as BCP 47 tags."""
    found = WEB.joinpath("lang").iterdir()
    return tuple(sorted(file.name.removesuffix(".json") for file in found if file.name.endswith(".json")))


def direction(language: str) -> str:
    """Tell how a language is written, as HTML's ``dir`` has it."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"


def chosen(request: Request, wanted: str = "") -> str:
    """Choose the language of a page: the one that is wanted, or else the one that the visitor reads best."""
    known, header = languages(), request.headers.get("accept-language", "")
    if wanted in known:
        return wanted
    best = choose(header, {*known, *_ALIASES}, ENGLISH)
    if best == "zh" and any(tag in header.lower() for tag in _TRADITIONAL):
        return "zh-TW"
    return _ALIASES.get(best, best)


@cache
def words(language: str) -> dict[str, str]:
    """Read what the widget says in one of :func:`languages`."""
    document: dict[str, str] = json.loads(source(f"lang/{language}.json"))
    return document


@cache
def further_words(page: str) -> dict[str, dict[str, str]]:
    """Read what a page says besides, by language."""
    document: dict[str, dict[str, str]] = json.loads(source(f"{page}.json"))
    return document


@cache
def source(name: str) -> str:
    """Read a file of ``web/``."""
    return WEB.joinpath(*name.split("/")).read_text("utf-8")


@cache
def element(*more: str) -> bytes:
    """Write the script that defines the element; ``more`` joins it in its closure, so that a page's names stay its own.

    ``widget.min.js`` is made of the files in ``widget/`` by ``make widget``; languages, words and looks join it here.
    """
    english = words(ENGLISH)
    constants = (
        f"const ENGLISH = {compact({name: english[name] for name in _AT_REST})};",
        f"const LANGUAGES = {compact(' '.join(languages()))}.split(' ');",
        f"const LOOKS = {compact(looks('widget/box'))};",
    )
    return closure(*constants, source("widget.min.js"), *more)


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
    return str(rjsmin.jsmin("\n".join(["(() => {", '"use strict";', *sources, "})();", ""]))).encode()


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
