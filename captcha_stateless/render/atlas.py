"""The atlas: every glyph of every typeface, rasterised once, as palette indices in square cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render.glyphs import rasterise
from captcha_stateless.render.inks import LIGHTS, Indices, Ink, Pen, lay

#: How numpy takes what is known to be there (``Atlas.reach``): to look first would cost a fifth more.
IN_RANGE: Final = "clip"
#: The square that holds a glyph's ink, as a share of its cell; the rest is blank (see ``Atlas.reach``).
INK_SHARE = 7 / 16
_SMALLEST_CELL, _LARGEST_CELL = 72, 248
#: Texels a pixel: at 1.8, three times the memory, tiles look the same.
TEXELS = 1.2
#: 128 MB: a typical atlas takes a tenth of it, and texels must be counted by 31 bits.
_LARGEST_ATLAS = 2**27
_building = Lock()

#: Where something begins in a flat array, for each tile.
Starts: TypeAlias = NDArray[np.int32]
#: Texels across, then down, for each pixel: (tiles, 2, height, width).
Places: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Atlas:
    """Cells of palette indices in one flat array, shared by all renderers of a process and never written to.

    Index 0 is blank, the last of the pen's is full ink; the ``tones`` - 1 indices above 0 are left to the ground; a
    texel that hides what lies behind it has ``CLEARS`` added. The first and the last cell are blank, and so are
    wide margins, so that a warp may read past a cell's edge without a test. Each ink has its own cells, as if
    it were ``faces`` further typefaces.
    """

    texels: Indices
    side: int
    ink: int
    faces: int
    numbers: Mapping[str, int]

    @property
    def reach(self) -> float:
        """How far from a cell's centre, in texels, a warp may read: one blank margin past the edge."""
        return self.side - self.ink / 2

    def cells(self, faces: Sequence[int], glyphs: Sequence[str]) -> list[int]:
        """Return the cells' numbers of ``glyphs`` in ``faces``; KeyError for a glyph out of the alphabet."""
        numbers, count = self.numbers, len(self.numbers)
        return [1 + face * count + numbers[glyph] for face, glyph in zip(faces, glyphs, strict=True)]

    def starts(self, cells: Sequence[int]) -> Starts:
        """Return where cells begin."""
        return np.array(cells, np.int32) * np.int32(self.side * self.side)


def fetch(texels: Indices, stride: int, starts: Starts, place: Places) -> Indices:
    """Read one texel a pixel from rows of ``stride`` texels, each tile from its start on.

    The places are written over: what is not allocated does not push the rest out of the processor's cache, which is a tenth
    of this function's time.
    """
    index = np.multiply(place[:, 1], np.int32(stride), out=place[:, 1])
    index += place[:, 0]
    index += starts[:, None, None]
    return texels.take(index, mode=IN_RANGE)


def cell_side(glyph_pixels: float) -> int:
    """Return a cell's side for glyphs of a size on screen: 1.2 texels a pixel, fewer in the largest.

    It is an odd multiple of 8: rows of a cell, and those of a bed of six cells, then begin on all cache sets alike. A cell of
    256 took a third more time than one of 248.
    """
    side = int(glyph_pixels * TEXELS / INK_SHARE) // 16 * 16 + 8
    return min(max(side, _SMALLEST_CELL), _LARGEST_CELL)


def build_atlas(
    typefaces: Sequence[Path],
    alphabet: str,
    *,
    side: int,
    pen: Pen,
    inks: tuple[Ink, ...] = ("filled",),
    natural: bool = False,
) -> Atlas:
    """Rasterise ``alphabet`` in each ink and typeface, or return the atlas made before.

    A server has five, of the grid and of four looks of a line; the last sixteen of a process are kept.

    Raises:
        Misconfigured: a typeface cannot be read or lacks a glyph, or there are too many.
    """
    if len(inks) * len(typefaces) * len(alphabet) * side**2 > _LARGEST_ATLAS:
        count = f"{len(typefaces)} typefaces of {len(alphabet)} characters"
        raise Misconfigured(f"{count} take too much memory: name fewer of either.")
    with _building:  # without it, threads that start together would all build the same atlas
        return _build(tuple(typefaces), alphabet, side, pen, inks, natural)


@lru_cache(maxsize=16)
def _build(
    typefaces: tuple[Path, ...], alphabet: str, side: int, pen: Pen, inks: tuple[Ink, ...], natural: bool
) -> Atlas:
    size = round(side * INK_SHARE)
    count = len(typefaces) * len(alphabet)
    texels = np.zeros((len(inks) * count + 2, side, side), np.uint8)
    margin = min(pen.margin, (side - size) // 2)
    for face, file in enumerate(typefaces):
        glyphs = rasterise(file, alphabet)
        for number, mask in enumerate(glyphs.masks):
            coverage = _coverage(mask, glyphs.factor(mask, size, natural=natural), margin)
            left, top = ((side - length) // 2 for length in coverage.size)
            within = slice(top, top + coverage.height), slice(left, left + coverage.width)
            for layer, ink in enumerate(inks):
                cell = 1 + layer * count + face * len(alphabet) + number
                texels[cell][within] = lay(ink, coverage, replace(pen, light=face % len(LIGHTS)))
    texels.setflags(write=False)
    numbers = {glyph: number for number, glyph in enumerate(alphabet)}
    return Atlas(texels.reshape(-1), side, size, len(typefaces), numbers)


def _coverage(mask: Image.Image, factor: float, margin: int) -> Image.Image:
    """Return a mask at another size, with a margin all around."""
    width, height = (max(1, round(side * factor)) for side in mask.size)
    coverage = Image.new("L", (width + 2 * margin, height + 2 * margin))
    coverage.paste(mask.resize((width, height), Image.Resampling.BICUBIC), (margin, margin))
    return coverage
