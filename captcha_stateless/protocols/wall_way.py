"""The way back from the wall: the address of the page that was asked for, and what the wall asks there, signed for the way.

The signature binds them to site and host, so that the wall sends nobody anywhere but to a page that this very edge has asked
about; and an address is always a path of the host that the visitor is on.
"""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.responses import Response

from captcha_stateless.engine import Engine
from captcha_stateless.errors import BadRequest
from captcha_stateless.model import Pass
from captcha_stateless.tokens import base64url
from captcha_stateless.tokens.cookie import cookie_of
from captcha_stateless.tokens.digests import derive, keyed_hash, same
from captcha_stateless.wall.asked import PLAIN, Asked, asked
from captcha_stateless.wall.visit import Visit

#: Longer addresses would not fit into an address of ours: whoever asked for one is led to the front page.
MAX_ADDRESS_CHARACTERS = 2_048
#: No second slash, nor what browsers take for one: what follows would be a host.
_ADDRESS = re.compile(r"/(?:[!-.0-\[\]-~][!-~]*)?")
_TEXT = re.compile(r"([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{0,20})\.([0-9]{1,3})\.([01])(/.*)", re.DOTALL)
_FRONT = "/"
#: Requests without a body, whose page can be asked for again.
_REPEATABLE = frozenset({"GET", "HEAD"})


class Way(NamedTuple):
    """Where to go back to, what is asked there, and whether something that was sent is lost."""

    address: str = _FRONT
    asked: Asked = PLAIN
    lost: bool = False


def back_from(visit: Visit, wanted: Asked, *, page: bool) -> Way:
    """Tell the way back to the page of a visit: of what was sent, or is no page by itself, the page that it came from."""
    repeatable = visit.method in _REPEATABLE
    own = f"{visit.path}?{visit.query}" if visit.query else visit.path
    address = own if repeatable and page else _referrer(visit)
    return Way(_bounded(address), wanted, page and not repeatable)


def seal(key: bytes, site: str, host: str, way: Way) -> str:
    """Write a way as text: a keyed hash of 22 characters, what is asked, and the address as it is."""
    said = f"{way.asked.policy}.{way.asked.weight}.{int(way.lost)}{way.address}"
    return f"{_hash(key, site, host, said)}.{said}"


def open_(key: bytes, site: str, host: str, text: str) -> Way:
    """Read a way that was sealed for this site and host.

    Raises:
        BadRequest: when it was not.
    """
    found = _TEXT.fullmatch(text) if len(text) <= 2 * MAX_ADDRESS_CHARACTERS else None
    mac, _, said = text.partition(".")
    if not found or not same(mac.encode("utf-8"), _hash(key, site, host, said).encode("ascii")):
        raise BadRequest("the way back is none of ours")
    return Way(found[5], Asked(found[2], int(found[3])), found[4] == "1")


def way_key(engine: Engine) -> bytes:
    """Tell the key under which ways are sealed: the same on every replica, whatever rotates."""
    return derive(engine.share_key, "way")


def keep_in_cookie(response: Response, token: str, shown: Pass, seconds: int) -> Response:
    """Put a pass into the cookie of the policy under which it was earned, for so many seconds."""
    name = cookie_of(asked(shown.action).policy)
    response.set_cookie(name, token, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")
    return response


def _hash(key: bytes, site: str, host: str, said: str) -> str:
    parts = (text.encode("utf-8", "surrogatepass") for text in (site, host, said))
    return base64url.encode(keyed_hash(key, b"way", *parts))


def _referrer(visit: Visit) -> str:
    try:
        came = urlsplit(visit.headers.get("referer", ""))
        own = bool(visit.host) and came.hostname == visit.host
    except ValueError:
        return _FRONT
    return came._replace(scheme="", netloc="", fragment="").geturl() if own else _FRONT


def _bounded(address: str) -> str:
    fits = len(address) <= MAX_ADDRESS_CHARACTERS and _ADDRESS.fullmatch(address)
    return address if fits else _FRONT
