"""The bed: a large sheet of foreign glyphs, of which each tile shows a place behind its own glyph.

A bed is made of the same texels, by the same pen, as the glyphs in front of it, and is seen through the same warp:
so neither the width of a line nor its softness or grain tells what is in front from what is behind. A glyph in front
is whole, and its inside hides the bed (``CLEARS``); within the bed, later glyphs hide earlier ones alike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from captcha_stateless.render.atlas import Atlas, Starts
from captcha_stateless.render.chance import Words, draw_uniform, scaled
from captcha_stateless.render.families import Family
from captcha_stateless.render.glyphs import rasterise
from captcha_stateless.render.inks import INDEX_BITS, LIGHTS, Indices, Ink, Pen, lay

#: Words of chance that a tile's place takes.
BED_WORDS = 2
#: The bed's sides, in cells.
_CELLS = 6
#: Sizes of foreign glyphs against the one in front.
_SMALLEST, _LARGEST = 0.38, 0.72
#: A glyph lies so often on a bed, each time a quarter turn further: that is drawn sooner than as many others.
_OFTEN = 8
#: Pixels of a turned mask for each texel.
_OVERSAMPLING = 2
_building = Lock()
#: Masks, and what their sides are to be multiplied by.
_Stock: TypeAlias = Sequence[tuple[Image.Image, float]]


@dataclass(frozen=True, slots=True)
class Bed:
    """Sheets of (side, side) palette indices in one flat array, one sheet for each ink; never written to.

    A warp may read up to ``reach`` texels from the place of a glyph's centre.
    """

    texels: Indices
    side: int
    reach: int

    def centres(self, inks: Sequence[int], words: Words) -> Starts:
        """Choose where in ``texels`` the centres of glyphs come to lie.

        Args:
            inks: which sheet, for each tile.
            words: (tiles, 2) random words.
        """
        down, right = self.reach + scaled(words, self.side - 2 * self.reach).T
        centres: Starts = ((np.array(inks) * self.side + down) * self.side + right).astype(np.int32)
        return centres

    def around(self, centre: int, reach: int) -> Indices:
        """Show the bed as far as ``reach`` around a centre, (2 * reach, 2 * reach)."""
        row, column = divmod(centre, self.side)
        sheets = self.texels.reshape(-1, self.side)
        return sheets[row - reach : row + reach, column - reach : column + reach]


def build_bed(atlas: Atlas, typefaces: Sequence[Path], family: Family, pen: Pen, secret: bytes) -> Bed:
    """Draw the bed that the secret chooses, or return the one drawn before; the last four are kept."""
    window = atlas.ink / family.fill
    with _building:
        return _build(
            tuple(typefaces),
            "".join(atlas.numbers),
            (atlas.side, atlas.ink, int(atlas.reach) + 1),
            family.foreign / window**2,
            family.inks,
            pen,
            secret,
        )


@lru_cache(maxsize=4)
def _build(
    typefaces: tuple[Path, ...],
    alphabet: str,
    lengths: tuple[int, int, int],
    density: float,
    inks: tuple[Ink, ...],
    pen: Pen,
    secret: bytes,
) -> Bed:
    cell, ink, reach = lengths
    side = _CELLS * cell
    faces = [rasterise(file, alphabet) for file in typefaces]
    stock = [(mask, face.factor(mask, ink)) for face in faces for mask in face.masks]
    sheets = np.zeros((len(inks), side, side), np.uint8)
    for sheet, name in zip(sheets, inks, strict=True):
        chances = draw_uniform(secret, f"bed {name}", round(density * side**2), 6)
        for first in range(0, len(chances), _OFTEN):
            glyph = _drawn(name, stock, pen, chances[first, :4])
            turned = [np.rot90(glyph, turn) for turn in range(4)]
            for turn, chance in enumerate(chances[first : first + _OFTEN]):
                _add(sheet, turned[turn % 4], chance[4:])
    sheets.setflags(write=False)
    return Bed(sheets.reshape(-1), side, reach)


def _drawn(ink: Ink, stock: _Stock, pen: Pen, chance: NDArray[np.float64]) -> Indices:
    """Draw one of the glyphs, turned any way and small."""
    mask, factor = stock[int(chance[0] * len(stock))]
    size = factor * (_SMALLEST + (_LARGEST - _SMALLEST) * chance[1])
    return lay(ink, _posed(mask, size, pen, chance[2]), replace(pen, light=int(chance[3] * len(LIGHTS))))


def _add(sheet: Indices, glyph: Indices, chance: NDArray[np.float64]) -> None:
    """Put a glyph somewhere on the sheet, in front of those that lie there."""
    size = len(glyph)
    top, left = (int(share * (len(sheet) + size)) for share in chance)  # on the padded sheet
    rows = slice(max(top - size, 0), min(top, len(sheet)))
    columns = slice(max(left - size, 0), min(left, len(sheet)))
    over = glyph[rows.start - top + size : rows.stop - top + size]
    over = over[:, columns.start - left + size : columns.stop - left + size]
    under = sheet[rows, columns]
    np.maximum(under, over, out=under)
    under &= INDEX_BITS  # a mark, by which what lies below has just lost


def _posed(mask: Image.Image, size: float, pen: Pen, chance: float) -> Image.Image:
    """Return coverage in a square, ``size`` texels for a pixel of the mask and turned any way, with room for the contour.

    The nearest pixel is taken, which Pillow finds in whole numbers: so it is the same one on any processor.
    """
    side = (math.ceil(math.hypot(*mask.size) * size) + 2 * pen.margin) * _OVERSAMPLING
    step = 1 / (size * _OVERSAMPLING)
    across, down = (round(step * wave(2 * math.pi * chance), 9) for wave in (math.cos, math.sin))
    left = mask.width / 2 - (across - down) * side / 2
    top = mask.height / 2 - (down + across) * side / 2
    turn = (across, -down, left, down, across, top)
    return mask.transform((side, side), Image.Transform.AFFINE, turn).reduce(_OVERSAMPLING)
