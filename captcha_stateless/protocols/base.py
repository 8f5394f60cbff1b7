"""The contract of a protocol adapter: parse the request, ask the engine, word the reply."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from captcha_stateless.agents import Agents
from captcha_stateless.engine import Engine
from captcha_stateless.errors import (
    BadRequest,
    CaptchaError,
    Denied,
    Overloaded,
    Refused,
    TooMany,
)
from captcha_stateless.gate import Binding, Gate
from captcha_stateless.http.admission import Admission
from captcha_stateless.http.endpoint import Endpoint, Handler, MethodNotAllowed
from captcha_stateless.http.forwarded import visit_of
from captcha_stateless.http.origin import own_host, page_host
from captcha_stateless.http.proxies import TRUSTED
from captcha_stateless.http.replies import Json
from captcha_stateless.http.routing import QueryRoute, RestRoute, WholeRoute
from captcha_stateless.model import Answered, Params, Sealed
from captcha_stateless.risk import MAX_SCORE, Caller
from captcha_stateless.settings import Settings
from captcha_stateless.sites import Sites
from captcha_stateless.sites.guard import Guard, open_guard
from captcha_stateless.sites.terms import DEVICE
from captcha_stateless.wall import Visit
from captcha_stateless.wall.crawlers import Crawlers

#: For each path, the handler of each method.
Table = Mapping[str, Mapping[str, Handler]]

#: Where the answer to a solved run brings its pass.
PASS_HEADER = "X-Captcha-Pass"  # noqa: S105 - the name of a header


#: A country or the number of a network is no longer than that.
_MOST_TOLD = 16
#: What the log need not warn of: visitors and their programs did it.
_THEIRS = (Refused, BadRequest, Denied, TooMany, Overloaded)

_log = logging.getLogger(__name__)


class Fault(CaptchaError):
    """A fault of ours; what it was is in the log alone."""

    code = "fault"


class Adapter(ABC):
    """One wire protocol over the engine; it words every answer of its paths, mistakes included."""

    name: ClassVar[str]
    max_body_bytes: ClassVar[int] = 16_384
    #: Served under ``/<name>`` too, so that an edge can route by path where two protocols claim the same one.
    prefixed: ClassVar[bool] = True
    #: For a path that another protocol claims too, the query parameter that tells requests for this one.
    queries: ClassVar[Mapping[str, str]] = {}

    #: Whether tokens of this protocol can be heard at ``/api/audio``: their purpose is the protocol's name then.
    heard: ClassVar[bool] = False
    #: Whether challenges are drawn here.
    draws: ClassVar[bool] = False
    #: Whether a request waits for its turn: all but probes, which must be answered under any load.
    queued: ClassVar[bool] = True

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        sites: Callable[[], Sites],
        guard: Guard | None = None,
        admission: Admission | None = None,
        crawlers: Crawlers | None = None,
        agents: Agents | None = None,
    ) -> None:
        """Take the sites as a call, for they may change at any time."""
        self.engine, self.settings, self._sites = engine, settings, sites
        self._guard = guard or open_guard()
        self.gate = Gate(
            engine,
            sites,
            self._guard,
            default_policy=settings.policy,
            test_keys=settings.test_keys,
        )
        self.admission = admission or Admission()
        self._places = bool(settings.country_header or settings.asn_header)
        self.crawlers, self.agents = crawlers or Crawlers(), agents or Agents()

    @property
    def sites(self) -> Sites:
        """The sites as they are now."""
        return self._sites()

    @classmethod
    def enabled(cls, settings: Settings) -> bool:
        """Tell whether this adapter is served."""
        return not settings.protocols or cls.name in settings.protocols

    def warm(self) -> None:  # noqa: B027 - most protocols have nothing to prepare
        """Do once, before the first request, what is slow the first time."""

    @abstractmethod
    def table(self) -> Table:
        """Name the paths, and the handler of each method."""

    @abstractmethod
    def word(self, error: CaptchaError) -> Response:
        """Word a refusal as this protocol does."""

    def reply(self, error: CaptchaError, request: Request) -> Response:
        """Word a refusal to this request; for protocols whose words hang on it."""
        return self.word(error)

    @property
    def standing(self) -> bool:
        """Whether the words of a refusal do not hang on the request."""
        return type(self).reply is Adapter.reply

    @property
    def asks(self) -> bool:
        """Whether others are asked about who sends a request."""
        return self.draws and self._guard.asks

    async def foresee(self, request: Request) -> None:
        """Ask them, before the request takes a place in the queue."""
        await self._guard.foresee(self.caller(request))

    def fault(self, request: Request) -> Response:
        """Word a fault of ours."""
        return Json({"error": "Internal server error"}, 500)

    def note(self, error: CaptchaError) -> None:
        """Tell the log of a refusal that the protocol words as an answer."""
        self.engine.events.refused(self.name, error.code)
        _report(self.name, error)

    def routes(self) -> list[Route]:
        """Make the routes of this protocol."""
        prefixes = ("", f"/{self.name}") if self.prefixed else ("",)
        ends = {path: Endpoint(self, methods) for path, methods in self.table().items()}
        plain = [WholeRoute(prefix + path, end) for prefix in prefixes for path, end in ends.items()]
        told = [QueryRoute(path, ends[path], query=query) for path, query in self.queries.items()]
        rest = [RestRoute(path, ends[path]) for path in self.queries]
        return [*told, *(route for route in plain if route.path not in self.queries), *rest]

    async def ask(
        self,
        request: Request,
        binding: Binding,
        kind: str,
        wanted: Params | None = None,
        *,
        tries: int = 1,
        after: Answered | None = None,
    ) -> Sealed:
        """Have a challenge of a kind drawn, as :meth:`Gate.issue` does."""
        caller = self.caller(request)
        return await self.gate.issue(caller, binding, self.name, kind, wanted, tries=tries, after=after)

    def caller(self, request: Request) -> Caller:
        """Tell who asks; a score in a header counts only where a trusted proxy handed the request on."""
        peer = request.scope.get("client")
        address = peer[0] if peer else ""
        if not (self.settings.risk_header and request.scope.get(TRUSTED)):
            return Caller(address)
        return Caller(address, _score(request.headers.get(self.settings.risk_header, ""), self.settings))

    def visit(self, request: Request, *, uri: str | None = None) -> Visit:
        """Tell which visit an edge asks about, as :func:`visit_of` does, and what a trusted proxy says of its address."""
        visit = visit_of(request, uri=uri)
        if not (self._places and request.scope.get(TRUSTED)):
            return visit
        country, asn = (
            request.headers.get(name, "")[:_MOST_TOLD] if name else ""
            for name in (self.settings.country_header, self.settings.asn_header)
        )
        return replace(visit, country=country, asn=asn) if country or asn else visit

    def bind(self, request: Request, key: str | None, *, action: str = "", cdata: str = "") -> Binding:
        """Tell what a run is bound to, for the page that sends a request, as :meth:`Gate.bind` does.

        Raises:
            WrongHost: when the page hides where it is, or its host is not among the named site's.
        """
        return self.gate.bind(page_host(request), key, action=action, cdata=cdata)

    def bound(self, request: Request) -> Binding:
        """Tell what a run is bound to by the query's ``sitekey``, ``action`` and ``cdata``; raises as :meth:`bind`."""
        asked = request.query_params
        return self.bind(
            request, asked.get("sitekey"), action=asked.get("action", ""), cdata=asked.get("cdata", "")
        )

    def wanted_of_device(self, request: Request, binding: Binding, host: str = "") -> str:
        """Word what a device may bring instead of an answer, for ``WWW-Authenticate``; empty: nothing, or it was brought.

        Args:
            request: the request.
            binding: what :meth:`bind` told.
            host: under which host name the visitor reached it, where the request's own is another.
        """
        if _brings_token(request) or not self.gate.counts(binding.site, DEVICE):
            return ""
        wanted = self.gate.wanted_of_device(self.caller(request), binding, host or own_host(request))
        if wanted:
            self.engine.events.issued(self.name, DEVICE)
        return wanted

    async def brought(self, request: Request, binding: Binding, host: str = "") -> Answered | None:
        """Take the private token that a request brings for a solved run; None: it brings none, or none that counts.

        Whose token is refused is asked as everybody is, and the log knows why. Arguments as for :meth:`wanted_of_device`.

        Raises:
            Blocked, TooMany, Unavailable: as :meth:`Gate.device` does.
        """
        if not (_brings_token(request) and self.gate.counts(binding.site, DEVICE)):
            return None
        host, authorization = host or own_host(request), request.headers["authorization"]
        told = self.engine.events.answered
        try:
            answered = await self.gate.device(self.caller(request), binding, host, authorization)
        except Refused as error:
            told(self.name, DEVICE, error.code, 0)
            self.note(error)
            return None
        told(self.name, DEVICE, "right", answered.at - answered.claims.iat)
        return answered

    def earned(self, answered: Answered) -> dict[str, str]:
        """Put a solved run's pass into a header, for protocols whose bodies have no place for it."""
        return {PASS_HEADER: self.gate.vouch(answered).token}


def _brings_token(request: Request) -> bool:
    return request.headers.get("authorization", "")[:13].lower() == "privatetoken "


def _score(text: str, settings: Settings) -> int | None:
    try:
        score = float(text)
    except ValueError:
        return None
    if not 0 <= score <= MAX_SCORE:
        return None
    return round(MAX_SCORE - score if settings.risk_header_inverted else score)


def _report(protocol: str, error: CaptchaError) -> None:
    if isinstance(error, _THEIRS):
        _log.info("%s: %s: %s", protocol, error.code, error)
    else:
        _log.error("%s: %s: %s", protocol, error.code, error)


def wording(table: Mapping[type[CaptchaError], Any], error: CaptchaError) -> Any:
    """Find the words for an error: those of its own type, or of the nearest type above it."""
    return next(table[kind] for kind in type(error).__mro__ if kind in table)


def mistake(error: CaptchaError) -> tuple[str, HTTPStatus]:
    """Word what can be wrong with a request that asks for nothing but a file: its method, or how it is put."""
    if isinstance(error, MethodNotAllowed):
        return "Method not allowed", HTTPStatus.METHOD_NOT_ALLOWED
    return "Bad request", HTTPStatus.BAD_REQUEST
