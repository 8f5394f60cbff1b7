"""What the wall shows: the challenge, what is wrong where no cookie is kept, a refusal; no search shall ever find one."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.responses import Response

from captcha_stateless.http.markup import Markup, document, element
from captcha_stateless.protocols import scripts
from captcha_stateless.protocols.wall_way import Way

SCRIPT = "wall.js"
#: The wall is at the addresses of pages: nobody shall take it for them.
UNLISTED = {"X-Robots-Tag": "noindex, nofollow"}
#: A robot that is asked comes back no sooner (seconds); people do not notice.
LATER = {"Retry-After": "3600"}
#: Where the page may not be framed by others, and nothing comes from elsewhere.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; require-trusted-types-for 'script'"
)
#: The page's own address, and no other's, is told to itself: so it knows that it has just been here.
_HEADERS = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "same-origin", **UNLISTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One visitor's wall: whose it is, in which language, where its files are, and the way back.

    ``base`` is put before each of our paths; ``way`` is the way back, ``sealed`` the same as text.
    """

    site: str
    language: str
    base: str
    way: Way
    sealed: str

    @property
    def words(self) -> Mapping[str, str]:
        """What the page says."""
        return {**scripts.words(self.language), **scripts.further_words("wall")[self.language]}

    def link(self, path: str, **more: str) -> str:
        """Address one of our paths, for this site and the way back."""
        return f"{self.base}{path}?{urlencode({'sitekey': self.site, **more})}"

    @property
    def onward(self) -> str:
        """Where to go once the cookie is set: to the wall, which looks whether it was kept."""
        return self.link("wall", **{"return": self.sealed, "set": "1"})


def challenge(shown: Shown, *, unasked: bool, without_scripts: bool) -> Response:
    """Show the challenge; ``unasked``: it is work, which the device does by itself."""
    words, asked = shown.words, shown.way.asked.action
    told = [element("p", words["lost"], role="status")] if shown.way.lost else []
    more = {"action": asked} if asked else {}
    widget = element("captcha-stateless", sitekey=shown.site, kind="auto", size="flexible", **more)
    place = element(
        "div",
        widget,
        element("p", words["failed"], role="alert", hidden=True),
        id="wall",
        data_auth=shown.link("auth"),
        data_next=shown.onward,
        data_unasked=unasked,
    )
    without = shown.link("nojs", wall=shown.sealed, lang=shown.language) if without_scripts else ""
    offered = element("a", words["without"], href=without) if without else Markup(words["scripts"])
    return _page(
        shown,
        *told,
        element("p", words["why"]),
        element("p", words["asked"], id="asked"),
        element("p", words["unasked"], id="unasked", hidden=True),
        place,
        element("noscript", element("p", offered)),
        script=True,
    )


def cookieless(shown: Shown) -> Response:
    """Say that the browser kept no cookie, instead of asking for ever."""
    again = element("a", shown.words["again"], href=shown.way.address)
    return _page(shown, element("p", shown.words["cookies"], role="alert"), element("p", again))


def refusal(shown: Shown, said: str, status: HTTPStatus) -> Response:
    """Say that it is not possible."""
    return _page(shown, title=shown.words[said], status=status)


def _page(
    shown: Shown,
    *children: str,
    title: str = "",
    status: HTTPStatus = HTTPStatus.UNAUTHORIZED,
    script: bool = False,
) -> Response:
    title = title or shown.words["title"]
    content = document(
        element("h1", title),
        *children,
        language=shown.language,
        direction=scripts.direction(shown.language),
        title=title,
        style=f"{shown.base}nojs.css",
        icon=f"{shown.base}favicon.svg",
        scripts=(f"{shown.base}widget.js", f"{shown.base}{SCRIPT}") if script else (),
    )
    headers = {**_HEADERS, **LATER} if status == HTTPStatus.UNAUTHORIZED else _HEADERS
    return Response(content, status, headers, media_type="text/html; charset=utf-8")
