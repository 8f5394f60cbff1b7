"""ALTCHA: challenges for its widgets, their verification, and what its server Sentinel answers to back ends.

A challenge is work, or, where the site's policy or the page asks for it, our text in ALTCHA's own dialog after a moment's
work. State rides sealed: in the salt of the first form, in ``parameters.data`` of the second. A solution earns a pass, which
rides in the signed server payload; whoever verifies that with us uses the pass up, whoever verifies it offline does not.
"""

import binascii
import json
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import (
    BadAnswer,
    BadRequest,
    BadToken,
    Blocked,
    CaptchaError,
    Expired,
    Refused,
    Spent,
    Unavailable,
    UnknownSite,
    WeakKind,
    WrongAnswer,
    WrongHost,
    WrongSecret,
    WrongSite,
)
from captcha_stateless.formats import altcha as forms
from captcha_stateless.http.bodies import read_json, text
from captcha_stateless.http.dataurl import data_url
from captcha_stateless.http.endpoint import BodyTooLarge, MethodNotAllowed
from captcha_stateless.http.origin import REMEMBERED
from captcha_stateless.http.public_url import public_url
from captcha_stateless.http.replies import Json
from captcha_stateless.model import Answered, Claims, Params, Sealed, Signed
from captcha_stateless.protocols.base import Adapter, Table, wording
from captcha_stateless.puzzles import AltchaOne, AltchaTwo, Puzzle
from captcha_stateless.puzzles.altcha2 import COUNTER_BYTES
from captcha_stateless.puzzles.derive import key_bytes
from captcha_stateless.sites import Site
from captcha_stateless.sites.guard import Demand
from captcha_stateless.tokens import base64url

CONFIG_HEADER = "X-Altcha-Config"
#: The picture of a code challenge, and how long it may take.
TEXT: Params = {"width": 350, "height": 100, "seconds": 600}
#: The work before a code: what widgets do anyway, and a moment of it.
LIGHT_BITS = 8
MAX_CODE_CHARACTERS = 64
#: Whoever comes here has solved a challenge: to ALTCHA a score counts towards spam, and below 1 is good.
CLASSIFICATION, SCORE = "GOOD", 0

#: What a verdict says in ``reason``; the first word is Sentinel's own.
REASONS: dict[type[CaptchaError], str] = {
    Spent: "PAYLOAD_ALREADY_USED",
    Expired: "EXPIRED",
    WrongAnswer: "INVALID_SOLUTION",
    BadToken: "INVALID_SIGNATURE",
    Refused: "REFUSED",
    WrongSite: "INVALID_SIGNATURE",
    WeakKind: "REFUSED",
}
# None: the error's own message, which holds only words of ours.
WORDS: dict[type[CaptchaError], tuple[HTTPStatus, str | None]] = {
    BadRequest: (HTTPStatus.BAD_REQUEST, None),
    UnknownSite: (HTTPStatus.BAD_REQUEST, "unknown apiKey"),
    WrongSecret: (HTTPStatus.BAD_REQUEST, "wrong secret"),
    WrongHost: (HTTPStatus.FORBIDDEN, "host is not among the site's"),
    Blocked: (HTTPStatus.FORBIDDEN, "the request is refused"),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body too large"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "temporarily unavailable"),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "refused"),
}
#: The facts that are numbers; an action may look like one.
_NUMBERS = ("expire", "score", "time")
_PUZZLES: dict[int, Puzzle] = {1: AltchaOne(), 2: AltchaTwo()}
_LIGHT = {version: puzzle.plan({"difficulty": LIGHT_BITS}) for version, puzzle in _PUZZLES.items()}


class Altcha(Adapter):
    """``/altcha/v1`` for widgets 1 and 2, ``/altcha/v2`` for 3: ``challenge``, ``verify``, for back ends ``signature``."""

    name: ClassVar[str] = "altcha"
    draws: ClassVar[bool] = True
    prefixed: ClassVar[bool] = False
    heard: ClassVar[bool] = True

    def table(self) -> Table:
        """Name the paths."""
        return {
            "/altcha/v1/challenge": {"GET": partial(self.challenge, 1)},
            "/altcha/v2/challenge": {"GET": partial(self.challenge, 2)},
            "/altcha/v1/verify": {"POST": self.verify},
            "/altcha/v2/verify": {"POST": self.verify},
            "/altcha/v1/verify/signature": {"POST": self.signature},
            "/altcha/v2/verify/signature": {"POST": self.signature},
        }

    def warm(self) -> None:
        """Build the renderer of codes."""
        self.engine.renderer.prepare("text", TEXT)

    async def challenge(self, version: int, request: Request) -> Response:
        """Begin: the work, and the code where there is one."""
        asked = _asked(request.scope["query_string"])
        binding = self.bind(request, asked.key, action=asked.action, cdata=asked.cdata)
        site = self.sites.find(binding.site)
        if asked.kind == "text" or "work" not in site.counting:
            sealed = await self.ask(request, binding, "text", TEXT)
        else:
            sealed = await self.gate.issue_policed(
                self.caller(request),
                binding,
                self.name,
                ("work", "text"),
                partial(_completed, version),
                puzzles=(_PUZZLES[version].name,),
            )
        code = await self._code(request, sealed) if sealed.claims.kind == "text" else ""
        return _WORDED[version](self._keys(site, code=bool(code)), sealed, code, _ways(site.key))

    async def verify(self, request: Request) -> Response:
        """Judge what a widget hands back; the server payload takes its place in the form."""
        document = await read_json(request)
        (payload,) = text(document, "payload")
        code = document.get("code")
        if code is not None and not isinstance(code, str):
            raise BadRequest("code must be text")
        site = self._site(request)
        try:
            answered = await self._solved(request, site, payload, code or "")
        except Refused as error:
            return self._verdict(error)
        signed = self.gate.vouch(answered)
        answer = forms.server_payload(self._keys(site), _facts(signed))
        return Json({"verified": True, "payload": answer})

    async def signature(self, request: Request) -> Response:
        """Judge a server payload for the back end that the body's ``secret`` or Basic authentication (RFC 7617) names."""
        document = await read_json(request)
        header = request.headers.get("authorization")
        if header is None:
            payload, secret = text(document, "payload", "secret")
            return await self._judged(self.sites.authenticate(secret), payload)
        (payload,), (key, secret) = text(document, "payload"), _basic(header)
        site = self.sites.authenticate(secret)
        if site.key != key:
            raise WrongSecret("secret is another site's")
        return await self._judged(site, payload)

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as ``{"error": …}``."""
        status, words = wording(WORDS, error)
        return Json({"error": str(error) if words is None else words}, status)

    def _site(self, request: Request) -> Site:
        key = request.query_params.get("apiKey")
        site = self.sites.find(key) if key else self.sites.default
        if site is None:
            raise UnknownSite("there is no site")
        return site

    def _keys(self, site: Site, *, code: bool = False) -> forms.Keys:
        return forms.keys(self.engine.share_key, site.key, site.secret_sha256, code=code)

    async def _code(self, request: Request, sealed: Sealed) -> str:
        """Word the code as a further member of the challenge."""
        (png,) = await self.engine.renderer.drawn(sealed)
        code: dict[str, Any] = {"image": data_url(png).decode("ascii")}
        length, digits = sealed.claims.params["length"], sealed.claims.params["digits"]
        if digits:
            query = urlencode({"token": sealed.token})
            code["audio"] = public_url(request, self.settings, f"/api/audio?{query}")
        # Widgets let nothing be typed that is longer or shorter: what is heard must fit as well.
        if digits in (0, length):
            code["length"] = length
        return f',"codeChallenge":{json.dumps(code)}'

    async def _solved(self, request: Request, site: Site, payload: str, code: str) -> Answered:
        found = forms.solution(self._keys(site, code=bool(code)), payload)
        claims = self.engine.look(found.token, self.name)
        if claims.site != site.key:
            raise BadToken("token of another site")
        if claims.kind == "text":
            _require_work(claims, found)
            if len(code) > MAX_CODE_CHARACTERS:
                raise BadRequest("over-long code")
            return await self.gate.redeem(self.caller(request), claims, code)
        if claims.params.get("puzzle") != _PUZZLES[found.version].name:
            raise BadToken("token of the other form")
        answered = await self.gate.redeem(self.caller(request), claims, _answer(found))
        if not found.whole:
            raise BadToken("parts of two challenges")
        return answered

    async def _judged(self, site: Site, payload: str) -> Response:
        try:
            facts = forms.facts(self._keys(site), payload)
            await self.engine.passes.admit(facts.get("token", ""), site)
        except (Refused, WrongSite, WeakKind) as error:
            return self._verdict(error)
        return Json({"verified": True, "apiKey": site.key, "verificationData": _typed(facts)})

    def _verdict(self, error: CaptchaError) -> Response:
        self.note(error)
        return Json({"verified": False, "reason": wording(REASONS, error)})


class Query(NamedTuple):
    """What a challenge is asked with."""

    key: str
    kind: str
    action: str
    cdata: str


@lru_cache(maxsize=REMEMBERED)
def _asked(query: bytes) -> Query:
    # A site's requests mostly have the same query.
    given = QueryParams(query)
    return Query(*(given.get(name, "") for name in ("apiKey", "kind", "action", "cdata")))


class Ways(NamedTuple):
    """Where a widget goes on, relative to the challenge: as the first form's header, and in the second's own words."""

    header: str
    configuration: str


@lru_cache(maxsize=REMEMBERED)
def _ways(site: str) -> Ways:
    verify = f"verify?{urlencode({'apiKey': site})}"
    config = {"verifyurl": verify, "sentinel": {"fields": False, "timeZone": False}}
    return Ways(json.dumps(config), json.dumps({"verifyUrl": verify}))


def _completed(version: int, demand: Demand) -> Params:
    if demand.kind == "text":
        return {**TEXT, **demand.params}
    return {**demand.params, "puzzle": _PUZZLES[version].name}


def _puzzle(version: int, sealed: Sealed) -> tuple[Params, tuple[str, ...], tuple[bytes, ...]]:
    """Tell the work of a challenge, what is shown of it and the answers: its own, or the moment's before a code."""
    claims, challenge = sealed.claims, sealed.challenge
    if claims.kind == "work" and challenge is not None:
        return claims.params, challenge.shown, challenge.answers
    return _LIGHT[version], *_PUZZLES[version].draw(claims.seed, _LIGHT[version])


def _require_work(claims: Claims, found: forms.Solution) -> None:
    """Refuse a code without the moment's work before it; nothing is spent then."""
    puzzle, light = _PUZZLES[found.version], _LIGHT[found.version]
    _, answers = puzzle.draw(claims.seed, light)
    if not found.whole or puzzle.normal(_answer(found), light) not in answers:
        raise BadAnswer("the work is not done")


def _answer(found: forms.Solution) -> object:
    return found.number if found.version == 1 else (found.number, found.key)


def _worded_1(held: forms.Keys, sealed: Sealed, code: str, ways: "Ways") -> Response:
    _, (nonce, most), (number,) = _puzzle(1, sealed)
    members = forms.challenge_1(held, nonce, int(number), sealed.claims.exp, sealed.token)
    # Libraries differ in how they spell the greatest number, and each takes its own.
    content = f'{{{members},"maxNumber":{most},"maxnumber":{most}{code}}}'
    return Response(content, media_type="application/json", headers={CONFIG_HEADER: ways.header})


def _worded_2(held: forms.Keys, sealed: Sealed, code: str, ways: "Ways") -> Response:
    work, (nonce, salt, prefix), answers = _puzzle(2, sealed)
    asked = forms.Asked(
        algorithm=str(work["kdf"]),
        cost=int(work["cost"]),
        memory=int(work["memory"]),
        lanes=int(work["lanes"]),
        length=key_bytes(work),
        nonce=nonce,
        salt=salt,
        prefix=prefix,
        token=sealed.token,
        expires=sealed.claims.exp,
        proof=forms.proof(held, answers[0][COUNTER_BYTES:]) if answers else "",
    )
    signed, signature = forms.challenge_2(held, asked)
    content = (
        f'{{"parameters":{signed},"signature":"{signature}","configuration":{ways.configuration}{code}}}'
    )
    return Response(content, media_type="application/json")


_WORDED = {1: _worded_1, 2: _worded_2}


def _facts(earned: Signed) -> dict[str, str | int]:
    claims = earned.claims
    bound = {"action": claims.action, "hostname": claims.host}
    return {
        **{name: value for name, value in bound.items() if value},
        "classification": CLASSIFICATION,
        "expire": claims.exp,
        "id": base64url.encode(claims.jti),
        "kind": claims.kind,
        "score": SCORE,
        "time": claims.iat,
        "token": earned.token,
        "verified": "true",
    }


def _typed(facts: dict[str, str]) -> dict[str, str | int | bool]:
    """Give facts the types that JSON has for them."""
    return {
        name: value == "true" if name == "verified" else int(value) if name in _NUMBERS else value
        for name, value in facts.items()
    }


def _basic(header: str) -> tuple[str, str]:
    scheme, _, given = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError("another scheme")
        key, _, secret = binascii.a2b_base64(given.strip(), strict_mode=True).decode("utf-8").partition(":")
    except ValueError:
        raise WrongSecret("no Basic authentication") from None
    return key, secret
