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

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from captcha_stateless.render.atlas import OVERSAMPLING, Atlas, Starts, glyph_masks
from captcha_stateless.render.chance import Words, draw_uniform, scaled
from captcha_stateless.render.families import Family
from captcha_stateless.render.inks import CLEARS, INDEX_BITS, LIGHTS, Indices, Ink, Pen, lay

#: Words of chance that a tile's place takes.
BED_WORDS = 2
#: The bed's sides, in cells.
_CELLS = 6
#: Sizes of foreign glyphs against the one in front.
_SMALLEST, _LARGEST = 0.38, 0.72
#: Pixels of a turned mask for each texel.
_OVERSAMPLING = 2
_building = Lock()


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
    masks = [mask for file in typefaces for mask in glyph_masks(file, alphabet, ink * OVERSAMPLING)]
    sheets = np.zeros((len(inks), side, side), np.uint8)
    for sheet, name in zip(sheets, inks, strict=True):
        for chance in draw_uniform(secret, f"bed {name}", round(density * side**2), 6):
            _add(sheet, name, masks, pen, chance)
    sheets.setflags(write=False)
    return Bed(sheets.reshape(-1), side, reach)


def _add(sheet: Indices, ink: Ink, masks: list[Image.Image], pen: Pen, chance: NDArray[np.float64]) -> None:
    """Put one more glyph somewhere on the sheet, turned and small, in front of those that lie there."""
    mask = masks[int(chance[0] * len(masks))]
    glyph = lay(ink, _posed(mask, pen, chance[1:3]), replace(pen, light=int(chance[3] * len(LIGHTS))))
    top, left = (int(share * (sheet.shape[0] + len(glyph))) for share in chance[4:])  # on the padded sheet
    size = len(glyph)
    rows = slice(max(top - size, 0), min(top, len(sheet)))
    columns = slice(max(left - size, 0), min(left, len(sheet)))
    over = glyph[rows.start - top + size : rows.stop - top + size]
    over = over[:, columns.start - left + size : columns.stop - left + size]
    under = sheet[rows, columns]
    np.copyto(under, np.where(over >= CLEARS, over & INDEX_BITS, np.maximum(under, over)))


def _posed(mask: Image.Image, pen: Pen, chance: NDArray[np.float64]) -> Image.Image:
    """Return coverage in a square, turned any way and sized, with room for the contour.

    The nearest pixel is taken, which Pillow finds in whole numbers: so it is the same one on any processor.
    """
    scale = _SMALLEST + (_LARGEST - _SMALLEST) * chance[0]
    room = math.hypot(*mask.size) * scale / (OVERSAMPLING // _OVERSAMPLING) + 4 * _OVERSAMPLING * pen.width
    side = -(-int(room) // _OVERSAMPLING) * _OVERSAMPLING
    step = (OVERSAMPLING // _OVERSAMPLING) / scale
    across, down = (round(step * wave(2 * math.pi * chance[1]), 9) for wave in (math.cos, math.sin))
    left = mask.width / 2 - (across - down) * side / 2
    top = mask.height / 2 - (down + across) * side / 2
    turn = (across, -down, left, down, across, top)
    return mask.transform((side, side), Image.Transform.AFFINE, turn).reduce(_OVERSAMPLING)
