"""The wall: ``/auth`` tells an edge who may pass, ``/wall`` asks the rest, and leads them back to the page that they wanted.

A clearance is multi-use: the same cookie clears every request until its pass expires, and nothing is spent. What must happen
once per solved challenge (a sign-up, an order) asks siteverify instead.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from captcha_stateless.agents.base import ACCEPT_SIGNATURE
from captcha_stateless.errors import BadRequest, BadToken, Blocked, CaptchaError, Denied, Refused, WrongHost
from captcha_stateless.http.access_log import VISIT
from captcha_stateless.http.bodies import WrongMediaType, read_json
from captcha_stateless.http.endpoint import BodyTooLarge, MethodNotAllowed
from captcha_stateless.http.forwarded import authority_of, is_edge, visit_of
from captcha_stateless.http.navigation import wants_page
from captcha_stateless.http.query import parameters
from captcha_stateless.http.replies import Json
from captcha_stateless.model import Pass
from captcha_stateless.protocols import scripts, wall_pages, wall_way
from captcha_stateless.protocols.base import Adapter, Table, wording
from captcha_stateless.protocols.nojs_pages import KINDS_SHOWN
from captcha_stateless.protocols.wall_pages import LATER, SCRIPT, UNLISTED, Shown
from captcha_stateless.protocols.wall_way import Way, keep_in_cookie, way_key
from captcha_stateless.sites import Site
from captcha_stateless.tokens.cookie import pass_in
from captcha_stateless.wall import Visit
from captcha_stateless.wall.asked import Asked, asked

# None: the error's own message, which holds only words of ours.
WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str | None]] = {
    BadRequest: (HTTPStatus.BAD_REQUEST, None),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large"),
    WrongMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Body must be application/json"),
    Refused: (HTTPStatus.UNAUTHORIZED, "Solve a challenge first"),
    Denied: (HTTPStatus.UNAUTHORIZED, "Solve a challenge first"),
    Blocked: (HTTPStatus.FORBIDDEN, "Denied"),
    CaptchaError: (HTTPStatus.SERVICE_UNAVAILABLE, "Temporarily unavailable"),
}
#: What a 401 names as its scheme.
SCHEME = "Captcha"
#: How an edge wants to hear that a visitor must be asked: by the bare status, by a redirect, or by the page to show.
DENY = ("401", "redirect", "page")
#: Where the way back stands in the bare answer, for an edge that shows the wall by itself.
WAY = "Captcha-Wall"
#: The edge's question, where it puts the visitor's path behind ours, as Envoy does.
BEHIND = "/auth/at/"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: The path below which an edge serves us on the site's own host.
_BELOW = re.compile(r"(?:/[A-Za-z0-9._~-]{1,64}){0,4}")
_PASSED = Response(status_code=HTTPStatus.NO_CONTENT)
_ROBOTS = "User-agent: *\nDisallow: {0}/wall\nDisallow: {0}/nojs\nDisallow: {0}/auth\nDisallow: {0}/api/\n"


class Wall(Adapter):
    """``GET /auth`` looks at a visit, ``POST /auth`` puts a pass into the cookie; ``?sitekey=`` says whose pass counts."""

    name: ClassVar[str] = "wall"
    prefixed: ClassVar[bool] = False
    #: An answer costs no more than to say that there is no time for one, and every page of a site waits for it.
    queued: ClassVar[bool] = False

    def table(self) -> Table:
        """Name the paths."""
        script = scripts.serving(scripts.closure(scripts.source(SCRIPT)), scripts.KEPT_SHORT)
        return {
            "/auth": {"GET": self.check, "POST": self.clear},
            f"{BEHIND}{{sitekey}}/{{rest:path}}": dict.fromkeys(_METHODS, self.check_behind),
            "/wall": {"GET": self.show},
            f"/{SCRIPT}": {"GET": script},
            "/robots.txt": {"GET": self.robots},
        }

    async def check(self, request: Request) -> Response:
        """Answer 204 where the visit may pass; else 401 as the edge wants it, or 403."""
        deny = _query(request).get("deny", DENY[0])
        if deny not in DENY:
            raise BadRequest(f"deny must be one of {', '.join(DENY)}")
        return await self._judge(request, self._site(request), self.visit(request), deny)

    async def check_behind(self, request: Request) -> Response:
        """Do the same, with 200 for 204, for a visit whose path stands behind ours, and whose method is the request's."""
        raw = bytes(request.scope.get("raw_path") or b"").decode("latin-1")
        uri = f"/{raw.partition(BEHIND)[2].partition('/')[2]}"
        if request.url.query:
            uri += f"?{request.url.query}"
        site = self.sites.find(request.path_params["sitekey"])
        answer = await self._judge(request, site, self.visit(request, uri=uri), "page")
        return Response() if answer is _PASSED else answer  # Envoy takes 200 for a yes, and nothing else

    async def _judge(self, request: Request, site: Site, visit: Visit, deny: str) -> Response:
        self.gate.admit(self.caller(request))
        decision = site.rules.decide(await self._known(request, visit, site))
        if decision.action == "deny":
            self._tell(request, "denied", decision.rule)
            raise Blocked("denied by a rule")
        if decision.action == "allow":
            self._tell(request, "allowed", decision.rule)
            return _PASSED
        wanted = Asked(decision.policy, decision.weight)
        if self._is_cleared(request, visit, site, wanted):
            self._tell(request, "cleared", decision.rule)
            return _PASSED
        self._tell(request, "asked", decision.rule)
        asked = await self._ask(request, site, visit, wanted, deny)
        if "agent" in site.rules.needs:
            asked.headers["Accept-Signature"] = ACCEPT_SIGNATURE
        return asked

    async def _known(self, request: Request, visit: Visit, site: Site) -> Visit:
        """Find out who a visitor verifiably is, as far as a rule of the site asks for it.

        Whose signature does not count is asked as everybody is, and the log knows why.
        """
        if "crawler" in site.rules.needs:
            visit = replace(visit, crawler=await self.crawlers.crawler(visit))
        if "agent" in site.rules.needs and "signature-input" in visit.headers:
            try:
                site.require_host(
                    visit.host
                )  # else whoever runs another site could hand on what was signed for him
                signed = replace(visit, host=authority_of(request))  # with its port, as it was signed
                visit = replace(visit, agent=await self.agents.verify(signed))
            except (Refused, WrongHost) as error:
                self.note(error)
        return visit

    def _tell(self, request: Request, result: str, rule: str) -> None:
        request.scope[VISIT] = result, rule
        self.engine.events.visited(result, rule)

    async def _ask(self, request: Request, site: Site, visit: Visit, wanted: Asked, deny: str) -> Response:
        """Say that the visitor must be asked, as the edge wants it; to what is no page's request by the status alone."""
        page = wants_page(visit)
        shown = self._shown(request, site, visit, wall_way.back_from(visit, wanted, page=page))
        if page and deny == "page":
            return await self._challenge(request, site, shown)
        if page and deny == "redirect":
            status = HTTPStatus.FOUND if visit.method in ("GET", "HEAD") else HTTPStatus.SEE_OTHER
            leads = _leads(request, visit, shown) or shown.link("wall", **{"return": shown.sealed})
            return RedirectResponse(leads, status, UNLISTED)
        return _bare(request, visit, shown)

    async def show(self, request: Request) -> Response:
        """Ask a visitor, or lead back whoever need not be asked; ``set``: the cookie was set a moment ago."""
        site, visit, text = self._site(request), visit_of(request), _query(request).get("return", "")
        way = wall_way.open_(way_key(self.engine), site.key, visit.host, text) if text else Way()
        shown = self._shown(request, site, visit, way)
        if not wants_page(visit):
            return _bare(request, visit, shown)
        if self._is_cleared(request, visit, site, way.asked):
            return RedirectResponse(way.address, HTTPStatus.SEE_OTHER, UNLISTED)
        if "set" in _query(request):
            return wall_pages.cookieless(shown)
        return await self._challenge(request, site, shown)

    async def _challenge(self, request: Request, site: Site, shown: Shown) -> Response:
        binding = self.gate.bind("", site.key, action=shown.way.asked.action)
        host = visit_of(request).host
        if answered := await self.brought(request, binding, host):
            signed = self.gate.vouch(answered)
            onward = RedirectResponse(shown.onward, HTTPStatus.SEE_OTHER, UNLISTED)
            return keep_in_cookie(onward, signed.token, signed.claims, self.engine.left(signed.claims))
        unasked = await self.gate.leads(self.caller(request), binding) == "work"
        without = any(kind in site.counting for kind in KINDS_SHOWN)
        page = wall_pages.challenge(shown, unasked=unasked, without_scripts=without)
        page.headers["WWW-Authenticate"] = self.wanted_of_device(request, binding, host) or SCHEME
        return page

    async def clear(self, request: Request) -> Response:
        """Put a live pass of the site into the cookie, for as long as it lives."""
        token, site = _token(await read_json(request)), self._site(request)
        shown = self._recognised(request, token, site)
        done = Response(status_code=HTTPStatus.NO_CONTENT)
        return keep_in_cookie(done, token, shown, self.engine.left(shown))

    async def robots(self, request: Request) -> Response:
        """Ask robots to stay away from the wall, for a site that has no such file of its own."""
        headers = {"Cache-Control": "public, max-age=3600"}
        return PlainTextResponse(
            _ROBOTS.format(self._below(request, _query(request).get("at"))), headers=headers
        )

    def reply(self, error: CaptchaError, request: Request) -> Response:
        """Word a refusal: as a page where a visitor may have one and wants it, else as ``{"error": …}``."""
        visit = visit_of(request)
        asked_here = _is_wall(request) or _is_behind(request) or _query(request).get("deny") == "page"
        if not (asked_here and wants_page(visit)) or isinstance(error, BadRequest):
            return self.word(error)
        status = wording(WORDS, error)[0]
        said = "unavailable" if status == HTTPStatus.SERVICE_UNAVAILABLE else "refused"
        try:
            return wall_pages.refusal(self._shown(request, None, visit, Way()), said, status)
        except BadRequest as mistake:  # of the edge's: where our files are
            return self.word(mistake)

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``{"error": …}``; a 401 names its scheme (RFC 9110, section 11.6.1)."""
        status, text = wording(WORDS, error)
        if status == HTTPStatus.UNAUTHORIZED:
            return _unauthorised()
        return Json({"error": str(error) if text is None else text}, status, UNLISTED)

    def _is_cleared(self, request: Request, visit: Visit, site: Site, wanted: Asked) -> bool:
        """Tell whether the cookie holds a live pass of the site that was earned for no less."""
        token = pass_in(visit.headers.get("cookie", ""), wanted.policy)
        if not token:
            return False
        try:
            return wanted.satisfied(asked(self._recognised(request, token, site).action))
        except (Refused, Denied):
            return False

    def _recognised(self, request: Request, token: str, site: Site) -> Pass:
        shown = self.engine.passes.recognise(token, site)
        if site.bound:
            self.engine.passes.require_network(shown, self.gate.network(self.caller(request), site.key))
        return shown

    def _shown(self, request: Request, site: Site | None, visit: Visit, way: Way) -> Shown:
        # Whoever chose where the wall's scripts are would run his own: visitors do not, only an edge that asks about them.
        told = _query(request).get("at") if is_edge(request) else None
        # Below its own address the wall finds its files wherever an edge serves it.
        base = "" if told is None and _is_wall(request) else f"{self._below(request, told)}/"
        key = site.key if site else ""
        sealed = wall_way.seal(way_key(self.engine), key, visit.host, way)
        return Shown(site=key, language=scripts.chosen(request), base=base, way=way, sealed=sealed)

    def _below(self, request: Request, told: str | None) -> str:
        """Tell the path below which visitors reach us: as it is told, or else by the operator, or the server itself."""
        if told is None:
            told = urlsplit(self.settings.public_url).path or str(request.scope.get("root_path", ""))
        if not _BELOW.fullmatch(below := told.rstrip("/")):
            raise BadRequest("at must be a path")
        return below

    def _site(self, request: Request) -> Site:
        key = _query(request).get("sitekey")
        if key is None and len(self.sites.all) == 1:
            return self.sites.all[0]
        # Of several sites none is guessed: a pass of one would open the doors of another.
        return self.sites.find(key or "")


def _query(request: Request) -> Mapping[str, str]:
    """Read what is asked; behind ours stand the visitor's own path and query, which ask nothing."""
    return {} if _is_behind(request) else parameters(request.scope["query_string"])


def _is_behind(request: Request) -> bool:
    return "rest" in request.path_params


def _is_wall(request: Request) -> bool:
    return str(request.scope["path"]).endswith("/wall") and not _is_behind(request)


def _leads(request: Request, visit: Visit, shown: Shown) -> str:
    """Address the wall for wherever the visitor is; empty: it is not known where that is."""
    origin = authority_of(request)
    return f"{visit.scheme}://{origin}{shown.link('wall', **{'return': shown.sealed})}" if origin else ""


def _bare(request: Request, visit: Visit, shown: Shown) -> Response:
    """Say to what is no page's request where a person can be asked."""
    leads = _leads(request, visit, shown)
    return _unauthorised({"wall": leads} if leads else {}, {WAY: quote(shown.sealed, safe="")})


def _unauthorised(
    more: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    said = {"error": WORDS[Refused][1], **(more or {})}
    return Json(
        said, HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": SCHEME, **UNLISTED, **LATER, **(headers or {})}
    )


def _token(body: Any) -> str:
    token = body.get("response") if isinstance(body, dict) else None
    if not isinstance(token, str):
        raise (
            BadToken("no pass given") if isinstance(body, dict) else BadRequest("body must be a JSON object")
        )
    return token
