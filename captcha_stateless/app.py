"""The one composition root: settings in, Starlette out."""

import hmac
import logging
import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Lifespan

from captcha_stateless import keys, sites
from captcha_stateless.admission import Admission
from captcha_stateless.engine import Engine
from captcha_stateless.errors import BadRequest, Misconfigured, Unavailable
from captcha_stateless.events import Events
from captcha_stateless.guard import Guard, Limit
from captcha_stateless.journal import Journal
from captcha_stateless.keys import KeyRing
from captcha_stateless.kinds import KINDS
from captcha_stateless.manners import Manners
from captcha_stateless.model import Claims
from captcha_stateless.passes import Passes
from captcha_stateless.peers import Peers
from captcha_stateless.protocols import PROTOCOLS
from captcha_stateless.protocols.base import PASS_HEADER, Adapter
from captcha_stateless.protocols.routing import Shortcut, in_order
from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.fallback import FallbackReplay
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.risk import Assessor
from captcha_stateless.risk.dnsbl import Dnsbl, resolver
from captcha_stateless.risk.networks import Networks
from captcha_stateless.risk.networks import load as load_networks
from captcha_stateless.seal import Seal
from captcha_stateless.settings import Settings, unknown
from captcha_stateless.signals import drained_on_term, reloaded_on_hangup
from captcha_stateless.watched import Watched

#: Browsers keep a preflight's answer no longer than two hours (Chromium's own cap).
PREFLIGHT_SECONDS = 7_200

#: No token lives longer, extensions included: the grid's 120 s and twenty extensions of them, RESTCaptcha's half hour.
HORIZON_SECONDS = 120 * 21

DEVELOPMENT_SITES = sites.Sites([sites.DEVELOPMENT])

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
    ring = Watched(settings.keys, keys.load)
    replay = replay or create_replay(settings, ring.value, clock())
    networks = Watched(settings.risk_networks, load_networks) if settings.risk_networks else None
    guard = create_guard(settings, ring.value, networks, clock)
    events = create_events(settings, ring, clock)
    engine = create_engine(
        settings,
        lambda: ring.value,
        replay,
        clock=clock,
        entropy=entropy,
        missed=guard.missed,
        events=events,
    )
    served = _served(settings, engine)
    admission = Admission(settings.queue, seen=events.inside)
    adapters = [
        adapter(engine, settings, lambda: served.value if served else DEVELOPMENT_SITES, guard, admission)
        for adapter in _adapters(settings)
    ]
    paths, patterns = in_order(route for adapter in adapters for route in adapter.routes())
    app = Starlette(
        routes=[paths, *patterns],
        middleware=[
            *_tracing(settings),
            _manners(settings, events),
            *_peers(settings),
            Middleware(Shortcut, paths),
        ],
        exception_handlers={HTTPException: _http_error, Exception: _server_error},
        lifespan=_lifespan(
            [file for file in (ring, served, networks) if file],
            replay,
            clock,
            adapters,
            guard,
            settings.drain_seconds,
        ),
    )
    app.state.engine = engine
    app.state.draining = False
    return app


def create_engine(
    settings: Settings,
    ring: Callable[[], KeyRing],
    replay: Replay | None = None,
    *,
    clock: Callable[[], float] = time.time,
    entropy: Callable[[int], bytes] = secrets.token_bytes,
    missed: Callable[[Claims], None] = lambda _: None,
    events: Events | None = None,
) -> Engine:
    """Compose the engine alone, for the server and the command line alike.

    Without a filter it has one of its own, which nobody else sees: enough for whoever redeems nothing.
    """
    root = ring()
    return Engine(
        seal=Seal(ring),
        passes=Passes(ring, settings.issuer),
        kinds={name: kind.from_settings(settings, root.derive("draw")) for name, kind in KINDS.items()},
        replay=replay or _memory(settings, root.derive("replay"), clock()),
        answer_key=root.derive("answer"),
        extensions=settings.extensions,
        pass_seconds=settings.pass_seconds,
        heard=tuple(adapter.name for adapter in PROTOCOLS if adapter.heard),
        clock=clock,
        entropy=entropy,
        missed=missed,
        events=events,
    )


def create_events(settings: Settings, ring: Watched[KeyRing], clock: Callable[[], float]) -> Events:
    """Make what listens to the server's events: metrics where they are wanted, nobody otherwise.

    Raises:
        Misconfigured: when their package is not installed.
    """
    if not settings.metrics:
        return Events()
    try:
        from captcha_stateless.metrics import Metrics  # an extra
    except ImportError:
        raise Misconfigured("CAPTCHA_METRICS needs `pip install captcha-stateless[metrics]`") from None

    def ages() -> dict[str, float]:
        used = (key for key in ring.value.all if key.state == "current")
        return {"sign" if isinstance(key, keys.SigningKey) else "seal": clock() - key.since for key in used}

    return Metrics(ages)


def create_guard(
    settings: Settings, ring: KeyRing, networks: Watched[Networks] | None, clock: Callable[[], float]
) -> Guard:
    """Make the guard that the settings ask for; its key never rotates, so that counts survive a rotation."""
    key, none = ring.derive("risk"), Networks()
    assessor = Assessor(
        key,
        networks=lambda: networks.value if networks else none,
        free_challenges=settings.risk_free_challenges,
        dnsbl=Dnsbl(settings.dnsbl_zone, resolver(), key) if settings.dnsbl_zone else None,
        dnsbl_score=settings.dnsbl_score,
    )
    return Guard(assessor, rates=_rates(settings, key, networks), clock=clock)


def _rates(settings: Settings, key: bytes, networks: Watched[Networks] | None) -> Limit | None:
    if not settings.rate_limit:
        return None
    try:
        from captcha_stateless.risk.rates import Rates  # an extra
    except ImportError:
        raise Misconfigured("CAPTCHA_RATE_LIMIT needs `pip install captcha-stateless[limits]`") from None
    none = Networks()
    return Rates(
        key,
        settings.rate_limit,
        store=settings.rate_limit_store,
        networks=lambda: networks.value if networks else none,
    )


def create_replay(settings: Settings, ring: KeyRing, now: float) -> Replay:
    """Make the replay filter that the settings ask for.

    Raises:
        Misconfigured: when it cannot be made, or its package is not installed.
    """
    key = ring.derive("replay")
    if settings.replay == "memory":
        return _memory(settings, key, now)
    if settings.replay == "shared":
        from captcha_stateless.replay.shared import SharedReplay  # not on Windows

        folder = settings.replay_dir or shared_folder(key)
        return SharedReplay(
            folder, key=key, now=now, horizon_seconds=HORIZON_SECONDS, spends_per_second=settings.replay_rate
        )
    from captcha_stateless.replay.redis import RedisReplay  # an extra

    redis = RedisReplay(
        settings.replay,
        key=key,
        mode=settings.replay_mode,
        prefix=settings.replay_prefix,
        horizon_seconds=HORIZON_SECONDS,
        spends_per_second=settings.replay_rate,
    )
    local = settings.replay_on_down == "local"
    return FallbackReplay(redis, _memory(settings, key, now)) if local else redis


def shared_folder(key: bytes) -> Path:
    """Name the folder of a key ring's shared filter: two deployments on one host do not meet."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of mode 0700 is made in it
    parent = memory if memory.is_dir() else Path(tempfile.gettempdir())
    # For ever the same: under another name a host's new workers would not see what its old ones have spent, and each side
    # would honour the same pass.
    name = hmac.digest(key, b"\0\0\0\x06folder", "sha256").hex()[:12]
    return parent / f"captcha-stateless-{os.getuid()}-{name}"


def _memory(settings: Settings, key: bytes, now: float) -> Replay:
    return MemoryReplay(
        key=key, now=now, horizon_seconds=HORIZON_SECONDS, spends_per_second=settings.replay_rate
    )


def _adapters(settings: Settings) -> list[type[Adapter]]:
    names = {adapter.name for adapter in PROTOCOLS}
    unknown_names = [name for name in settings.protocols if name not in names]
    if unknown_names:
        raise Misconfigured(
            f"CAPTCHA_PROTOCOLS: {', '.join(unknown_names)}: choose from {', '.join(sorted(names))}"
        )
    return [adapter for adapter in PROTOCOLS if adapter.enabled(settings)]


def _served(settings: Settings, engine: Engine) -> Watched[sites.Sites] | None:
    if settings.sites is None:
        require_policies(settings, engine, DEVELOPMENT_SITES)
        return None
    return Watched(settings.sites, lambda path: require_policies(settings, engine, sites.load(path)))


def require_policies(settings: Settings, engine: Engine, served: sites.Sites) -> sites.Sites:
    """Return the sites, if the policies that they name are there and ask for what can be made.

    Raises:
        Misconfigured: when they are not, or do not.
    """
    if settings.policy not in served.policies:
        raise Misconfigured(f"CAPTCHA_POLICY: no policy is named {settings.policy}")
    for policy in served.policies.values():
        asked = [(rule.kind, rule.params) for rule in policy.rules if rule.kind]
        asked += [("grid", {"profile": policy.profile})] if policy.profile else []
        for kind, params in asked:
            try:
                engine.plan(kind, params)
            except BadRequest as error:
                raise Misconfigured(f"policy {policy.name}: {error}") from None
    return served


def _tracing(settings: Settings) -> list[Middleware]:
    if not settings.tracing:
        return []
    try:
        from captcha_stateless.tracing import Tracing, exporting  # an extra
    except ImportError:
        raise Misconfigured("CAPTCHA_TRACING needs `pip install captcha-stateless[otel]`") from None
    return [Middleware(Tracing, exporting())]


def _peers(settings: Settings) -> list[Middleware]:
    return [Middleware(Peers, settings.trusted_proxies)] if settings.trusted_proxies else []


def _manners(settings: Settings, events: Events) -> Middleware:
    return Middleware(
        Manners,
        Journal(events),
        allow_origins=settings.cors_origins,
        allow_headers=["Content-Type", "X-Captcha-Challenge"],
        expose_headers=["Retry-After", "Captcha-Id", PASS_HEADER, "X-Request-Id"],
        max_age=PREFLIGHT_SECONDS,
    )


def _lifespan(
    files: list[Watched[Any]],
    replay: Replay,
    clock: Callable[[], float],
    adapters: list[Adapter],
    guard: Guard,
    drain_seconds: int,
) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        for adapter in adapters:
            adapter.warm()
        with suppress(Unavailable):  # then every answer is 503 until it is up
            await replay.start()
        # The filter refuses tokens older than its epoch, a whole second: none is handed out before it.
        state = await replay.state(clock())
        await anyio.sleep(max(0.0, min(state.epoch - clock(), 2.0)))
        with reloaded_on_hangup(files), drained_on_term(app.state, drain_seconds):
            yield
        await replay.close()
        await guard.close()

    return lifespan


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _server_error(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": "Internal server error"}, 500)
