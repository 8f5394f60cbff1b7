"""1Captcha: nine images, one expected character, stage after stage, the token in ``X-Captcha-Challenge``.

A request that names a ``kind`` is our own widget's, and may be given text, sound or work instead. What it is told first says
``kinds``: what this site lets count, so that a visitor can be offered another way.

Where devices count at the site, the first answer also asks for a private token (RFC 9577), and the same request with one ends
the run. The challenge is there as ever, for whoever has none: with 200, as clients know it, or with 401 for those who say
``device=ask``, for browsers ask their system on a 401 alone.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import (
    BadRequest,
    BadToken,
    Blocked,
    CaptchaError,
    Expired,
    Spent,
    Unavailable,
    UnknownSite,
    WeakKind,
    WrongAnswer,
    WrongHost,
)
from captcha_stateless.gate import Binding
from captcha_stateless.http.bodies import WrongMediaType, read_json
from captcha_stateless.http.dataurl import PREFIX, base64, data_url
from captcha_stateless.http.endpoint import BodyTooLarge, MethodNotAllowed
from captcha_stateless.http.replies import Json
from captcha_stateless.kinds import KINDS
from captcha_stateless.model import Answered, Claims, Params, Sealed
from captcha_stateless.protocols.base import Adapter, Table, wording
from captcha_stateless.sites import Site, testkeys
from captcha_stateless.sites.policy import Policy

HEADER = "x-captcha-challenge"
ASKED = ("sitekey", "action", "cdata", "kind", "device")
_NEXT = b'","' + PREFIX
_json = json.JSONEncoder(separators=(",", ":"))

#: What the site's policy chooses among the kinds that there are.
AUTO = "auto"
#: How long the widget's visitor may take with work, where the policy does not say.
WORK_SECONDS = 300
#: Who can take a 401 with a challenge in it says so.
ASK_DEVICE = "ask"
#: The purpose of the token of work that is done before anything is drawn, and how long it may wait for its visitor.
FIRST = "onecaptcha-first"
FIRST_SECONDS = 120

# None: the error's own message, which holds only words of ours.
WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str | None]] = {
    BadToken: (HTTPStatus.BAD_REQUEST, "Unable to parse challenge token"),
    Expired: (HTTPStatus.BAD_REQUEST, "Challenge expired"),
    Spent: (HTTPStatus.BAD_REQUEST, "Challenge already answered"),
    WrongAnswer: (HTTPStatus.BAD_REQUEST, "Incorrect"),
    BadRequest: (HTTPStatus.BAD_REQUEST, None),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large"),
    WrongMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Body must be application/json"),
    UnknownSite: (HTTPStatus.FORBIDDEN, "Unknown site key"),
    WrongHost: (HTTPStatus.FORBIDDEN, "Host not allowed"),
    WeakKind: (HTTPStatus.FORBIDDEN, "Kind not allowed"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Temporarily unavailable"),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "Refused"),
}


class OneCaptcha(Adapter):
    """``POST /api/challenge`` begins a run or answers a stage; ``POST /api/extend`` asks for more time.

    Where the policy wants work before anything is drawn, a run begins with it, and ``POST /api/work`` tells it beforehand, so
    that a page can do it while it loads: the token and the solution then come with the request that begins the run.
    """

    name: ClassVar[str] = "onecaptcha"
    draws: ClassVar[bool] = True
    heard: ClassVar[bool] = True

    def table(self) -> Table:
        """Name the three paths."""
        return {
            "/api/challenge": {"POST": self.challenge},
            "/api/extend": {"POST": self.extend},
            "/api/work": {"POST": self.work},
        }

    def warm(self) -> None:
        """Make ready what draws each site's grids."""
        for site in self.sites.all:
            self.engine.renderer.prepare("grid", self.gate.profile(site.key))

    async def challenge(self, request: Request) -> Response:
        """Begin a run without the header; answer a stage, or what comes before the first, with it."""
        token = request.headers.get(HEADER)
        if token is None:
            return await self._begin(request)
        # A bad token is told before a bad body, as the original does.
        claims = self.engine.look(token, self.name, FIRST)
        body = await read_json(request)
        answer = body.get("answer") if isinstance(body, dict) else None
        if claims.purpose == FIRST:
            return await self._begin(request, claims, answer)
        answered = await self.gate.play(self.caller(request), claims, answer)
        following = self.engine.advance(answered)
        if following is not None:
            return await self._stage(following)
        return self._done(answered)

    async def work(self, request: Request) -> Response:
        """Tell the work that a run will begin with, or that there is none."""
        asked = await self._asked(request)
        binding = self.bind(request, asked.get("sitekey"), action=asked.get("action", ""))
        first = self._first(request, asked.get("kind", "grid"), binding, counted=False)
        return await self._stage(first, {"first": True}) if first else Json({"work": None})

    async def _begin(
        self, request: Request, worked: Claims | None = None, solution: object = None
    ) -> Response:
        asked = await self._asked(request)
        binding = self.bind(
            request, asked.get("sitekey"), action=asked.get("action", ""), cdata=asked.get("cdata", "")
        )
        if binding.site == testkeys.PASSING_SITE:
            return Json({"done": True, "flag": testkeys.DUMMY})
        if binding.site == testkeys.FAILING_SITE:
            raise Blocked("the failing test site")
        device = asked.get("device")
        if device not in (None, ASK_DEVICE):
            raise BadRequest(f"device must be {ASK_DEVICE}")
        if brought := await self.brought(request, binding):
            return self._done(brought)
        response = await self._opened(request, asked.get("kind"), binding, worked, solution)
        if wanted := self.wanted_of_device(request, binding):
            response.headers["WWW-Authenticate"] = wanted
            response.status_code = HTTPStatus.UNAUTHORIZED if device else response.status_code
        return response

    async def _opened(
        self, request: Request, kind: str | None, binding: Binding, worked: Claims | None, solution: object
    ) -> Response:
        kinds = [] if kind is None else self._kinds(binding.site, kind)
        more = {"kinds": kinds} if kinds else {}
        if worked is None and (first := self._first(request, kind, binding)):
            return await self._stage(first, {"first": True, **more})
        after = await self._settled(request, worked, solution, kind, binding) if worked else None
        return await self._stage(await self._drawn(request, kind, kinds, binding, after), more)

    def _first(
        self, request: Request, kind: str | None, binding: Binding, *, counted: bool = True
    ) -> Sealed | None:
        """Seal the work that comes before anything is drawn; None where there is none to do, or nothing will be drawn."""
        asked_of = self.settings.work_first
        drawn = kind != "work" and (kind != AUTO or self._leading(self._kinds(binding.site, AUTO), binding))
        silent = asked_of == "none" or (kind is None and asked_of != "all")
        if not drawn or binding.site in testkeys.SITES or silent:
            return None
        weighed = self._dearest(kind, binding)
        return self.gate.first(self.caller(request), binding, FIRST, FIRST_SECONDS, weighed, counted=counted)

    def _dearest(self, kind: str | None, binding: Binding) -> str:
        """Tell the kind whose price is asked before anything is drawn: of ``auto`` the dearest that it may lead to."""
        if kind != AUTO:
            return kind or "grid"
        drawn = self._leading(self._kinds(binding.site, AUTO), binding)
        return max(drawn, key=lambda each: self._policy(binding).terms(each).work, default="")

    def _policy(self, binding: Binding) -> Policy:
        return self.gate.policy(binding.site, binding.action)

    def _leading(self, kinds: Sequence[str], binding: Binding) -> list[str]:
        """Tell the kinds to draw that ``auto`` may lead to; where no rule leads to one that counts, the first that does."""
        ruled = [rule.kind for rule in self._policy(binding).rules if rule.kind in kinds]
        return [each for each in ruled or kinds[:1] if KINDS[each].face != "work"]

    async def _settled(
        self, request: Request, worked: Claims, solution: object, kind: str | None, binding: Binding
    ) -> Answered:
        """Use up what was worked; whoever sends it again must ask for the same, or one work would open many runs.

        What was asked before one kind may be less than another costs.
        """
        if worked.site != binding.site:
            raise BadToken("work for another site")
        if int(worked.params["difficulty"]) < self._policy(binding).terms(self._dearest(kind, binding)).work:
            raise BadToken("work for another kind")
        self.gate.require_own(self.caller(request), worked)
        words = _json.encode([kind, *binding, request.query_params.get("profile")]).encode("ascii")
        return await self.gate.play(self.caller(request), worked, solution, asked=words)

    async def _drawn(
        self,
        request: Request,
        kind: str | None,
        kinds: Sequence[str],
        binding: Binding,
        after: Answered | None,
    ) -> Sealed:
        """Have drawn what is asked for; of work and ``auto``, the site's policy knows how hard it must be.

        Where its rules lead to no kind that counts here, ``auto`` is the first that does.
        """
        if kind == AUTO and not any(rule.kind in kinds for rule in self._policy(binding).rules):
            kind = kinds[0]
        if kind not in (AUTO, "work"):
            wanted = self._wanted(request, kind)
            return await self.ask(request, binding, kind or "grid", wanted, after=after)
        # A sound is for those who ask for one.
        among = [each for each in (kinds if kind == AUTO else [kind]) if KINDS[each].face != "sound"]
        return await self.gate.issue_policed(
            self.caller(request),
            binding,
            self.name,
            among,
            lambda demand: {**_patience(demand.kind), **demand.params},
            after=after,
        )

    def _kinds(self, key: str, wanted: str) -> list[str]:
        """Tell what can be made here and counts at the site.

        Raises:
            BadRequest: when what is wanted is none of them.
            WeakKind: when it does not count, or cannot be made.
        """
        if wanted not in (*KINDS, AUTO):
            raise BadRequest(f"kind must be one of {', '.join((*KINDS, AUTO))}")
        site = self.sites.get(key)
        counts = site.counting if site else tuple(KINDS)
        kinds = [name for name in KINDS if name in counts and self._can_make(name, site)]
        if wanted not in (*kinds, AUTO):
            raise WeakKind("kind is not offered here")
        return kinds

    def _can_make(self, kind: str, site: Site | None) -> bool:
        """Tell whether there is what a kind needs: a voice for a sound, and a policy for how hard work is."""
        if KINDS[kind].face == "sound":
            return bool(self.engine.renderer.languages(kind))
        return KINDS[kind].face != "work" or site is not None

    def _done(self, answered: Answered) -> Response:
        return Json({"done": True, "flag": self.settings.flag or self.gate.vouch(answered).token})

    async def extend(self, request: Request) -> Response:
        """Seal the same stage again with a later deadline: the client has its pictures, none are sent again."""
        sealed = self.engine.extend(request.headers.get(HEADER, ""), self.name)
        await self.gate.again(self.caller(request), sealed.claims)
        return Json(self._head(sealed))

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``{"error": …}``."""
        status, text = wording(WORDS, error)
        return Json({"error": str(error) if text is None else text}, status)

    async def _asked(self, request: Request) -> dict[str, str]:
        """Read what the run is to be bound to, from the query or from a JSON object; the original sends neither.

        Raises:
            WrongMediaType: when there is a body of another sort.
            BadRequest: when it is no JSON object, or what it binds is no text.
        """
        body = await read_json(request) if await request.body() else None
        if body is None:
            body = {}
        if not isinstance(body, dict):
            raise BadRequest("body must be a JSON object")
        asked = {name: body[name] for name in ASKED if body.get(name) is not None}
        if not all(isinstance(value, str) for value in asked.values()):
            raise BadRequest(f"{', '.join(asked)} must be text")
        query = request.query_params if request.scope["query_string"] else {}
        return {**asked, **{name: query[name] for name in ASKED if name in query}}

    def _wanted(self, request: Request, kind: str | None) -> Params:
        chosen = request.query_params.get("profile") if self.settings.profile_choice else None
        return {"profile": chosen} if chosen is not None and kind in (None, "grid") else {}

    async def _stage(self, sealed: Sealed, more: Mapping[str, object] | None = None) -> Response:
        claims, head = sealed.claims, {**self._head(sealed), **(more or {})}
        if KINDS[claims.kind].face == "tiles":
            content = _with_pictures(head, await self.engine.renderer.drawn(sealed))
            return Response(content, media_type="application/json")
        return Json({**head, "kind": claims.kind, **self._shown(sealed)})

    def _head(self, sealed: Sealed) -> dict[str, object]:
        claims = sealed.claims
        return {
            "challenge": sealed.token,
            "stage": claims.stage,
            "stages": claims.stages,
            "time": self.engine.left(claims),
        }

    def _shown(self, sealed: Sealed) -> dict[str, object]:
        """Say what the visitor, or the visitor's device, needs; a sound is fetched with the token."""
        face = KINDS[sealed.claims.kind].face
        if face == "line":
            (png,) = self.engine.renderer.picture(sealed)
            return {"image": data_url(png).decode("ascii")}
        return {"work": _work(sealed.claims)} if face == "work" else {}


def _patience(kind: str) -> Params:
    return {"seconds": WORK_SECONDS} if KINDS[kind].face == "work" else {}


def _work(claims: Claims) -> dict[str, object]:
    asked = {name: claims.params[name] for name in ("algorithm", "unit", "difficulty")}
    return {"nonce": claims.seed.hex(), **asked}


def _with_pictures(head: Mapping[str, object], pngs: Sequence[bytes]) -> bytes:
    """Write the reply; base64 needs no escaping, and a JSON encoder would search 16 KB for what to escape."""
    expected, first, *images = map(base64, pngs)
    start = _json.encode(head).encode("ascii")[:-1] + b',"expected":"' + PREFIX
    more = [part for image in images for part in (_NEXT, image)]
    return b"".join((start, expected, b'","images":["', PREFIX, first, *more, b'"]}'))
