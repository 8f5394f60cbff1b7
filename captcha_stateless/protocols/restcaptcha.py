"""RESTCaptcha: proof of work under a site key, verified by the site's server; refusals as problem details (RFC 9457)."""

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from captcha_stateless import languages
from captcha_stateless.digests import same
from captcha_stateless.errors import (
    BadRequest,
    BadToken,
    Blocked,
    CaptchaError,
    Expired,
    Refused,
    Unavailable,
    UnknownSite,
    WrongAnswer,
    WrongHost,
    WrongSecret,
)
from captcha_stateless.model import Claims, Params
from captcha_stateless.protocols.base import (
    Adapter,
    BodyTooLarge,
    Fault,
    MethodNotAllowed,
    Table,
    WrongMediaType,
    wording,
)
from captcha_stateless.sites import Site

SITE_KEY = "siteKey"
#: The longest name that the domain name system knows (RFC 1035, section 2.3.4).
MAX_HOST_CHARACTERS = 253

#: What a verify says of a token that is not honoured; the token is used up by then, unless it is none of ours.
VERDICTS: dict[type[CaptchaError], str] = {WrongAnswer: "invalid-solution", Refused: "invalid-token"}

# None: the error's own message, which holds only words of ours.
PROBLEMS: dict[type[CaptchaError], tuple[HTTPStatus, str | None]] = {
    BadRequest: (HTTPStatus.BAD_REQUEST, None),
    BadToken: (HTTPStatus.BAD_REQUEST, "token is none of this site's"),
    WrongSecret: (HTTPStatus.UNAUTHORIZED, "siteSecret is not the site's"),
    WrongHost: (HTTPStatus.UNAUTHORIZED, "host is not among the site's"),
    Blocked: (HTTPStatus.FORBIDDEN, "the request is refused by the site's policy"),
    UnknownSite: (HTTPStatus.NOT_FOUND, "there is no such siteKey"),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "the path does not take this method"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large"),
    WrongMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json"),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "temporarily unavailable"),
    Fault: (HTTPStatus.INTERNAL_SERVER_ERROR, "an unexpected fault"),
    CaptchaError: (HTTPStatus.BAD_REQUEST, "refused"),
}

# The type is about:blank, so the title is the status's own phrase, which may be translated (RFC 9457, section 4.2.1).
TITLES: dict[str, Mapping[HTTPStatus, str]] = {
    "en": {status: status.phrase for status in HTTPStatus},
    "de": {
        HTTPStatus.BAD_REQUEST: "Ungültige Anfrage",
        HTTPStatus.UNAUTHORIZED: "Nicht berechtigt",
        HTTPStatus.FORBIDDEN: "Verweigert",
        HTTPStatus.NOT_FOUND: "Nicht gefunden",
        HTTPStatus.METHOD_NOT_ALLOWED: "Methode nicht erlaubt",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Anfrage zu groß",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Medientyp nicht unterstützt",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Interner Serverfehler",
        HTTPStatus.SERVICE_UNAVAILABLE: "Vorübergehend nicht verfügbar",
    },
    "es": {
        HTTPStatus.BAD_REQUEST: "Solicitud incorrecta",
        HTTPStatus.UNAUTHORIZED: "No autorizado",
        HTTPStatus.FORBIDDEN: "Prohibido",
        HTTPStatus.NOT_FOUND: "No encontrado",
        HTTPStatus.METHOD_NOT_ALLOWED: "Método no permitido",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Solicitud demasiado grande",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Tipo de contenido no admitido",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Error interno del servidor",
        HTTPStatus.SERVICE_UNAVAILABLE: "No disponible temporalmente",
    },
    "fr": {
        HTTPStatus.BAD_REQUEST: "Requête incorrecte",
        HTTPStatus.UNAUTHORIZED: "Non autorisé",
        HTTPStatus.FORBIDDEN: "Accès refusé",
        HTTPStatus.NOT_FOUND: "Introuvable",
        HTTPStatus.METHOD_NOT_ALLOWED: "Méthode non autorisée",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Requête trop volumineuse",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Type de contenu non pris en charge",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Erreur interne du serveur",
        HTTPStatus.SERVICE_UNAVAILABLE: "Temporairement indisponible",
    },
    "it": {
        HTTPStatus.BAD_REQUEST: "Richiesta non valida",
        HTTPStatus.UNAUTHORIZED: "Non autorizzato",
        HTTPStatus.FORBIDDEN: "Accesso negato",
        HTTPStatus.NOT_FOUND: "Non trovato",
        HTTPStatus.METHOD_NOT_ALLOWED: "Metodo non consentito",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Richiesta troppo grande",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Tipo di contenuto non supportato",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Errore interno del server",
        HTTPStatus.SERVICE_UNAVAILABLE: "Temporaneamente non disponibile",
    },
    "pt": {
        HTTPStatus.BAD_REQUEST: "Pedido inválido",
        HTTPStatus.UNAUTHORIZED: "Não autorizado",
        HTTPStatus.FORBIDDEN: "Proibido",
        HTTPStatus.NOT_FOUND: "Não encontrado",
        HTTPStatus.METHOD_NOT_ALLOWED: "Método não permitido",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Pedido demasiado grande",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Tipo de conteúdo não suportado",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Erro interno do servidor",
        HTTPStatus.SERVICE_UNAVAILABLE: "Temporariamente indisponível",
    },
}


class RestCaptcha(Adapter):
    """``/v1/challenge``, ``/v1/verify`` and ``/v1/reset``; each names its site by ``?siteKey=``."""

    name: ClassVar[str] = "restcaptcha"
    #: RelaySMS claims this path too, without the parameter.
    queries: ClassVar[Mapping[str, str]] = {"/v1/verify": SITE_KEY}

    def table(self) -> Table:
        """Name the paths."""
        return {
            "/v1/challenge": {"GET": self.challenge},
            "/v1/verify": {"POST": self.verify},
            "/v1/reset": {"POST": self.reset},
        }

    async def challenge(self, request: Request) -> Response:
        """Begin: the nonce, and how many zeros are asked of it."""
        site, host = self._site(request), _host(request)
        site.require_host(host)
        demand = await self.demand(request, site, "work")
        sealed = self.engine.issue(
            self.name,
            demand.kind,
            _in_digits(demand.params),
            site=site.key,
            host=host,
            wait_seconds=self.settings.work_wait_seconds,
            who=demand.who,
        )
        claims = sealed.claims
        work = {
            "type": "proofOfWork",
            "algorithm": f"hash-{claims.params['algorithm']}",
            "difficulty": claims.params["difficulty"],
        }
        return JSONResponse({"challengeType": work, "token": f"{claims.seed.hex()}:{sealed.token}"})

    async def verify(self, request: Request) -> Response:
        """Judge a solution for the site's server; the token is used up, whatever comes of it."""
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
        return JSONResponse({"hostName": host, "status": status})

    async def reset(self, request: Request) -> Response:
        """Use up a token; one that is used up or has expired already is as the caller wants it."""
        site, body = self._site(request), await self._body(request)
        with suppress(Expired):
            await self.engine.revoke(self._claims(_text(body, "token"), site))
        return Response()

    def word(self, error: CaptchaError) -> Response:
        """Word a refusal where no request is at hand."""
        return _problem(error)

    def reply(self, error: CaptchaError, request: Request) -> Response:
        """Word a refusal in the caller's language."""
        language = languages.choose(request.headers.get("accept-language", ""), TITLES, "en")
        return _problem(error, request.url.path, language)

    def fault(self, request: Request) -> Response:
        """Word a fault of ours as any other problem."""
        return self.reply(Fault(), request)

    def _site(self, request: Request) -> Site:
        key = request.query_params.get(SITE_KEY)
        if not key:
            raise BadRequest(f"{SITE_KEY} is missing")
        return self.sites.find(key)

    async def _body(self, request: Request) -> Mapping[str, Any]:
        body = await self.json(request)
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


def _in_digits(params: Params) -> Params:
    # Rounded down: nobody works more than the policy says.
    if params.get("unit") == "hex":
        return params
    return {**params, "unit": "hex", "difficulty": max(1, int(params["difficulty"]) // 4)}


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a text")
    return value


def _host(request: Request) -> str:
    # A browser leaves out Origin only where the page is of the very host that it asks (Fetch standard, "append a request
    # Origin header").
    origin = request.headers.get("origin")
    try:
        host = urlsplit(origin or f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""
    return host if len(host) <= MAX_HOST_CHARACTERS else ""


def _problem(error: CaptchaError, instance: str = "", language: str = "en") -> Response:
    status, detail = wording(PROBLEMS, error)
    problem = {
        "type": "about:blank",
        "title": TITLES[language][status],
        "status": status,
        "detail": str(error) if detail is None else detail,
        "instance": instance,
    }
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    return JSONResponse(problem, status, headers, media_type="application/problem+json")
