"""The atlas: every glyph of every typeface, rasterised once, as palette indices in square cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render.inks import LIGHTS, Indices, Ink, Pen, lay
from captcha_stateless.render.typefaces import open_typeface

#: How numpy takes what is known to be there (``Atlas.reach``): to look first would cost a fifth more.
IN_RANGE: Final = "clip"
#: The square that holds a glyph's ink, as a share of its cell; the rest is blank (see ``Atlas.reach``).
INK_SHARE = 7 / 16
#: Pixels of a mask for each texel of a cell.
OVERSAMPLING = 4
_SMALLEST_CELL, _LARGEST_CELL = 72, 248
#: Texels a pixel: at 1.8, three times the memory, tiles look the same.
TEXELS = 1.2
#: Ink of a glyph that is small by nature (a dot, a dash) counts as at least this share of a capital's height.
_SMALLEST_INK = 0.7
#: No typeface has a glyph for this noncharacter (Unicode 16, 23.7): it shows what a missing one shows.
_MISSING = "\uffff"
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
    for face, file in enumerate(typefaces):
        for number, mask in enumerate(_masks(file, alphabet, size * OVERSAMPLING, natural=natural)):
            for layer, ink in enumerate(inks):
                cell = 1 + layer * count + face * len(alphabet) + number
                texels[cell] = lay(ink, centred(mask, side), replace(pen, light=face % len(LIGHTS)))
    texels.setflags(write=False)
    numbers = {glyph: number for number, glyph in enumerate(alphabet)}
    return Atlas(texels.reshape(-1), side, size, len(typefaces), numbers)


def centred(mask: Image.Image, side: int) -> Image.Image:
    """Return (side, side) of coverage with the oversampled glyph in its middle."""
    large = Image.new("L", (side * OVERSAMPLING, side * OVERSAMPLING))
    large.paste(mask, ((large.width - mask.width) // 2, (large.height - mask.height) // 2))
    return large.reduce(OVERSAMPLING)


def glyph_masks(file: Path, alphabet: str, ink: int) -> list[Image.Image]:
    """Return each glyph's coverage in a typeface, cropped to its ink, no side longer than ``ink`` pixels."""
    return _masks(file, alphabet, ink, natural=False)


def _masks(file: Path, alphabet: str, ink: int, *, natural: bool) -> list[Image.Image]:
    """Return each glyph's coverage, cropped to its ink, no side longer than ``ink`` pixels."""
    face = open_typeface(file, ink)
    missing = _mask(face, _MISSING)
    capital = _mask(face, "H")
    floor = ink if natural else max(1, round((capital.height if capital else ink) * _SMALLEST_INK))
    return [_fitted(file, face, glyph, missing, ink, floor) for glyph in alphabet]


def _fitted(
    file: Path, face: ImageFont.FreeTypeFont, glyph: str, missing: Image.Image | None, ink: int, floor: int
) -> Image.Image:
    mask = _mask(face, glyph)
    if mask is None or mask == missing:
        raise Misconfigured(f"{file.name} has no glyph for {glyph!r}: change the alphabet or the typeface.")
    em = ink * ink / max(*mask.size, floor)
    fitted = _mask(open_typeface(file, int(em)), glyph)
    assert fitted is not None  # the glyph was there a line ago
    fitted.thumbnail((ink, ink))  # a pixel of rounding at most
    return fitted


def _mask(face: ImageFont.FreeTypeFont, glyph: str) -> Image.Image | None:
    left, top, right, bottom = (int(edge) for edge in face.getbbox(glyph))
    mask = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(mask).text((-left, -top), glyph, font=face, fill=255)
    ink = mask.getbbox()  # the face's own box also counts the blank on either side
    return mask.crop(ink) if ink else None
