"""The plots of README and threat model: SVG drawn by Matplotlib from docs/attack.json, for light pages and for dark ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.ticker
from doorprice import BLIND, doors
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Results = Mapping[str, Any]
#: Ink and ground as GitHub has them, and colours that the colour-blind tell apart (Okabe and Ito 2008).
THEMES = {"light": ("#1f2328", "#ffffff"), "dark": ("#e6edf3", "#0d1117")}
COLOURS = {"grid": "#0072b2", "text": "#d55e00", "audio": "#009e73", "work": "#cc79a7"}
_DARK = {"grid": "#56b4e9", "text": "#e69f00", "audio": "#2bc49a", "work": "#e8a5cb"}


def plots(folder: Path, results: Results) -> None:
    """Draw every plot in both themes, from what was measured, ``readings`` and ``trials``."""
    for theme, (ink, ground) in THEMES.items():
        colours = COLOURS if theme == "light" else _DARK
        for name, draw in (("strength", _strength), ("doors", _doors), ("legibility", _legibility)):
            # Text stays text, and nothing tells when or by which version it was drawn.
            with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 10}):
                figure = Figure(figsize=(7, 3.4), layout="constrained", facecolor=ground)
                axes = figure.add_subplot(facecolor=ground)
                draw(axes, results, colours, ink)
                _inked(axes, ink)
                file = folder / f"plot-{name}-{theme}.svg"
                figure.savefig(file, metadata={"Date": None, "Creator": None})
                file.write_text("\n".join(map(str.rstrip, file.read_text().splitlines())) + "\n")


def _strength(axes: Axes, results: Results, colours: Mapping[str, str], ink: str) -> None:
    """Draw what attackers pass by how many labelled pictures they were trained on; 100 stands for none."""
    scores = [
        one for one in results["outline"].values() if isinstance(one, dict) and one["name"] not in BLIND
    ]
    grid = _best((max(one["labels"], 100), one["passed"] / one["stages"]) for one in scores)
    axes.plot(*zip(*grid, strict=True), "o-", color=colours["grid"], label="a stage of the grid")
    for size, line in (("600x200", "s-"), ("350x100", "s--")):
        reads = [one for one in results["text"].values() if one["picture"] == f"default, {size}, light"]
        reads = [one for one in reads if one["once"] or not one["labels"]]
        if not reads:
            continue
        text = _best((max(one["labels"], 100), one["once"] / one["asked"]) for one in reads)
        axes.plot(*zip(*text, strict=True), line, color=colours["text"], label=f"a text of {size}")
    axes.set(
        xscale="log", ylim=(-0.02, 1.02), xlabel="labelled pictures that it was trained on", ylabel="passed"
    )
    axes.set_xticks(
        [100, 300, 1_000, 3_000, 10_000], ["none", "300", "1,000", "3,000", "10,000"], minor=False
    )
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    axes.legend(facecolor="none", edgecolor="none", labelcolor=ink)


def _best(points: Any) -> list[tuple[int, float]]:
    best: dict[int, float] = {}
    for labels, rate in points:
        best[labels] = max(best.get(labels, 0.0), rate)
    return sorted(best.items())


def _doors(axes: Axes, results: Results, colours: Mapping[str, str], ink: str) -> None:
    """Draw the price of a thousand passes by door."""
    found = sorted(doors(results), key=lambda one: (not one["trained"], one["dollars"]), reverse=True)
    names = [one["kind"] + (", trained" if one["trained"] else "") for one in found]
    bars = axes.barh(names, [one["dollars"] for one in found], color=[colours[one["kind"]] for one in found])
    labels = [("≥ " if one["bound"] else "") + f"${one['dollars']:,.3g}" for one in found]
    axes.bar_label(bars, labels, padding=4, color=ink)
    axes.set(xscale="log", xlabel="dollars for a thousand passes")
    axes.margins(x=0.25)


def _legibility(axes: Axes, results: Results, colours: Mapping[str, str], ink: str) -> None:
    """Draw how much a reader by eye reads, against what the best ready-made reader does; what was tried is hollow."""
    for one in results["trials"]:
        eye, best = one["texts"] / one["texts_asked"], one["read"] / one["asked"]
        axes.plot(eye, best, "o", markersize=7, markerfacecolor="none", markeredgecolor=ink)
    for one in results["readings"]:
        reads = [
            read
            for read in results["text"].values()
            if read["picture"] in one["pictures"] and not read["labels"]
        ]
        best = max(read["once"] / read["asked"] for read in reads)
        eye = one["texts"] / one["texts_asked"]
        axes.plot(eye, best, "o", color=colours["text"], markersize=9)
        beside = {"ha": "left" if eye > 0.85 else "right", "va": "center"}
        away = (8 if eye > 0.85 else -8, 0)
        axes.annotate(
            one["drawn"].replace("`", ""), (eye, best), away, textcoords="offset points", color=ink, **beside
        )
    axes.set(
        xlim=(0.5, 1.02),
        ylim=(-0.02, 1.02),
        xlabel="texts read by eye",
        ylabel="texts read by the best program",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(mpl.ticker.PercentFormatter(1))


def _inked(axes: Axes, ink: str) -> None:
    axes.tick_params(colors=ink)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(ink)
    for name, spine in axes.spines.items():
        spine.set(color=ink, visible=name in ("left", "bottom"))
    axes.grid(color=ink, alpha=0.15)
    axes.set_axisbelow(True)
