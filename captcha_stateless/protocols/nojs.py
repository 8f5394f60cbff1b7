"""The page without scripts, at ``/nojs``: an HTML form, stage after stage, and at the end the pass."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from captcha_stateless.errors import (
    BadRequest,
    BadToken,
    Blocked,
    CaptchaError,
    Denied,
    Expired,
    Refused,
    Spent,
    Unavailable,
    WrongAnswer,
)
from captcha_stateless.http.bodies import WrongMediaType, read_form
from captcha_stateless.http.endpoint import BodyTooLarge, MethodNotAllowed
from captcha_stateless.http.forwarded import visit_of
from captcha_stateless.kinds import KINDS
from captcha_stateless.kinds.profiles import PROFILES, TILES
from captcha_stateless.model import Claims, Sealed, Signed
from captcha_stateless.protocols import nojs_pages as pages
from captcha_stateless.protocols import scripts, wall_way
from captcha_stateless.protocols.base import Adapter, Table, wording
from captcha_stateless.protocols.nojs_pages import HELP, ICON, KINDS_SHOWN, PATH, STYLE, Ask
from captcha_stateless.sites import testkeys

#: Where the last page's own address holds it, so that Reload and Back find it again.
EARNED = "pass"
#: What the first page is asked for, and what every further one carries along; all of it is checked each time.
ASKED = ("sitekey", "action", "cdata", "kind", "lang", "return", "wall")

# Which of the widget's words a refusal is told in.
WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str]] = {
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "refused"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "refused"),
    WrongMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "refused"),
    Denied: (HTTPStatus.FORBIDDEN, "refused"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "refused"),
}
#: What a refused answer is told in, above the next challenge.
NOTES: dict[type[CaptchaError], str] = {
    WrongAnswer: "again",
    Expired: "over",
    Spent: "answered",
    CaptchaError: "failed",
}
NOTED = frozenset({*NOTES.values(), "next", "none", "refused"})


class NoJs(Adapter):
    """``GET /nojs`` begins a run, ``POST /nojs`` answers a stage of it."""

    name: ClassVar[str] = "nojs"
    draws: ClassVar[bool] = True
    prefixed: ClassVar[bool] = False
    heard: ClassVar[bool] = True

    def table(self) -> Table:
        """Name the page and its style."""
        style = scripts.serving(scripts.source("nojs.css").encode(), scripts.KEPT_SHORT, "text/css")
        icon = scripts.serving(scripts.source("favicon.svg").encode(), scripts.KEPT_SHORT, "image/svg+xml")
        return {
            PATH: {"GET": self.begin, "POST": self.answer},
            HELP: {"GET": self.help},
            STYLE: {"GET": style},
            ICON: {"GET": icon},
        }

    async def begin(self, request: Request) -> Response:
        """Show a stage, the first one where no token is named, or the pass that the run has earned."""
        query = request.query_params
        ask, note = self._ask(request, query), query.get("note", "")
        try:
            if EARNED in query:
                return pages.done(ask, self._earned(ask, query[EARNED]))
            if "token" in query:
                sealed = self._sealed(ask, query["token"])
                await self.gate.again(self.caller(request), sealed.claims)
                return self._stage(ask, sealed, note)
        except (Refused, Denied) as error:
            self.note(error)
            note = wording(NOTES, error)
        return await self._begin(request, ask, note)

    async def help(self, request: Request) -> Response:
        """Say what this is about, to whom the widget leads here."""
        return pages.guide(scripts.chosen(request, request.query_params.get("lang", "")))

    async def answer(self, request: Request) -> Response:
        """Do what the visitor's button says, and lead to the page that shows what came of it.

        Every page has an address of its own, so that Reload and Back find it: an answer to a form cannot be shown again.
        """
        fields = await read_form(request)
        wanted, token = fields.get("do", "check"), fields.get("token", "")
        ask = self._ask(request, {**fields, "kind": wanted} if wanted in KINDS_SHOWN else fields)
        if wanted not in ("check", "more"):
            return _lead(ask)
        try:
            sealed = self._sealed(ask, token)
            if wanted == "more":
                return self._extend(ask, sealed)
            return await self._judge(request, ask, sealed, fields)
        except Refused as error:
            self.note(error)
            return _lead(ask, note=wording(NOTES, error))

    def _sealed(self, ask: Ask, token: str) -> Sealed:
        """Open a token; what it is bound to decides, and whoever asks for something else begins anew.

        Raises:
            BadToken: when it is of another site, host, action or cdata; and whatever :meth:`Engine.look` does.
        """
        claims = self.engine.look(token, self.name)
        if claims.kind != ask.kind or any(
            getattr(claims, name) != value for name, value in ask.binding._asdict().items()
        ):
            raise BadToken("token of another run")
        return Sealed(token, claims)

    def _earned(self, ask: Ask, token: str) -> str:
        shown = self.engine.passes.recognise(token, self.sites.find(ask.binding.site))
        if shown.host != ask.binding.host:
            raise BadToken("pass of another host")
        return token

    def _extend(self, ask: Ask, sealed: Sealed) -> Response:
        try:
            return _lead(ask, token=self.engine.extend(sealed.token, self.name).token)
        except BadRequest:  # as often as may be; the time that is left is still the visitor's
            return _lead(ask, token=sealed.token, note="refused")

    async def _judge(self, request: Request, ask: Ask, sealed: Sealed, fields: Mapping[str, str]) -> Response:
        answer = _answered(sealed.claims, fields)
        if answer is None:
            return _lead(ask, token=sealed.token, note="none")
        answered = await self.gate.play(self.caller(request), sealed.claims, answer)
        following = self.engine.advance(answered)
        if following is not None:
            return _lead(ask, token=following.token, note="next")
        signed = self.gate.vouch(answered)
        earned = signed.token
        if "wall" in ask.fields:
            return self._through(ask, signed)
        return _lead(ask, **{EARNED: earned}) if sealed.claims.site else pages.done(ask, earned)

    def _through(self, ask: Ask, signed: Signed) -> Response:
        """Let a visitor of the wall through: the pass goes into the cookie, and the wall looks whether it was kept."""
        query = urlencode({"sitekey": ask.binding.site, "return": ask.fields["wall"], "set": "1"})
        response = RedirectResponse(f"wall?{query}", HTTPStatus.SEE_OTHER)
        return wall_way.keep_in_cookie(response, signed.token, signed.claims, self.engine.left(signed.claims))

    def reply(self, error: CaptchaError, request: Request) -> Response:
        """Word a refusal as a page in the visitor's language."""
        status, name = wording(WORDS, error)
        language = scripts.chosen(request, request.query_params.get("lang", ""))
        return pages.refusal(language, scripts.words(language)[name], status)

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal where nothing is known of the visitor."""
        status, name = wording(WORDS, error)
        return pages.refusal(scripts.ENGLISH, scripts.words(scripts.ENGLISH)[name], status)

    def _ask(self, request: Request, fields: Mapping[str, str]) -> Ask:
        """Check what is asked.

        Raises:
            BadRequest: when the return address is not one of the site's, or there is no such kind.
            UnknownSite, WrongHost: as in :meth:`bind`.
            WeakKind: when the site lets no challenge of the kind count.
        """
        asked = {name: fields[name] for name in ASKED if fields.get(name)}
        host = _host(asked.get("return", ""))
        if "wall" in asked:
            host = visit_of(request).host
            way = wall_way.open_(wall_way.way_key(self.engine), asked.get("sitekey", ""), host, asked["wall"])
            asked["action"] = way.asked.action
        words = {"action": asked.get("action", ""), "cdata": asked.get("cdata", "")}
        binding = self.gate.bind(host, asked.get("sitekey"), **words)
        kind = self._kind(asked, binding.site)
        language = scripts.chosen(request, asked.get("lang", ""))
        said = {**scripts.words(language), **scripts.further_words("nojs")[language]}
        return Ask({**asked, "kind": kind}, language, said, binding, kind)

    def _kind(self, asked: Mapping[str, str], key: str) -> str:
        site = next((site for site in self.sites.all if site.key == key), None)
        if "return" in asked and not (site and asked["return"] in site.returns):
            raise BadRequest("return address is not among the site's")
        counts = [kind for kind in KINDS_SHOWN if not site or kind in site.counting]
        kind = asked.get("kind") or next(iter(counts), "")
        if kind not in KINDS_SHOWN:
            raise BadRequest(f"kind must be one of {', '.join(KINDS_SHOWN)}")
        if site:
            site.require_kind(kind)
        return kind

    async def _begin(self, request: Request, ask: Ask, note: str) -> Response:
        if ask.binding.site == testkeys.PASSING_SITE:
            return pages.done(ask, testkeys.DUMMY)
        if ask.binding.site == testkeys.FAILING_SITE:
            raise Blocked("the failing test site")
        return self._stage(ask, await self.ask(request, ask.binding, ask.kind), note)

    def _stage(self, ask: Ask, sealed: Sealed, note: str) -> Response:
        renderer = self.engine.renderer
        shown = pages.Stage(sealed, renderer.picture(sealed), self.engine.left(sealed.claims))
        said = ask.words[note] if note in NOTED else ""
        return pages.stage(ask, shown, said, can_be_heard=bool(renderer.languages("text")))


def _lead(ask: Ask, **more: str) -> Response:
    query = urlencode({**ask.fields, **{name: value for name, value in more.items() if value}})
    return RedirectResponse(f"{PATH[1:]}?{query}", HTTPStatus.SEE_OTHER)


def _answered(claims: Claims, fields: Mapping[str, str]) -> list[bool] | str | None:
    """Read the answer; None where there is none, though the challenge has no such answer."""
    if KINDS[claims.kind].face != "tiles":
        return fields.get("answer", "").strip() or None
    tiles = [f"tile{tile}" in fields for tile in range(TILES)]
    least = PROFILES[str(claims.params["profile"])].matches.start
    return tiles if any(tiles) or least == 0 else None


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        raise BadRequest("return address is none") from None
