"""Inks: how a glyph's coverage becomes palette indices, filled, as an outline, or embossed."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

#: Pixels or texels by the number of their colour.
Indices: TypeAlias = NDArray[np.uint8]
Ink: TypeAlias = Literal["filled", "outline", "swollen", "embossed"]

#: Palette indices of a 4-bit PNG, which soft ink takes; a contour needs fewer.
INDICES = 16
#: Added to the index of a texel that hides what lies behind it.
CLEARS = 16
#: Takes the mark off again, and so turns a glyph's inside into ground.
INDEX_BITS = 15
#: How much of a contour's line, 0 to 255, lies where blurred coverage is the place in this table: all of it near to
#: half. Only nothing, half and all: a fourth tone made a PNG a fifth larger, and looked the same at two dots a pixel. Half
#: of it is half a pixel wide, so that edges are smooth there.
_CONTOUR = np.zeros(256, np.uint8)
_CONTOUR[25:231], _CONTOUR[52:204] = 127, 255
#: How much bolder a swollen glyph is on either side, in widths of its pen.
_BOLDER = 0.52
#: An embossed glyph is lit from a corner, so that it shows both the upright strokes of a glyph and the level ones.
LIGHTS = ((1, 1), (1, -1), (-1, -1), (-1, 1))


@dataclass(frozen=True, slots=True)
class Pen:
    """What a glyph is inked with.

    The indices below ``tones`` are the ground's, the next ``glints`` those of an embossed glyph's lit edges.
    Of the ``indices`` the last is full ink. ``width`` is a contour's width in texels, ``softness`` the blur of a filled
    glyph's edges, ``light`` the corner (0 to 3) that an embossed glyph is lit from.
    """

    tones: int
    glints: int = 0
    width: float = 0.0
    light: int = 0
    indices: int = INDICES
    softness: float = 1.3

    @property
    def first(self) -> int:
        """The first index of ink."""
        return self.tones + self.glints

    @property
    def margin(self) -> int:
        """How far, in texels, ink may lie from the glyph that it inks: Pillow blurs by boxes, in three passes."""
        box = (math.sqrt(4 * max(self.width / 2, self.softness) ** 2 + 1) - 1) / 2
        return 3 * math.ceil(box) + math.ceil(self.width * _BOLDER)


def lay(ink: Ink, coverage: Image.Image, pen: Pen) -> Indices:
    """Ink a glyph: an ``L`` picture of its coverage becomes indices, plus ``CLEARS`` where it hides what is behind."""
    return _INKS[ink](coverage, pen)


def _filled(coverage: Image.Image, pen: Pen) -> Indices:
    soft = np.asarray(coverage.filter(ImageFilter.GaussianBlur(pen.softness)), np.uint16)
    # Thin strokes, which the blur weakens, shall reach the glyph's colour too: contrast is promised for that.
    full = max(1, int(soft.max()) * 4 // 5)
    return _ramp(np.minimum(soft * np.uint16(255) // np.uint16(full), 255), pen)


def _outline(coverage: Image.Image, pen: Pen) -> Indices:
    return _shade(pen.first, pen.indices - pen.first).take(_blurred(coverage, pen))


def _swollen(coverage: Image.Image, pen: Pen) -> Indices:
    """Draw the contour of a glyph made bolder: people see the same letter, templates do not."""
    return _outline(Image.fromarray(_spread(np.asarray(coverage), pen.width * _BOLDER)), pen)


def _embossed(coverage: Image.Image, pen: Pen) -> Indices:
    """Draw a contour dark on the side that lies in shadow, and lit on the other: whole, whatever way it runs."""
    soft = _blurred(coverage, pen)
    down, right = LIGHTS[pen.light]
    step = max(1, round(pen.width * 0.45))
    shift = (down * step, right * step)
    shaded = np.roll(soft, shift, (0, 1)) >= np.roll(soft, (-shift[0], -shift[1]), (0, 1))
    shade = _shade(pen.first, pen.indices - pen.first)
    glint = _shade(pen.tones, pen.glints)
    return np.where(shaded, shade.take(soft), glint.take(soft))


def _blurred(coverage: Image.Image, pen: Pen) -> NDArray[np.uint8]:
    return np.asarray(coverage.filter(ImageFilter.GaussianBlur(pen.width / 2)), np.uint8)


def _spread(coverage: NDArray[np.uint8], reach: float) -> NDArray[np.uint8]:
    """Return the greatest coverage within ``reach`` texels up, down and to the sides, parts of a texel included."""
    whole, part = divmod(reach, 1)
    near = _greatest(coverage, int(whole))
    far = _greatest(near, 1).astype(np.float64)
    return np.rint(near + part * (far - near)).astype(np.uint8)


def _greatest(coverage: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    """Return the greatest coverage within a square of 2 * ``reach`` + 1 texels: Pillow's ``MaxFilter``, side by side."""
    for _ in ("rows", "columns"):
        greatest = coverage.copy()
        for step in range(1, reach + 1):
            np.maximum(greatest[step:], coverage[:-step], out=greatest[step:])
            np.maximum(greatest[:-step], coverage[step:], out=greatest[:-step])
        coverage = greatest.T
    return coverage


@cache
def _shade(first: int, count: int) -> Indices:
    """Return a contour's indices by blurred coverage, the inside of a glyph marked."""
    table = _steps(_CONTOUR, first, count)
    table[128:] += CLEARS
    table.setflags(write=False)
    return table


def _ramp(strength: NDArray[np.integer], pen: Pen) -> Indices:
    """Map 0 to 255 to 0 and the indices from the first that is neither ground nor glint, to the last."""
    return _steps(strength, pen.first, pen.indices - pen.first)


def _steps(strength: NDArray[np.integer], first: int, count: int) -> Indices:
    level = (strength.astype(np.uint16) * np.uint16(count) + np.uint16(127)) // np.uint16(255)
    return np.where(level > 0, level + (first - 1), 0).astype(np.uint8)


_INKS: Mapping[Ink, Callable[[Image.Image, Pen], Indices]] = MappingProxyType(
    {"filled": _filled, "outline": _outline, "swollen": _swollen, "embossed": _embossed}
)
