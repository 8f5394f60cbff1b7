"""The doctor: is this installation fit to serve?"""

import asyncio
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from captcha_stateless import keys
from captcha_stateless.app import create_engine, create_replay
from captcha_stateless.engine import Engine
from captcha_stateless.errors import CaptchaError
from captcha_stateless.keys import KeyRing
from captcha_stateless.replay.base import ReplayState
from captcha_stateless.settings import Settings, unknown

Grade = Literal["good", "note", "wrong"]

#: A clock before this was never set: 2026-01-01.
_EARLIEST = 1_767_225_600


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
    yield from _clock(now)
    try:
        ring = keys.load(settings.keys)
    except CaptchaError as error:
        yield Finding("wrong", f"{error}.")
        return
    yield from _keys(settings, ring, now)
    yield from _replay(settings, ring, now)
    yield from _drawing(settings, ring)


def _clock(now: float) -> Iterator[Finding]:
    if now < _EARLIEST:
        yield Finding("wrong", "The clock is before 2026: set it, for every deadline hangs on it.")
    else:
        yield Finding("good", "The clock is set.")


def _keys(settings: Settings, ring: KeyRing, now: float) -> Iterator[Finding]:
    mode = stat.S_IMODE(settings.keys.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        yield Finding(
            "wrong", f"{settings.keys} can be read by others (mode {mode:04o}); run chmod 600 on it."
        )
    else:
        yield Finding("good", f"{settings.keys} holds {len(ring.keys)} keys and is its owner's alone.")
    if ring.current.since > now + 60:
        yield Finding(
            "wrong", "The current key is from the future: this clock or that of the key's maker is wrong."
        )


def _replay(settings: Settings, ring: KeyRing, now: float) -> Iterator[Finding]:
    async def look() -> ReplayState:
        replay = create_replay(settings, ring, now)
        try:
            await replay.start()
            return await replay.state(now)
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


def _drawing(settings: Settings, ring: KeyRing) -> Iterator[Finding]:
    yield from _trial("Typefaces and alphabet can be drawn.", lambda: create_engine(settings, lambda: ring))


def _trial(good: str, attempt: Callable[[], Engine]) -> Iterator[Finding]:
    try:
        engine = attempt()
        sealed = engine.issue("doctor", "grid")
        engine.picture(sealed)
        engine.look(sealed.token, "doctor")
    except CaptchaError as error:
        yield Finding("wrong", f"{error}.")
    else:
        yield Finding("good", good)
        yield Finding("good", "A token made here opens here.")
