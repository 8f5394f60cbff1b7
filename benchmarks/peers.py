"""Measure one challenge of ours beside those of the field, and draw the chart of the README: docs/bench.svg.

Usage: ``make bench``. All are library calls, without HTTP: CPU time of all threads of the process, the least of several
    rounds that take turns. Node's are measured by Node itself (`peers/peers.mjs`), in each round.
"""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import altcha
import matplotlib as mpl
from captcha.image import ImageCaptcha
from grid import cpu_microseconds

from captcha_stateless import Settings
from captcha_stateless.app import create_engine
from captcha_stateless.engine import Engine
from captcha_stateless.kinds.grid import Grid
from captcha_stateless.model import Params
from captcha_stateless.render import TileRenderer, default_typefaces
from captcha_stateless.render.compiled import COMPILED
from captcha_stateless.render.drawing import draw_by_numpy
from captcha_stateless.tokens import keys

HERE = Path(__file__).parent
CHART = HERE.parent / "docs" / "bench.svg"
OURS, THEIRS = "#1d6fb8", "#9aa3ad"
ROUNDS = 4
#: What is called, and how often to measure it.
Work: TypeAlias = tuple[Callable[[], object], int]
SIZE, TEXT = (600, 200), "RaT4hN"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keyring.json"
        keys.save(path, keys.fresh_ring(int(time.time())), overwrite=False)
        ring = keys.load(path)
        engine = create_engine(Settings(keys=path), lambda: ring)
        rows = measured({**ours(engine), **theirs()})
    width = max(map(len, rows))
    for name, microseconds in rows.items():
        print(f"{name:<{width}} {microseconds:9.1f} us {1e6 / microseconds:10,.0f} a second of CPU")
    draw(rows)


def measured(works: dict[str, Work]) -> dict[str, float]:
    """Measure all of them in each round, Node's too."""
    rounds = []
    for _ in range(ROUNDS):
        each = {name: cpu_microseconds(call, times) for name, (call, times) in works.items()}
        rounds.append({**each, **node()})
    return {name: min(each[name] for each in rounds) for name in rounds[0]}


def ours(engine: Engine) -> dict[str, Work]:
    """Choose, seal and draw, with nothing left out that a request does before HTTP."""

    def whole(kind: str, wanted: Params | None = None) -> Callable[[], object]:
        return lambda: engine.renderer.picture(engine.issue("bench", kind, wanted or {}))

    drawn = "in C" if COMPILED else "by numpy"
    works: dict[str, Work] = {
        f"ours: grid of ten pictures, {drawn}": (whole("grid"), 100),
        "ours: line of text, 600x200": (whole("text", {"width": SIZE[0], "height": SIZE[1]}), 100),
        "ours: proof of work": (lambda: engine.issue("bench", "work"), 500),
    }
    if COMPILED:
        works["ours: its ten pictures alone, by numpy"] = by_numpy(), 100
    return works


def by_numpy() -> Callable[[], object]:
    settings, secret = Settings(), b"the benchmark's secret"
    grid = Grid.from_settings(settings, secret)
    challenge = grid.draw(bytes(16), grid.plan({}))
    drawing = TileRenderer(
        alphabet=settings.alphabet,
        typefaces=default_typefaces(),
        family="outline",
        size=settings.tile_size,
        secret=secret,
        draw=draw_by_numpy,
    )
    return lambda: drawing.tiles(challenge.shown, challenge.seed)


def theirs() -> dict[str, Work]:
    picture = ImageCaptcha(width=SIZE[0], height=SIZE[1])
    options: dict[str, Any] = {"hmac_key": "a key of the benchmark", "max_number": 50_000}
    return {
        "captcha (PyPI): picture, 600x200": (lambda: picture.generate(TEXT), 10),
        "altcha (PyPI): proof of work": (lambda: altcha.create_challenge_v1(**options), 500),
    }


def node() -> dict[str, float]:
    """Ask Node, where it and its packages are."""
    if not shutil.which("node") or not (HERE / "peers" / "node_modules").is_dir():
        return {}
    done = subprocess.run(["node", HERE / "peers" / "peers.mjs"], check=True, capture_output=True, text=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def draw(rows: dict[str, float]) -> None:
    """Draw the chart: bars on a logarithmic scale, the quickest first."""
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "bench", "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib import pyplot

    names = sorted(rows, key=lambda name: -rows[name])
    figure, axes = pyplot.subplots(figsize=(9, 0.42 * len(names) + 1.1))
    colours = [OURS if name.startswith("ours") else THEIRS for name in names]
    bars = axes.barh(names, [rows[name] for name in names], color=colours)
    axes.bar_label(bars, [f"{rows[name]:,.0f} µs" for name in names], padding=4)
    axes.set_xscale("log")
    axes.set_xlim(right=max(rows.values()) * 3)
    axes.set_xlabel("CPU time of one challenge in µs, logarithmic; shorter is better")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(CHART, bbox_inches="tight", metadata={"Date": None}, facecolor="white")


if __name__ == "__main__":
    main()
