"""The one composition root: settings in, Starlette out."""

import logging
import os
import secrets
import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware

from captcha_stateless import agents, sites
from captcha_stateless import devices as device_tokens
from captcha_stateless.agents.directory import load as load_agents
from captcha_stateless.devices import Devices
from captcha_stateless.devices.issuers import load as load_issuers
from captcha_stateless.engine import Engine
from captcha_stateless.errors import Misconfigured
from captcha_stateless.http import lifespan, unrouted
from captcha_stateless.http.access_log import AccessLog
from captcha_stateless.http.admission import Admission
from captcha_stateless.http.proxies import TrustedProxies
from captcha_stateless.http.response_headers import HeadersMiddleware
from captcha_stateless.http.routing import Shortcut, in_order
from captcha_stateless.kinds import KINDS
from captcha_stateless.model import Claims
from captcha_stateless.passes import Passes
from captcha_stateless.protocols import PROTOCOLS
from captcha_stateless.protocols.base import PASS_HEADER, Adapter
from captcha_stateless.replay import factory as replay_factory
from captcha_stateless.replay.base import Replay
from captcha_stateless.risk.networks import load as load_networks
from captcha_stateless.settings import Settings, unknown
from captcha_stateless.settings.extras import needed
from captcha_stateless.settings.reload import Reloaded
from captcha_stateless.sites import guard as guards
from captcha_stateless.sites.checks import require_fit
from captcha_stateless.telemetry import events as listeners
from captcha_stateless.telemetry.events import Events
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.keys import KeyRing
from captcha_stateless.tokens.passes import Signer
from captcha_stateless.tokens.seal import Seal
from captcha_stateless.wall import crawlers

#: Browsers keep a preflight's answer no longer than two hours (Chromium's own cap).
PREFLIGHT_SECONDS = 7_200

_log = logging.getLogger(__name__)


def create_app(
    settings: Settings | None = None,
    *,
    replay: Replay | None = None,
    clock: Callable[[], float] = time.time,
    entropy: Callable[[int], bytes] = secrets.token_bytes,
) -> Starlette:
    """Compose the server; without settings they are read from the environment.

    Raises:
        Misconfigured: when settings, keys or fonts cannot work.
    """
    if settings is None:
        settings = Settings.load(os.environ)
        for warning in unknown(os.environ):
            _log.warning(warning)
    ring = Reloaded(settings.keys, keys.load)
    networks = Reloaded(settings.risk_networks, load_networks) if settings.risk_networks else None
    replay = replay or replay_factory.create(settings, ring.value.derive("replay"), clock())
    guard = guards.create(settings, ring.value.derive("risk"), networks, clock)
    pinned = Reloaded(settings.agents, load_agents) if settings.agents else None
    issuers = Reloaded(settings.device_issuers, load_issuers) if settings.device_issuers else None
    events = listeners.create(settings, lambda: keys.ages(ring.value, clock()))
    engine = create_engine(
        settings,
        lambda: ring.value,
        replay,
        devices=device_tokens.create(settings, ring.value.derive("device"), issuers, clock),
        clock=clock,
        entropy=entropy,
        missed=guard.missed,
        events=events,
    )
    served = _served(settings, engine)
    admission = Admission(settings.queue, seen=events.inside)
    listed = Reloaded(settings.crawlers, crawlers.load) if settings.crawlers else None
    verified = crawlers.create(settings, ring.value.derive("risk"), listed, clock)
    signed = agents.create(pinned, replay, ring.value.derive("agent"), meter=guard.meter, clock=clock)
    adapters = [
        adapter(
            engine,
            settings,
            lambda: served.value if served else sites.DEVELOPMENT_SITES,
            guard,
            admission,
            verified,
            signed,
        )
        for adapter in _adapters(settings)
    ]
    paths, patterns = in_order(route for adapter in adapters for route in adapter.routes())
    app = Starlette(
        routes=[paths, *patterns],
        middleware=[
            *_tracing(settings),
            _headers(settings, events),
            *_proxies(settings),
            Middleware(Shortcut, paths, patterns),
        ],
        exception_handlers=unrouted.HANDLERS,
        lifespan=lifespan.create(
            [file for file in (ring, served, networks, listed, pinned, issuers) if file],
            replay,
            clock,
            warm=[adapter.warm for adapter in adapters],
            close=[guard.close],
            drain_seconds=settings.drain_seconds,
        ),
    )
    # Behind TLS the request's own scheme is http: whoever followed would send its secret in clear.
    app.router.redirect_slashes = False
    app.state.engine = engine
    app.state.draining = False
    return app


def create_engine(
    settings: Settings,
    ring: Callable[[], KeyRing],
    replay: Replay | None = None,
    *,
    devices: Devices | None = None,
    clock: Callable[[], float] = time.time,
    entropy: Callable[[int], bytes] = secrets.token_bytes,
    missed: Callable[[Claims], None] = lambda _: None,
    events: Events | None = None,
) -> Engine:
    """Compose the engine alone, for the server and the command line alike.

    Without a filter it has one of its own, which nobody else sees: enough for whoever redeems nothing.
    """
    root = ring()
    replay = replay or replay_factory.memory(settings, root.derive("replay"), clock())
    answer_key = root.derive("answer")
    return Engine(
        seal=Seal(ring),
        passes=Passes(
            signer=Signer(ring, settings.issuer),
            replay=replay,
            key=answer_key,
            seconds=settings.pass_seconds,
            clock=clock,
            events=events,
        ),
        devices=devices,
        kinds={name: kind.from_settings(settings, root.derive("draw")) for name, kind in KINDS.items()},
        replay=replay,
        answer_key=answer_key,
        share_key=root.derive("share"),
        extensions=settings.extensions,
        heard=tuple(adapter.name for adapter in PROTOCOLS if adapter.heard),
        clock=clock,
        entropy=entropy,
        missed=missed,
        events=events,
    )


def _adapters(settings: Settings) -> list[type[Adapter]]:
    names = {adapter.name for adapter in PROTOCOLS}
    unknown_names = [name for name in settings.protocols if name not in names]
    if unknown_names:
        raise Misconfigured(
            f"CAPTCHA_PROTOCOLS: {', '.join(unknown_names)}: choose from {', '.join(sorted(names))}"
        )
    return [adapter for adapter in PROTOCOLS if adapter.enabled(settings)]


def _served(settings: Settings, engine: Engine) -> Reloaded[sites.Sites] | None:
    def checked(served: sites.Sites) -> sites.Sites:
        return require_fit(served, settings.policy, engine.plan, agents.known(settings))

    if settings.sites is None:
        checked(sites.DEVELOPMENT_SITES)
        return None
    return Reloaded(settings.sites, lambda path: checked(sites.load(path)))


def _tracing(settings: Settings) -> list[Middleware]:
    if not settings.tracing:
        return []
    with needed("CAPTCHA_TRACING", "otel"):
        from captcha_stateless.telemetry.tracing import Tracing, exporting
    return [Middleware(Tracing, exporting())]


def _proxies(settings: Settings) -> list[Middleware]:
    return [Middleware(TrustedProxies, settings.trusted_proxies)] if settings.trusted_proxies else []


def _headers(settings: Settings, events: Events) -> Middleware:
    return Middleware(
        HeadersMiddleware,
        AccessLog(events),
        allow_origins=settings.cors_origins,
        allow_headers=["Content-Type", "X-Captcha-Challenge"],
        expose_headers=["Retry-After", "Captcha-Id", PASS_HEADER, "X-Altcha-Config", "X-Request-Id"],
        max_age=PREFLIGHT_SECONDS,
    )
