"""The atlas: every glyph of every typeface, rasterised once, as palette indices in square cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render.typefaces import open_typeface

#: Pixels or texels by the number of their colour.
Indices: TypeAlias = NDArray[np.uint8]

#: Palette indices of a 4-bit PNG.
INDICES = 16
#: The square that holds a glyph's ink, as a share of its cell; the rest is blank (see ``Atlas.reach``).
INK_SHARE = 7 / 16
_OVERSAMPLING = 4
_SMALLEST_CELL, _LARGEST_CELL = 64, 256
#: Ink of a glyph that is small by nature (a dot, a dash) counts as at least this share of a capital's height.
_SMALLEST_INK = 0.7
#: No typeface has a glyph for this noncharacter (Unicode 16, 23.7): it shows what a missing one shows.
_MISSING = "\uffff"
#: 128 MB: a typical atlas takes a tenth of it, and texels must be counted by 31 bits.
_LARGEST_ATLAS = 2**27
_building = Lock()


@dataclass(frozen=True, slots=True)
class Atlas:
    """Cells of palette indices in one flat array, shared by all renderers of a process and never written to.

    Index 0 is blank; ``INDICES`` - 1 is full ink; the ``tones`` - 1 indices above 0 are left to the ground.
    The first and the last cell are blank, and so are wide margins, so that a warp may read past a cell's edge
    without a test.
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

    def cells(self, faces: NDArray[np.intp], glyphs: Sequence[str]) -> NDArray[np.intp]:
        """Return the cells' numbers of ``glyphs`` in ``faces``; KeyError for a glyph out of the alphabet."""
        numbers = np.array([self.numbers[glyph] for glyph in glyphs], np.intp)
        return 1 + faces * len(self.numbers) + numbers


def cell_side(glyph_pixels: float) -> int:
    """Return a cell's side for glyphs of a size on screen: 1.8 texels a pixel, fewer in the largest."""
    side = int(glyph_pixels * 1.8 / INK_SHARE) // 16 * 16
    return min(max(side, _SMALLEST_CELL), _LARGEST_CELL)


def build_atlas(typefaces: Sequence[Path], alphabet: str, *, side: int, tones: int, natural: bool) -> Atlas:
    """Rasterise ``alphabet`` in each typeface, or return the atlas made before; the last four are kept.

    Raises:
        Misconfigured: a typeface cannot be read or lacks a glyph, or there are too many.
    """
    if len(typefaces) * len(alphabet) * side**2 > _LARGEST_ATLAS:
        count = f"{len(typefaces)} typefaces of {len(alphabet)} characters"
        raise Misconfigured(f"{count} take too much memory: name fewer of either.")
    with _building:  # without it, threads that start together would all build the same atlas
        return _build(tuple(typefaces), alphabet, side, tones, natural)


@lru_cache(maxsize=4)
def _build(typefaces: tuple[Path, ...], alphabet: str, side: int, tones: int, natural: bool) -> Atlas:
    ink = round(side * INK_SHARE)
    texels = np.zeros((len(typefaces) * len(alphabet) + 2, side, side), np.uint8)
    for face, file in enumerate(typefaces):
        for number, mask in enumerate(_masks(file, alphabet, ink * _OVERSAMPLING, natural=natural)):
            texels[1 + face * len(alphabet) + number] = _indices(_cell(mask, side), tones)
    texels.setflags(write=False)
    numbers = {glyph: number for number, glyph in enumerate(alphabet)}
    return Atlas(texels.reshape(-1), side, ink, len(typefaces), numbers)


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


def _cell(mask: Image.Image, side: int) -> NDArray[np.uint8]:
    """Return a (side, side) cell of coverage, 0 to 255, with the glyph in its middle and a soft edge."""
    large = Image.new("L", (side * _OVERSAMPLING, side * _OVERSAMPLING))
    large.paste(mask, ((large.width - mask.width) // 2, (large.height - mask.height) // 2))
    soft = np.asarray(large.reduce(_OVERSAMPLING).filter(ImageFilter.GaussianBlur(1.3)), np.uint16)
    # Thin strokes, which the blur weakens, shall reach the glyph's colour too: contrast is promised for that.
    full = int(soft.max()) * 4 // 5
    solid: NDArray[np.uint8] = np.minimum(soft * np.uint16(255) // np.uint16(full), 255).astype(np.uint8)
    return solid


def _indices(coverage: NDArray[np.uint8], tones: int) -> NDArray[np.uint8]:
    """Map coverage (0 to 255) to 0 and the indices from ``tones`` to 15."""
    steps = INDICES - tones
    level = (coverage.astype(np.uint16) * steps + 127) // 255
    return np.where(level > 0, level + tones - 1, 0).astype(np.uint8)
