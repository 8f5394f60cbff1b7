"""``plan``: what so many challenges a second need; docs/capacity.md says how it is reckoned."""

import asyncio
import math
import time
from typing import TYPE_CHECKING, NamedTuple

import click

from captcha_stateless.cli.base import plainly, read_settings
from captcha_stateless.settings import Settings

if TYPE_CHECKING:
    from captcha_stateless.engine import Engine

#: How much of a core is planned for: waiting grows fast beyond, and a replica that is lost leaves its share to the others.
_BUSY = 0.6
#: Cores that one replica has, as the workers of `serve --workers 2`.
_CORES = 2
#: What HTTP costs beside the work itself: `make bench`'s wrong answer less opening, spending and judging it.
_REQUEST_SECONDS = 80e-6
#: Requests of a run beside its stages: the one that begins it, and siteverify.
_BESIDE = 2
#: Bytes of a mark on Redis, exact and compact: `benchmarks/redis_marks.py`, and room for a dictionary that is growing.
_EXACT_BYTES, _COMPACT_BYTES = 226, 10
#: Runs that are played first and not measured: what is slow the first time has been done by then.
_WARM_UPS = 3

_BITS, _MEGABYTE = 8, 1_000_000


class Run(NamedTuple):
    """What one run costs: ``seconds`` of processor time, ``bytes`` sent, ``lives`` in seconds of what it spends.

    Each that is spent leaves two marks, the second to know the same answer or idempotency key by; on Redis in exact
    mode both are one key.
    """

    stages: int
    seconds: float
    bytes: int
    lives: tuple[int, ...]

    @property
    def marks(self) -> int:
        """How many marks it leaves."""
        return 2 * len(self.lives)


class Plan(NamedTuple):
    """What so many runs a second need."""

    cores: float
    replicas: int
    marks: float
    rate: int
    exact_bytes: float
    compact_bytes: float
    shared_bytes: int
    bits: float


@click.command()
@click.option(
    "--challenges", required=True, type=click.FloatRange(0, 1e6, min_open=True), help="Runs begun a second."
)
@plainly
def plan(challenges: float) -> None:
    """Tell what so many challenges a second need: processors, replicas, memory, traffic.

    A run's cost is measured here and now, with the settings as they are; every run is taken to be solved and verified.
    """
    settings = read_settings()
    run = asyncio.run(measured(settings))
    needs = reckoned(run, challenges)
    rows = (
        (
            "a run, measured here",
            f"{run.stages} stages, {run.seconds * 1e3:.2f} ms, {run.bytes / 1e3:.0f} KB",
        ),
        ("cores at work", f"{needs.cores:.1f}"),
        (f"replicas of {_CORES} cores, {_BUSY:.0%} busy, one to spare", f"{needs.replicas:,}"),
        ("marks a second", f"{needs.marks:,.0f}"),
        ("CAPTCHA_REPLAY_RATE", f"{needs.rate}"),
        ("Redis memory, exact", _memory(needs.exact_bytes)),
        ("Redis memory, compact", _memory(needs.compact_bytes)),
        ("shared filter, each host", _memory(needs.shared_bytes)),
        ("traffic to visitors", f"{needs.bits / 1e6:,.1f} Mbit/s"),
    )
    click.echo(f"| for {challenges:,g} challenges a second | |\n| --- | --- |")
    for name, text in rows:
        click.echo(f"| {name} | {text} |")


def reckoned(run: Run, challenges: float) -> Plan:
    """Reckon what so many runs a second need."""
    from captcha_stateless.replay.bloom import Geometry
    from captcha_stateless.replay.factory import HORIZON_SECONDS
    from captcha_stateless.replay.shares import rate_for
    from captcha_stateless.replay.window import Window

    cores = challenges * run.seconds
    marks = challenges * run.marks
    rate = math.ceil(rate_for(marks, namespaces=2))  # the grid's and the passes'
    window = Window(HORIZON_SECONDS, skew_seconds=5)
    room = rate * window.bucket_seconds
    return Plan(
        cores=cores,
        replicas=math.ceil(cores / _BUSY / _CORES) + 1,
        marks=marks,
        rate=rate,
        exact_bytes=challenges * sum(run.lives) * _EXACT_BYTES,
        compact_bytes=room * window.buckets * _COMPACT_BYTES,
        shared_bytes=Geometry.for_load(room, 1e-9).size_bytes * window.buckets,
        bits=challenges * run.bytes * _BITS,
    )


async def measured(settings: Settings, *, seconds: float = 1.0) -> Run:
    """Play whole runs for so many seconds of processor time, each drawn alone; return what one costs."""
    from captcha_stateless.app import create_engine
    from captcha_stateless.tokens import keys

    now = int(time.time())
    ring = keys.fresh_ring(now)
    engine = create_engine(settings, lambda: ring, clock=lambda: now)
    for _ in range(_WARM_UPS):
        run = await _played(engine)
    runs, began = 0, time.process_time()
    while time.process_time() < began + seconds:
        run = await _played(engine)
        runs += 1
    spent = (time.process_time() - began) / runs
    return run._replace(seconds=spent + (run.stages + _BESIDE) * _REQUEST_SECONDS)


async def _played(engine: "Engine") -> Run:
    """Solve a grid and verify its pass, as a visitor and a site do."""
    from captcha_stateless.sites import DEVELOPMENT

    sealed = engine.issue("plan", "grid", site=DEVELOPMENT.key)
    sent, lives = 0, []
    while True:
        pictures = await engine.renderer.drawn(sealed)
        # Base64 in JSON, beside the token that comes back.
        sent += sum(-(-len(png) // 3) * 4 for png in pictures) + len(sealed.token)
        claims = engine.look(sealed.token, "plan")
        lives.append(claims.until - claims.iat)
        answered = await engine.judge.play(claims, engine.tell(claims))
        following = engine.advance(answered)
        if following is None:
            break
        sealed = following
    signed = engine.passes.vouch(answered)
    await engine.passes.admit(signed.token, DEVELOPMENT, idempotency_key=signed.token)
    lives.append(signed.claims.exp - signed.claims.iat)
    return Run(len(lives) - 1, 0.0, sent, tuple(lives))


def _memory(size: float) -> str:
    return f"{max(1, round(size / _MEGABYTE)):,} MB"
