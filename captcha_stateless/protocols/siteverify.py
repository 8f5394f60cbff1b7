"""siteverify: what back ends written for reCAPTCHA, hCaptcha or Turnstile call to have a pass judged, once."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.errors import (
    BadRequest,
    CaptchaError,
    Expired,
    Refused,
    Spent,
    Unavailable,
    WrongSecret,
    WrongSite,
)
from captcha_stateless.formats import altcha
from captcha_stateless.http.bodies import media_type, require_utf_8
from captcha_stateless.http.endpoint import Handler, MethodNotAllowed
from captcha_stateless.http.replies import Json
from captcha_stateless.model import Pass
from captcha_stateless.protocols.base import Adapter, Table, wording
from captcha_stateless.sites import testkeys

Fields = dict[str, str]

#: What is read of a request; everything else in it is ignored, as ``remoteip`` is (clients send even ``None`` as text).
FIELDS = ("secret", "response", "sitekey", "idempotency_key")
MAX_FIELDS = 32
MAX_KEY_CHARACTERS = 128


class Missing(BadRequest):
    """Fields are missing; ``codes`` names them."""

    code = "missing-field"

    def __init__(self, codes: list[str]) -> None:
        super().__init__("missing field")
        self.codes = codes


class WrongSitekey(WrongSite):
    """The site key that was sent is not that of the secret's site."""

    code = "wrong-sitekey"


CODES: dict[type[CaptchaError], str] = {
    WrongSecret: "invalid-input-secret",
    WrongSitekey: "sitekey-secret-mismatch",
    Expired: "timeout-or-duplicate",
    Spent: "timeout-or-duplicate",
    Refused: "invalid-input-response",
    BadRequest: "bad-request",
    Unavailable: "internal-error",
    CaptchaError: "invalid-input-response",  # a pass of another site, or of a kind that does not count
}
HCAPTCHA_CODES = {
    **CODES,
    Expired: "expired-input-response",
    Spent: "already-seen-response",
    WrongSite: "sitekey-secret-mismatch",
}
#: What Cap's own server says.
CAP_WORDS: dict[type[CaptchaError], str] = {
    Missing: "Missing required parameters",
    WrongSecret: "Invalid site key or secret",
    WrongSitekey: "Invalid site key or secret",
    Expired: "Token expired",
    BadRequest: "Invalid request",
    CaptchaError: "Token not found",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one of the systems answers.

    ``score`` turns what a pass is worth, from 0 to 1, into the system's scale; None: it knows no score. Every
    pass has one, for its visitor chooses whether it has an action. ``words`` are what its refusals say in ``error`` besides.
    """

    codes: Mapping[type[CaptchaError], str]
    score: Callable[[float], float] | None = None
    words: Mapping[type[CaptchaError], str] = field(default_factory=dict)


def _as_good(worth: float) -> float:
    """Count as reCAPTCHA v3: 1.0 is very likely a good interaction."""
    return worth


def _as_risk(worth: float) -> float:
    """Count as hCaptcha: 0.0 is no risk, 1.0 a confirmed threat."""
    return round(1 - worth, 2)


DIALECTS = {
    "/siteverify": Dialect(HCAPTCHA_CODES, score=_as_risk),
    "/recaptcha/api/siteverify": Dialect(CODES, score=_as_good),
    "/turnstile/v0/siteverify": Dialect(CODES),
    "/{sitekey}/siteverify": Dialect(CODES, words=CAP_WORDS),
}


class Siteverify(Adapter):
    """Four paths, three dialects, one verdict: 200 for every one of them, since callers take all else for an outage."""

    name: ClassVar[str] = "siteverify"
    prefixed: ClassVar[bool] = False

    def table(self) -> Table:
        """Name the paths; GET, which puts secrets into URLs, only where the operator wants it."""
        return {path: self._methods(dialect) for path, dialect in DIALECTS.items()}

    async def judge(self, dialect: Dialect, read: "Reader", request: Request) -> Response:
        """Read the fields, judge the pass, word the verdict."""
        try:
            fields = await read(request)
            shown = await self._admitted(fields, request.path_params.get("sitekey"))
        except (Unavailable, MethodNotAllowed):
            raise
        except CaptchaError as error:
            self.note(error)
            return self._refusal(_codes(dialect.codes, error), **_said(dialect.words, error))
        return self._reply(_right(shown, dialect))

    def word(self, error: CaptchaError) -> Response:
        """Word what is no verdict: a method that is not taken, or a part that is down."""
        if isinstance(error, MethodNotAllowed):
            return self._refusal(["bad-request"], HTTPStatus.METHOD_NOT_ALLOWED)
        if isinstance(error, BadRequest):
            return self._refusal(["bad-request"])
        return self._refusal([wording(CODES, error)], HTTPStatus.SERVICE_UNAVAILABLE)

    def _methods(self, dialect: Dialect) -> dict[str, Handler]:
        methods: dict[str, Handler] = {"POST": partial(self.judge, dialect, self._from_body)}
        if self.settings.siteverify_get:
            methods["GET"] = partial(self.judge, dialect, _from_query)
        return methods

    async def _admitted(self, fields: Fields, path_key: str | None) -> Pass:
        missing = [f"missing-input-{name}" for name in ("secret", "response") if not fields.get(name)]
        if missing:
            raise Missing(missing)
        if self.settings.test_keys and fields["secret"] in _REHEARSED:
            return _REHEARSED[fields["secret"]](self.engine.now())
        site = self.sites.authenticate(fields["secret"])
        if any(key != site.key for key in (fields.get("sitekey"), path_key) if key):
            raise WrongSitekey("sitekey is not that of the secret's site")
        key = fields.get("idempotency_key", "")
        if len(key) > MAX_KEY_CHARACTERS:
            raise BadRequest("over-long idempotency key")
        held = altcha.keys(self.engine.share_key, site.key, site.secret_sha256)
        shown = altcha.pass_in(held, fields["response"])
        return await self.engine.passes.admit(shown, site, idempotency_key=key)

    async def _from_body(self, request: Request) -> Fields:
        content = await request.body()
        named = media_type(request)
        if named == "multipart/form-data":
            require_utf_8(request)
            return _fields(await _multipart(request, content))
        if named.endswith("json") or content.lstrip().startswith(b"{"):
            return _fields(_json(content))
        return _fields(_urlencoded(content))

    def _refusal(self, codes: list[str], status: HTTPStatus = HTTPStatus.OK, **said: str) -> Response:
        return self._reply({"success": False, "error-codes": codes, **said}, status)

    def _reply(self, document: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Response:
        # Where the test keys are on, everyone can pass: no reply may let that be overlooked.
        noted = {**document, "test_keys": True} if self.settings.test_keys else document
        return Json(noted, status)


Reader = Callable[[Request], Awaitable[Fields]]


def _right(shown: Pass, dialect: Dialect) -> dict[str, Any]:
    solved = datetime.fromtimestamp(shown.iat, UTC)
    document: dict[str, Any] = {
        "success": True,
        "challenge_ts": solved.strftime("%Y-%m-%dT%H:%M:%SZ"),  # RFC 3339: Go clients parse it strictly
        "hostname": shown.host,
        "error-codes": [],
    }
    document |= {name: text for name, text in (("action", shown.action), ("cdata", shown.cdata)) if text}
    if dialect.score:
        document["score"] = dialect.score(shown.score)
    return document


def _codes(codes: Mapping[type[CaptchaError], str], error: CaptchaError) -> list[str]:
    return error.codes if isinstance(error, Missing) else [wording(codes, error)]


def _said(words: Mapping[type[CaptchaError], str], error: CaptchaError) -> dict[str, Any]:
    return {"error": wording(words, error)} if words else {}


def _rehearsed_pass(now: int) -> Pass:
    return Pass(site=testkeys.PASSING_SITE, host=testkeys.HOST, kind="", jti=b"", iat=now, exp=now)


def _rehearsed_refusal(_: int) -> Pass:
    raise Refused("the failing test secret")


_REHEARSED: dict[str, Callable[[int], Pass]] = {
    testkeys.PASSING_SECRET: _rehearsed_pass,
    testkeys.FAILING_SECRET: _rehearsed_refusal,
}


async def _from_query(request: Request) -> Fields:
    return _fields(request.query_params.multi_items())


def _fields(pairs: Iterable[tuple[str, object]]) -> Fields:
    fields: Fields = {}
    for name, value in pairs:
        if name not in FIELDS or value is None:
            continue
        if name in fields or not isinstance(value, str):
            raise BadRequest("a field is there twice, or is no text")
        fields[name] = value
    return fields


def _urlencoded(content: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            content.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise BadRequest("body is no form") from None


def _json(content: bytes) -> Iterable[tuple[str, object]]:
    try:
        # As pairs, so that a field that is there twice is noticed.
        document = json.loads(content or b"{}", object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        raise BadRequest("body is no JSON") from None
    if not isinstance(document, _Pairs):
        raise BadRequest("body is no JSON object")
    return document


class _Pairs(list[tuple[str, object]]):
    """The members of one JSON object, in order."""


async def _multipart(request: Request, content: bytes) -> list[tuple[str, object]]:
    async def stream() -> Any:
        yield content

    try:
        parser = MultiPartParser(request.headers, stream(), max_files=0, max_fields=MAX_FIELDS)
        return list((await parser.parse()).multi_items())
    except MultiPartException:
        raise BadRequest("body is no multipart form") from None
