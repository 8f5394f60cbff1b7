"""Print what drawing costs: CPU milliseconds by phase, and bytes, with and without ISA-L.

Usage: ``python benchmarks/render.py``. Each figure is the least of several rounds of CPU time (all threads of
    the process), which holds on a machine that others use too; the last column is the ratio to the first
    line.
"""

import time
from collections.abc import Callable, Iterator
from statistics import mean
from typing import NamedTuple

from captcha_stateless.render import (
    FAMILIES,
    LineRenderer,
    TileRenderer,
    classic_typeface,
    default_typefaces,
)
from captcha_stateless.render.chance import draw_words
from captcha_stateless.render.deflate import (
    Deflate,
    deflate_isal,
    deflate_zlib,
    deflate_zlib_textured,
    isal_zlib,
)
from captcha_stateless.render.lines import LINE_WORDS
from captcha_stateless.render.tiles import TILE_WORDS

ALPHABET = "ABDEFGHJKMNPQRTUVWXYabdefghkmnqrty234678"
GLYPHS = ALPHABET[::4]
TEXT = "RaT4hQ"
SECRET = b"benchmark"
SEEDS = [b"seed %d" % number for number in range(100)]
ROUNDS = 15


class Work(NamedTuple):
    """One line of the table: what draws the indices, and what does everything."""

    name: str
    draw: Callable[[bytes], object]
    everything: Callable[[bytes], list[bytes]]


def tiles(name: str, family: str, size: int, packer: Deflate) -> Work:
    plain = deflate_zlib_textured if FAMILIES[family].tones > 1 else deflate_zlib
    faces = [classic_typeface()] if family == "classic" else default_typefaces()
    of = TileRenderer(
        alphabet=ALPHABET,
        typefaces=faces,
        family=family,
        size=size,
        secret=SECRET,
        deflate=plain if packer is deflate_zlib else None,
    )
    return Work(
        f"10 tiles {family} {size} px, {name}",
        lambda seed: of.indices([GLYPHS], draw_words(seed, len(GLYPHS), TILE_WORDS)[None]),
        lambda seed: of.tiles(GLYPHS, seed),
    )


def line(name: str, width: int, height: int, packer: Deflate) -> Work:
    of = LineRenderer(
        alphabet=ALPHABET,
        typefaces=default_typefaces(),
        width=width,
        height=height,
        secret=SECRET,
        deflate=packer,
    )
    return Work(
        f"a line {width}x{height}, {name}",
        lambda seed: of.indices(TEXT, draw_words(seed, len(TEXT) + 1, LINE_WORDS), True, True),
        lambda seed: [of.line(TEXT, seed)],
    )


def works() -> Iterator[Work]:
    packers = {} if isal_zlib is None else {"isal": deflate_isal}
    for name, packer in {**packers, "zlib": deflate_zlib}.items():
        for family, size in (
            ("filled", 64),
            ("filled", 96),
            ("outline", 96),
            ("embossed", 96),
            ("mixed", 96),
            ("classic", 64),
        ):
            yield tiles(name, family, size, packer)
        for width, height in ((600, 200), (350, 100)):
            yield line(name, width, height, packer)


def cpu_ms(work: Callable[[bytes], object]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for seed in SEEDS:
            work(seed)
        rounds.append((time.process_time() - start) / len(SEEDS) * 1000)
    return min(rounds)


def main() -> None:
    print(f"{'':<32}{'draw':>8}{'encode':>8}{'all ms':>8}{'bytes each':>12}{'ratio':>7}")
    first = None
    for work in works():
        draw, everything = cpu_ms(work.draw), cpu_ms(work.everything)
        first = first or everything
        size = mean(len(png) for seed in SEEDS for png in work.everything(seed))
        times = f"{draw:8.3f}{everything - draw:8.3f}{everything:8.3f}"
        print(f"{work.name:<32}{times}{size:12.0f}{everything / first:7.2f}")


if __name__ == "__main__":
    main()
