"""The contract of a protocol adapter: parse the request, ask the engine, word the reply."""

import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypedDict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from captcha_stateless.engine import Engine
from captcha_stateless.errors import (
    BadBinding,
    BadRequest,
    CaptchaError,
    Denied,
    Overloaded,
    Refused,
    TooMany,
    WrongHost,
)
from captcha_stateless.http.addresses import origin_host
from captcha_stateless.http.admission import Admission
from captcha_stateless.http.endpoint import Endpoint, Handler
from captcha_stateless.http.proxies import TRUSTED
from captcha_stateless.http.replies import Json
from captcha_stateless.http.routing import QueryRoute, RestRoute, WholeRoute
from captcha_stateless.model import Claims, Params
from captcha_stateless.risk import Caller
from captcha_stateless.settings import Settings
from captcha_stateless.sites import Site, Sites, testkeys
from captcha_stateless.sites.guard import Demand, Guard, open_guard
from captcha_stateless.sites.policy import MAX_SCORE, Policy

#: For each path, the handler of each method.
Table = Mapping[str, Mapping[str, Handler]]

#: Where the answer to a solved run brings its pass.
PASS_HEADER = "X-Captcha-Pass"  # noqa: S105 - the name of a header

#: What other systems take as an action and as customer data; the engine bounds all of a binding together.
_ACTION = re.compile(r"[A-Za-z0-9_/-]{0,32}")
_CDATA = re.compile(r"[ -~]{0,255}")

#: What the log need not warn of: visitors and their programs did it.
_THEIRS = (Refused, BadRequest, Denied, TooMany, Overloaded)

_log = logging.getLogger(__name__)


class Binding(TypedDict):
    """What a run is bound to, as :meth:`Engine.issue` takes it."""

    site: str
    host: str
    action: str
    cdata: str


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
    #: Whether a request waits for its turn: all but probes, which must be answered under any load.
    queued: ClassVar[bool] = True

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        sites: Callable[[], Sites],
        guard: Guard | None = None,
        admission: Admission | None = None,
    ) -> None:
        """Take the sites as a call, for they may change at any time."""
        self.engine, self.settings, self._sites = engine, settings, sites
        self._guard = guard or open_guard()
        self.admission = admission or Admission()

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
        plain = [
            WholeRoute(prefix + path, self._endpoint(path)) for prefix in prefixes for path in self.table()
        ]
        told = [QueryRoute(path, self._endpoint(path), query=query) for path, query in self.queries.items()]
        rest = [RestRoute(path, self._endpoint(path)) for path in self.queries]
        return [*told, *(route for route in plain if route.path not in self.queries), *rest]

    def _endpoint(self, path: str) -> Endpoint:
        return Endpoint(self, self.table()[path])

    async def demand(self, request: Request, site: Site, *kinds: str) -> Demand:
        """Decide what this caller must solve, among the kinds that the protocol can word.

        Raises:
            Blocked: when the site's policy refuses the caller.
        """
        policy = self.sites.policy(site, self.settings.policy)
        return await self._guard.demand(self.caller(request), site, policy, *kinds)

    def first(self, request: Request, key: str, *, counted: bool) -> Demand:
        """Tell the work that this caller must do before anything is drawn for the site; no kind: none.

        Raises:
            Blocked: when the caller is on the block list.
        """
        return self._guard.first(self.caller(request), key, self.policy(key), counted=counted)

    def policy(self, key: str) -> Policy:
        """Find a site's policy, or the deployment's where there is no such site."""
        return self.sites.policy(self.sites.get(key), self.settings.policy)

    def profile(self, key: str) -> Params:
        """Tell which grid a site shows: the site's own profile, or its policy's; empty: the deployment's."""
        sites = self.sites
        site = sites.get(key)
        profile = (site.profile if site else "") or sites.policy(site, self.settings.policy).profile
        return {"profile": profile} if profile else {}

    async def limit(self, request: Request, site: str = "") -> None:
        """Count a challenge that is asked for, before it is drawn.

        Raises:
            TooMany: when the caller's network has asked the site for too many.
        """
        if self._guard.limits:
            await self._guard.limit(self.caller(request), site)

    def caller(self, request: Request) -> Caller:
        """Tell who asks; a score in a header counts only where a trusted proxy handed the request on."""
        peer = request.scope.get("client")
        address = peer[0] if peer else ""
        if not (self.settings.risk_header and request.scope.get(TRUSTED)):
            return Caller(address)
        return Caller(address, _score(request.headers.get(self.settings.risk_header, ""), self.settings))

    def bind(
        self, request: Request, key: str | None, *, action: str = "", cdata: str = "", host: str | None = None
    ) -> Binding:
        """Tell what a run is bound to: the named site, or else the default one where the page's host is among its hosts.

        The host is that of the ``Origin`` header, which browsers send with every POST; other clients can send what they
        like, or nothing. A page of ours that visitors are sent to knows better, and names the ``host``.

        Raises:
            UnknownSite: when no site has this key.
            WrongHost: when the page's host is not among the named site's.
            BadBinding: when action or cdata is not of the form that other systems take, or a pass could not hold all.
        """
        if (action or cdata) and not (_ACTION.fullmatch(action) and _CDATA.fullmatch(cdata)):
            raise BadBinding("action takes 32 letters, digits, _, - and /; cdata takes 255 printable ones")
        host = origin_host(request) if host is None else host
        site = self._named(key, host) if key else self._default(host)
        self.engine.passes.require_room(site, host, action, cdata)
        return Binding(site=site, host=host, action=action, cdata=cdata)

    def bound(self, request: Request) -> Binding:
        """Tell what a run is bound to by the query's ``sitekey``, ``action`` and ``cdata``; raises as :meth:`bind`."""
        asked = request.query_params
        return self.bind(
            request, asked.get("sitekey"), action=asked.get("action", ""), cdata=asked.get("cdata", "")
        )

    def earned(self, claims: Claims) -> dict[str, str]:
        """Put a solved run's pass into a header, for protocols whose bodies have no place for it."""
        return {PASS_HEADER: self.engine.passes.vouch(claims).token}

    def _named(self, key: str, host: str) -> str:
        if self.settings.test_keys and key in testkeys.SITES:
            return key
        return _hosting(self.sites.find(key), host)

    def _default(self, host: str) -> str:
        site = self.sites.default
        try:
            return _hosting(site, host) if site else ""
        except WrongHost:
            return ""  # a run that is bound to no site, whose pass no secret can redeem


def _hosting(site: Site, host: str) -> str:
    if host:
        site.require_host(host)
    return site.key


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
