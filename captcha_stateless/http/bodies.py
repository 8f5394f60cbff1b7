"""What a request's body says: as an HTML form or as JSON."""

import json
from collections.abc import Mapping
from typing import Any

from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

from captcha_stateless.errors import BadRequest

JSON = "application/json"
#: The media types of HTML forms.
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
#: What a form may say that it is written in. Python knows a hundred more, some of them slow, some that fail.
_CHARSETS = {"", "utf-8", "utf8", "us-ascii", "ascii"}
#: A boundary has 70 characters at most (RFC 2046, section 5.1.1).
_MOST_TYPE_CHARACTERS = 256
_MAX_FIELDS = 32

_json = json.JSONDecoder()


class WrongMediaType(BadRequest):
    """The body is of a media type that the path does not take."""

    code = "wrong-media-type"


def media_type(request: Request) -> str:
    """Tell what a body is said to be, in lower case, without parameters (RFC 9110, section 8.3.1); empty: nothing is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(named: str) -> bool:
    """Tell whether a media type is JSON, or has its syntax (RFC 6839, section 3.1)."""
    return named == JSON or named.endswith("+json")


async def read_form(request: Request) -> dict[str, str]:
    """Read a body as an HTML form, urlencoded or multipart, without files; of a name that comes twice the last counts.

    Raises:
        WrongMediaType: when it is said to be something else.
        BadRequest: when it is not a form, is written in another charset than UTF-8, or has more fields than any honest one.
        BodyTooLarge: as :meth:`Arrived.body` does.
    """
    if media_type(request) not in FORMS:
        raise WrongMediaType(f"body must be {' or '.join(FORMS)}")
    require_utf_8(request)
    try:
        async with request.form(max_files=0, max_fields=_MAX_FIELDS) as fields:
            return {name: value for name, value in fields.multi_items() if isinstance(value, str)}
    except (HTTPException, LookupError, ValueError):
        raise BadRequest("body must be a form") from None


def require_utf_8(request: Request) -> None:
    """Refuse a form that says to be written in anything else; before any parser of forms is called.

    Raises:
        BadRequest: when it does, or its Content-Type is longer than any honest one.
    """
    content_type = request.headers.get("content-type", "")
    if len(content_type) > _MOST_TYPE_CHARACTERS:
        raise BadRequest("over-long Content-Type")
    _, options = parse_options_header(content_type)
    if options.get(b"charset", b"").decode("latin-1").lower() not in _CHARSETS:
        raise BadRequest("a form must be UTF-8")


async def read_json(request: Request) -> Any:
    """Read a body as JSON (RFC 8259); no body at all reads as null.

    Raises:
        WrongMediaType: when it is said to be something else.
        BadRequest: when it is not JSON.
        BodyTooLarge: as :meth:`Arrived.body` does.
    """
    named = media_type(request)
    if named and not is_json(named):
        raise WrongMediaType("body must be application/json")
    content = await request.body()
    try:
        return _json.decode(content.decode("utf-8")) if content else None
    except (ValueError, RecursionError):
        raise BadRequest("body must be JSON") from None


def text(document: object, *names: str) -> tuple[str, ...]:
    """Take the named fields of a JSON object or form, each of which must be text.

    Raises:
        BadRequest: when one is missing or is something else.
    """
    values = [document.get(name) if isinstance(document, Mapping) else None for name in names]
    if not all(isinstance(value, str) for value in values):
        raise BadRequest(f"the body must hold {' and '.join(names)} as text")
    return tuple(str(value) for value in values)
