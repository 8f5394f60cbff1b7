"""RESTCaptcha: proof of work under a site key, verified by the site's server; refusals as problem details (RFC 9457)."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, ClassVar

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from captcha_stateless.engine import Engine
from captcha_stateless.errors import (
    BadRequest,
    BadToken,
    Blocked,
    CaptchaError,
    Expired,
    Refused,
    TooMany,
    Unavailable,
    UnknownSite,
    WrongAnswer,
    WrongHost,
    WrongSecret,
)
from captcha_stateless.http import languages
from captcha_stateless.http import problem_details as problems
from captcha_stateless.http.bodies import WrongMediaType, read_json
from captcha_stateless.http.endpoint import BodyTooLarge, MethodNotAllowed
from captcha_stateless.http.origin import REMEMBERED
from captcha_stateless.http.replies import Json
from captcha_stateless.model import Claims, Params
from captcha_stateless.protocols.base import Adapter, Fault, Table, wording
from captcha_stateless.risk.networks import among, parse
from captcha_stateless.settings import Settings
from captcha_stateless.sites import Site
from captcha_stateless.sites.guard import Demand
from captcha_stateless.tokens.digests import fingerprint, same

SITE_KEY = "siteKey"
SERVICE_ID = "captcha-stateless"
_DIGIT_BITS = 4

#: What a verify says of a token that is not honoured; the token is used up by then, unless it is none of ours.
VERDICTS: dict[type[CaptchaError], str] = {WrongAnswer: "invalid-solution", Refused: "invalid-token"}

# None: the error's own message, which holds only words of ours.
PROBLEMS: dict[type[CaptchaError], tuple[HTTPStatus, str | None]] = {
    BadRequest: (HTTPStatus.BAD_REQUEST, None),
    BadToken: (HTTPStatus.BAD_REQUEST, "token is none of this site's"),
    WrongSecret: (HTTPStatus.UNAUTHORIZED, "the secret is wrong"),
    WrongHost: (HTTPStatus.UNAUTHORIZED, "host is not among the site's"),
    Blocked: (HTTPStatus.FORBIDDEN, "the request is refused"),
    UnknownSite: (HTTPStatus.NOT_FOUND, "there is no such siteKey"),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "the path does not take this method"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large"),
    WrongMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json"),
    TooMany: (HTTPStatus.TOO_MANY_REQUESTS, "too many challenges"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "temporarily unavailable"),
    Fault: (HTTPStatus.INTERNAL_SERVER_ERROR, "an unexpected fault"),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "refused"),
}


class RestCaptcha(Adapter):
    """``/v1/challenge``, ``/v1/verify``, ``/v1/reset``, each of which names its site by ``?siteKey=``, and ``/health``."""

    name: ClassVar[str] = "restcaptcha"
    draws: ClassVar[bool] = True
    #: RelaySMS claims this path too, without the parameter.
    queries: ClassVar[Mapping[str, str]] = {"/v1/verify": SITE_KEY}

    def __init__(self, engine: Engine, settings: Settings, *parts: Any) -> None:
        super().__init__(engine, settings, *parts)
        self._networks = among(settings.health_networks, "CAPTCHA_HEALTH_NETWORKS")

    def table(self) -> Table:
        """Name the paths."""
        return {
            "/v1/challenge": {"GET": self.challenge},
            "/v1/verify": {"POST": self.verify},
            "/v1/reset": {"POST": self.reset},
            "/health": {"GET": self.health},
        }

    async def challenge(self, request: Request) -> Response:
        """Begin: the nonce, and how many zeros are asked of it."""
        sealed = await self.gate.issue_policed(
            self.caller(request),
            self.bind(request, self._site(request).key),
            self.name,
            ("work",),
            _in_digits,
            wait_seconds=self.settings.work_wait_seconds,
        )
        claims = sealed.claims
        work = {
            "type": "proofOfWork",
            "algorithm": f"hash-{claims.params['algorithm']}",
            "difficulty": claims.params["difficulty"],
        }
        return Json({"challengeType": work, "token": f"{claims.seed.hex()}:{sealed.token}"})

    async def verify(self, request: Request) -> Response:
        """Judge a solution for the site's server; the token is used up, whatever comes of it.

        ``callerIp`` is not read: a failure counts against the network that the challenge was made for, which is sealed.
        """
        site, body, host, status = self._site(request), await self._body(request), "", "success"
        site.require_secret(_text(body, "siteSecret"))
        token, solution = _text(body, "token"), _text(body, "solution")
        try:
            claims = self._claims(token, site)
            host = claims.host
            await self.engine.redeem(claims, solution)
        except Refused as error:
            self.note(error)
            status = wording(VERDICTS, error)
        return Json({"hostName": host, "status": status})

    async def reset(self, request: Request) -> Response:
        """Use up a token; one that is used up or has expired already is as the caller wants it.

        A visitor's browser asks, without a secret: it is metered like an answer.
        """
        site, body = self._site(request), await self._body(request)
        with suppress(Expired):
            await self.gate.revoke(self.caller(request), self._claims(_text(body, "token"), site))
        return Response()

    async def health(self, request: Request) -> Response:
        """Tell those who may ask that the server runs: the fields of the API's document and those of its server in one."""
        self._admit(request)
        now = datetime.fromtimestamp(self.engine.now(), UTC).isoformat().replace("+00:00", "Z")
        uptime = {
            "componentType": "system",
            "observedValue": self.engine.uptime(),
            "observedUnit": "s",
            "time": now,
        }
        return Json(
            {
                "hostName": request.url.hostname or "",
                "status": "pass",
                "version": version(SERVICE_ID),
                "serviceId": SERVICE_ID,
                "checks": {"uptime": [uptime]},
            }
        )

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal where no request is at hand."""
        return _problem(error)

    def reply(self, error: CaptchaError, request: Request) -> Response:
        """Word a refusal in the caller's language."""
        language = languages.choose(request.headers.get("accept-language", ""), problems.TITLES, "en")
        return _problem(error, request.url.path, language)

    def fault(self, request: Request) -> Response:
        """Word a fault of ours as any other problem."""
        return self.reply(Fault(), request)

    def _admit(self, request: Request) -> None:
        address = parse(self.caller(request).address)
        if self.settings.health_private and not (address and address.is_private):
            raise Blocked("health is for private networks only")
        if self._networks and not any(address in network for network in self._networks if address):
            raise Blocked("health is not for this network")
        wanted = self.settings.health_key
        if wanted and not same(fingerprint(_api_key(request)), fingerprint(wanted)):
            raise WrongSecret("wrong health key")

    def _site(self, request: Request) -> Site:
        key = _key(request.scope["query_string"])
        if not key:
            raise BadRequest(f"{SITE_KEY} is missing")
        return self.sites.find(key)

    async def _body(self, request: Request) -> Mapping[str, Any]:
        body = await read_json(request)
        if not isinstance(body, dict):
            raise BadRequest("the body must be a JSON object")
        return body

    def _claims(self, token: str, site: Site) -> Claims:
        # The widget hashes what stands before the first colon; what is sealed decides, so that both must be the same.
        nonce, _, sealed = token.partition(":")
        claims = self.engine.look(sealed, self.name)
        if not same(nonce.encode("utf-8", "replace"), claims.seed.hex().encode()) or claims.site != site.key:
            raise BadToken("token with another nonce, or another site's")
        return claims


@lru_cache(maxsize=REMEMBERED)
def _key(query: bytes) -> str:
    # A site's requests all have the same query.
    return QueryParams(query).get(SITE_KEY, "")


def _api_key(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return request.headers.get("x-api-key") or (key.strip() if scheme.lower() == "apikey" else "")


def _in_digits(demand: Demand) -> Params:
    # Rounded down, for nobody at rest works more than the policy says; up where it was raised, or no step would be felt.
    params = demand.params
    if params.get("unit") == "hex":
        return params
    bits = int(params["difficulty"])
    digits = -(-bits // _DIGIT_BITS) if demand.steps else max(1, bits // _DIGIT_BITS)
    return {**params, "unit": "hex", "difficulty": digits}


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a text")
    return value


def _problem(error: CaptchaError, instance: str = "", language: str = "en") -> Response:
    status, detail = wording(PROBLEMS, error)
    document = problems.document(status, str(error) if detail is None else detail, instance, language)
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    return Json(document, status, headers, media_type=problems.MEDIA_TYPE)
