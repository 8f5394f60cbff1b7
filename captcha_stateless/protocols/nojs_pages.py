"""What the page without scripts shows: a stage, the pass at the end, a refusal; each is whole HTML under a strict policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from captcha_stateless.gate import Binding
from captcha_stateless.http.dataurl import data_url
from captcha_stateless.http.markup import Markup, document, element, joined
from captcha_stateless.kinds import KINDS
from captcha_stateless.model import Sealed
from captcha_stateless.protocols import scripts

PATH, STYLE, ICON, HELP = "/nojs", "/nojs.css", "/favicon.svg", "/widget/help"
#: The kinds that a page without scripts can show.
KINDS_SHOWN = tuple(name for name, kind in KINDS.items() if kind.face in ("tiles", "line"))
#: The name of the field in which the return address receives the pass.
FIELD = "captcha-response"


@dataclass(frozen=True, slots=True)
class Ask:
    """What the page is to be: whose, in which language, of which kind, and where the pass goes."""

    fields: Mapping[str, str]
    language: str
    words: Mapping[str, str]
    binding: Binding
    kind: str

    @property
    def back(self) -> str:
        """The return address, which the site lists; empty: the visitor copies the pass."""
        return self.fields.get("return", "")


class Stage(NamedTuple):
    """A challenge as a visitor gets it: its token, its pictures as PNG, and how long it waits."""

    sealed: Sealed
    pngs: tuple[bytes, ...]
    seconds: int


def stage(ask: Ask, shown: Stage, note: str, *, can_be_heard: bool) -> Response:
    """Show a challenge in a form that carries along what was asked; ``note`` says what came of the one before."""
    kept = [*ask.fields.items(), ("token", shown.sealed.token)]
    hidden = (element("input", type="hidden", name=name, value=value) for name, value in kept)
    grid = ask.kind == "grid"
    form = element(
        "form",
        *hidden,
        _grid(ask, shown) if grid else _text(ask, shown, can_be_heard=can_be_heard),
        element("p", *_buttons(ask, can_be_heard=can_be_heard), class_="buttons"),
        method="post",
        action=PATH[1:],
    )
    told = element("p", note, role="status") if note else Markup()
    left = ask.words["time"].replace("#", str(shown.seconds))
    return _page(ask.language, told, form, element("p", left, class_="time"))


def done(ask: Ask, token: str) -> Response:
    """Hand over the pass: to the return address at the press of a button, or else to be copied."""
    title = f"✓ {ask.words['verified']}"
    if ask.back:
        field = element("input", type="hidden", name=FIELD, value=token)
        button = element("button", ask.words["go"], class_="main")
        form = element("form", field, button, method="post", action=ask.back)
        return _page(ask.language, form, title=title, leaves=True)
    box = element("textarea", token, id="pass", readonly=True, rows="8", spellcheck="false")
    return _page(ask.language, element("label", ask.words["copy"], for_="pass"), box, title=title)


def guide(language: str) -> Response:
    """Say what is asked of visitors, what they can do, and what becomes of what is known of them."""
    told = scripts.further_words("help")[language].values()
    return _page(
        language, *(element("p", text) for text in told), title=scripts.words(language)["about"], root="../"
    )


def refusal(language: str, words: str, status: HTTPStatus) -> Response:
    """Say that it is not possible."""
    return _page(language, element("p", words, role="alert"), status=status)


def _grid(ask: Ask, shown: Stage) -> Markup:
    claims, words, (sample, *tiles) = shown.sealed.claims, ask.words, shown.pngs
    turn = words["round"].replace("#", str(claims.stage + 1)).replace("%", str(claims.stages))
    picture = element("img", src=data_url(sample).decode(), alt=words["sample"], class_="sample")
    asked = element("span", words["choose"], element("small", turn))
    legend = element("legend", element("span", asked, picture, class_="ask"))
    labels = (_tile(words["image"].replace("#", str(at + 1)), at, png) for at, png in enumerate(tiles))
    return element("fieldset", legend, element("div", *labels, class_="tiles"))


def _tile(name: str, at: int, png: bytes) -> Markup:
    box = element("input", type="checkbox", name=f"tile{at}", aria_label=name)
    return element("label", box, element("img", src=data_url(png).decode(), alt=""), class_="tile")


def _text(ask: Ask, shown: Stage, *, can_be_heard: bool) -> Markup:
    words, (png,) = ask.words, shown.pngs
    picture = element("img", src=data_url(png).decode(), alt=words["sample"], class_="line")
    field = element("input", id="answer", name="answer", maxlength="64", autocomplete="off", required=True)
    read = element("label", words["read"], for_="answer")
    return joined(read, picture, _sound(ask, shown.sealed.token) if can_be_heard else Markup(), field)


def _sound(ask: Ask, token: str) -> Markup:
    """Say the same challenge as digits, in a player or as a file to keep."""
    source = f"api/audio?{urlencode({'token': token})}"
    player = element("audio", controls=True, src=source, preload="none")
    link = element("a", ask.words["play"], href=f"{source}&download")
    return joined(element("p", ask.words["hear"]), player, element("p", link))


def _buttons(ask: Ask, *, can_be_heard: bool) -> list[Markup]:
    """Offer what can be done; what does not answer must not be stopped by an empty field."""
    words, grid = ask.words, ask.kind == "grid"
    offers = [("other", words["other"], False), ("more", words["more"], not grid)]
    offers += [("text", words["listen"], not (grid and can_be_heard)), ("grid", words["look"], grid)]
    others = [
        element("button", text, name="do", value=value, formnovalidate=True)
        for value, text, hidden in offers
        if not hidden
    ]
    return [element("button", words["check"], name="do", value="check", class_="main"), *others]


def _page(
    language: str,
    *children: str,
    status: HTTPStatus = HTTPStatus.OK,
    title: str = "",
    leaves: bool = False,
    root: str = "",
) -> Response:
    title = title or scripts.words(language)["required"]
    content = document(
        element("h1", title),
        *children,
        language=language,
        direction=scripts.direction(language),
        title=title,
        style=root + STYLE[1:],
        icon=root + ICON[1:],
    )
    # Where the form leads out, browsers would hold its return address's own redirects against form-action.
    action = "" if leaves else "; form-action 'self'"
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; media-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'{action}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
    }
    return Response(content, status, headers, media_type="text/html; charset=utf-8")
