"""The doctor: is this installation fit to serve?"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain
from typing import Any, Literal

from captcha_stateless.agents import known
from captcha_stateless.agents.directory import load as load_agents
from captcha_stateless.app import create_app
from captcha_stateless.cli.base import exposed_to_others, require_host, require_workers
from captcha_stateless.devices.issuers import load as load_issuers
from captcha_stateless.engine import Engine
from captcha_stateless.errors import CaptchaError
from captcha_stateless.kinds.profiles import PROFILES, Preset
from captcha_stateless.render.compiled import COMPILED
from captcha_stateless.replay import factory
from captcha_stateless.replay.base import AHEAD_SECONDS, ReplayState
from captcha_stateless.risk.networks import load as load_networks
from captcha_stateless.settings import Settings, unknown
from captcha_stateless.sites import Site, load
from captcha_stateless.sites.checks import fit
from captcha_stateless.sites.terms import DEVICE
from captcha_stateless.sound import espeak_program
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.keys import GRACE_SECONDS, KeyRing
from captcha_stateless.wall.crawlers import load as load_crawlers

Grade = Literal["good", "note", "wrong"]

#: A clock before this was never set: 2026-01-01.
_EARLIEST = 1_767_225_600
#: From that on a filter may refuse before anybody looks again.
_NEARLY_FULL = 0.8
#: Clocks may be behind by as much as the filter keeps marks beyond their tokens' time.
_BEHIND_SECONDS = 5.0
#: Operators of crawlers change their lists every few weeks.
_STALE_SECONDS = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence, and how bad it is."""

    grade: Grade
    text: str


def examine(environ: Mapping[str, str], *, now: float) -> Iterator[Finding]:
    """Look at everything that can be wrong before a request comes; what hangs on a broken part is left out."""
    try:
        settings = Settings.load(environ)
    except CaptchaError as error:
        yield from (Finding("wrong", line) for line in str(error).splitlines())
        return
    yield Finding("good", "The settings can be read.")
    yield from (Finding("note", f"{warning}.") for warning in unknown(environ))
    if settings.test_keys:
        yield Finding(
            "wrong", "The public test keys are switched on: everyone passes. Unset CAPTCHA_TEST_KEYS."
        )
    yield from _clock(now)
    try:
        ring = keys.load(settings.keys)
    except CaptchaError as error:
        yield Finding("wrong", f"{error}.")
        return
    yield from _listening(settings, environ)
    yield from _keys(settings, ring, now)
    yield from _replay(settings, ring, now)
    visitors = chain(_crawlers(settings, now), _agents(settings, now), _issuers(settings, now))
    parts = chain(_drawing(settings, ring, now), _sites(settings), _networks(settings), visitors)
    yield from dict.fromkeys(parts)  # what stops the whole is told of the part, too


def _listening(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    workers = environ.get("WEB_CONCURRENCY", "1")
    try:
        require_workers(settings, int(workers) if workers.isdigit() else 1)
        require_host(environ.get("HOST", "127.0.0.1"))
    except CaptchaError as error:
        yield Finding("wrong", f"{error}.")


def _clock(now: float) -> Iterator[Finding]:
    if now < _EARLIEST:
        yield Finding("wrong", "The clock is before 2026: set it, for every deadline hangs on it.")
    else:
        yield Finding("good", "The clock is set.")


def _keys(settings: Settings, ring: KeyRing, now: float) -> Iterator[Finding]:
    if exposed := exposed_to_others(settings.keys):
        yield Finding("wrong", exposed)
    else:
        yield Finding("good", f"{settings.keys} holds {len(ring.all)} keys and is its owner's alone.")
    retired = ring.find("retired")
    if retired and now - retired.since > GRACE_SECONDS:
        yield Finding("note", f"Key {retired.kid} is needed no more: run `captcha-stateless keys rotate`.")
    if ring.current.since > now + 60:
        yield Finding(
            "wrong", "The current key is from the future: this clock or that of the key's maker is wrong."
        )


def _replay(settings: Settings, ring: KeyRing, now: float) -> Iterator[Finding]:
    began = time.monotonic()

    async def look() -> ReplayState:
        replay = factory.create(settings, ring.derive("replay"), now)
        try:
            await replay.start()
            return await replay.state(now + time.monotonic() - began)
        finally:
            await replay.close()

    try:
        state = asyncio.run(look())
    except CaptchaError as error:
        yield Finding("wrong", f"{error}.")
        return
    reach = {"process": "one process", "host": "all workers of this host", "global": "all replicas"}
    yield Finding(
        "good", f"A token is honoured once by {reach[state.scope]}; the filter is {state.fill:.0%} full."
    )
    if state.fill > _NEARLY_FULL:
        yield Finding(
            "wrong", "The replay filter is nearly full: raise CAPTCHA_REPLAY_RATE, or Redis' maxmemory."
        )
    if not -_BEHIND_SECONDS <= state.ahead_seconds <= AHEAD_SECONDS:
        where = "ahead of" if state.ahead_seconds > 0 else "behind"
        yield Finding(
            "wrong",
            f"This host's clock is {abs(state.ahead_seconds):.1f} s {where} Redis': let a time server set both.",
        )


def _floor(name: str, preset: Preset) -> str:
    stages, forgiven = preset.ladder.stages, preset.ladder.forgiven
    runs = 1 / float(preset.floor)
    return (
        f"Grid {name}: {stages - forgiven} of {stages} stages drawn {preset.family}; "
        f"a blind guess passes 1 run in {f'{runs:,.0f}' if runs < 1e12 else f'{runs:.0e}'}."
    )


def _drawing(settings: Settings, ring: KeyRing, now: float) -> Iterator[Finding]:
    """Compose the very server that would be served, and have it draw."""
    yield from (Finding("good", _floor(name, preset)) for name, preset in PROFILES.items())
    try:
        app = create_app(settings, replay=factory.memory(settings, ring.derive("replay"), now))
        engine: Engine = app.state.engine
        engine.renderer.picture(engine.issue("doctor", "text"))
        sealed = engine.issue("doctor", "grid")
        engine.renderer.picture(sealed)
        engine.look(sealed.token, "doctor")
    except CaptchaError as error:
        yield from (Finding("wrong", f"{line}.") for line in str(error).splitlines())
        return
    yield Finding("good", "Typefaces and alphabets can be drawn.")
    yield _compiled()
    yield Finding("good", "A token made here opens here.")
    yield from _hearing(engine, settings)


def _compiled() -> Finding:
    if COMPILED:
        return Finding("good", "Drawing is compiled.")
    return Finding(
        "note",
        "Drawing is not compiled, and takes about half as long again: install a C compiler and Python's headers, "
        "then this package anew.",
    )


def _hearing(engine: Engine, settings: Settings) -> Iterator[Finding]:
    spoken = engine.renderer.languages("text")
    if spoken:
        yield Finding("good", f"Text can be heard in {', '.join(spoken)}.")
    missing = [language for language in settings.audio_languages if language not in spoken]
    if missing:
        yield Finding(
            "note",
            f"Text cannot be heard in {', '.join(missing)}: install espeak-ng, or set CAPTCHA_AUDIO_RECORDINGS.",
        )
    if settings.audio_public_recordings and espeak_program() is None:
        yield Finding(
            "wrong",
            "CAPTCHA_AUDIO_PUBLIC_RECORDINGS is on and there is no espeak-ng: where you have no recordings of your own, "
            "English is said by public ones, one take a digit, and whoever has them reads every challenge.",
        )


def _sites(settings: Settings) -> Iterator[Finding]:
    if settings.sites is None:
        grade: Grade = "wrong" if settings.production else "note"
        yield Finding(grade, "The development site is served, its secret is public: set CAPTCHA_SITES.")
        return
    try:
        found, here = load(settings.sites), known(settings)
    except CaptchaError as error:
        yield from (Finding("wrong", f"{line}.") for line in str(error).splitlines())
        return
    problems = [problem for site in found.all for problem in fit(site, here)]
    yield from (Finding("wrong", f"{problem}.") for problem in problems)
    if not problems:
        yield Finding("good", f"{settings.sites} can be read: {len(found.all)} sites.")
    yield from (Finding("note", line) for site in found.all for line in _doors(site))


def _doors(site: Site) -> Iterator[str]:
    """Tell what a thousand passes of a site cost by each door, and which door is its weakest."""
    text = files("captcha_stateless.cli").joinpath("prices.json").read_text(encoding="utf-8")
    doors: list[dict[str, Any]] = [door for door in json.loads(text) if door["kind"] in site.counting]
    untrained = [door for door in doors if not door["trained"]]
    if not untrained:
        return
    weakest = min(untrained, key=lambda door: float(door["dollars"]))
    prices = ", ".join(f"{door['kind']} {_dollars(door)}" for door in untrained)
    yield (
        f"Site {site.key}: a thousand passes cost a bot off the shelf {prices}; its weakest door is "
        f"**{weakest['kind']}** ({weakest['attacker']})."
    )
    if not site.kinds:
        yield f"Site {site.key} names no kinds: {', '.join(site.counting)} count; write down which shall."


def _dollars(door: Mapping[str, Any]) -> str:
    return f"{'at least ' if door['bound'] else ''}${door['dollars']:,.4g} ({door['tries']:,} tries)"


def _networks(settings: Settings) -> Iterator[Finding]:
    if settings.risk_networks is None:
        return
    try:
        load_networks(settings.risk_networks)
    except CaptchaError as error:
        yield Finding("wrong", f"{error}.")
    else:
        yield Finding("good", f"{settings.risk_networks} can be read.")


def _agents(settings: Settings, now: float) -> Iterator[Finding]:
    if settings.agents is None:
        return
    try:
        keys = load_agents(settings.agents).values()
    except CaptchaError as error:
        yield Finding("wrong", f"{error}.")
        return
    live = {key.agent for key in keys if key.since <= now < key.until}
    yield Finding("good", f"{settings.agents} can be read: {len(live)} agents with keys of now.")
    if not live:
        yield Finding("note", "No agent has a key that counts now: run `captcha-stateless agents refresh`.")
    for agent in sorted({key.agent for key in keys} - live):
        yield Finding("note", f"No key of {agent} counts now: run `captcha-stateless agents refresh`.")
    for site in _sites_where(settings, lambda site: "agent" in site.rules.needs and not site.hosts):
        yield Finding(
            "note",
            f"A rule of site {site.key} names an agent, and the site no hosts: what it signs for another site counts.",
        )


def _issuers(settings: Settings, now: float) -> Iterator[Finding]:
    """Tell what of devices can never match: no issuer, no key, or no host that is the site's own."""
    counting = _sites_where(settings, lambda site: DEVICE in site.counting)
    if settings.device_issuers is None:
        if counting:
            yield Finding(
                "wrong",
                f"Site {counting[0].key} counts devices, and no issuer is pinned: set CAPTCHA_DEVICE_ISSUERS.",
            )
        return
    try:
        issuers = load_issuers(settings.device_issuers)
    except CaptchaError as error:
        yield Finding("wrong", f"{error}.")
        return
    yield Finding("good", f"{settings.device_issuers} can be read: {len(issuers)} issuers.")
    for issuer in issuers:
        if issuer.offered(now) is None:
            yield Finding(
                "note", f"No key of {issuer.name} counts now: run `captcha-stateless devices refresh`."
            )
    if not counting:
        yield Finding("note", "Issuers are pinned, and no site names the kind `device`.")
    for site in counting:
        if not (site.hosts or settings.public_url):
            yield Finding(
                "wrong",
                f"Site {site.key} counts devices and has no hosts: name them, or set CAPTCHA_PUBLIC_URL.",
            )


def _sites_where(settings: Settings, holds: Callable[[Site], bool]) -> list[Site]:
    try:
        return [site for site in load(settings.sites).all if holds(site)] if settings.sites else []
    except CaptchaError:
        return []  # which is told of the sites


def _crawlers(settings: Settings, now: float) -> Iterator[Finding]:
    path = settings.crawlers
    if path is None:
        return
    try:
        names, age = load_crawlers(path).names, now - path.stat().st_mtime
    except CaptchaError as error:
        yield Finding("wrong", f"{error}.")
        return
    yield Finding("good", f"{path} holds the networks of {len(names)} crawlers.")
    if age > _STALE_SECONDS:
        yield Finding(
            "note",
            f"{path} is {age / 86_400:.0f} days old: run `captcha-stateless rules refresh` every week.",
        )
