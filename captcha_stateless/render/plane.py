"""The plane: a large picture of texture and strokes, of which each tile shows a random window."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from captcha_stateless.render.atlas import INDICES
from captcha_stateless.render.chance import Words, draw_bytes, draw_uniform, scaled
from captcha_stateless.render.families import Family

#: Words of chance that a window takes.
WINDOW_WORDS = 2
#: How much larger than a window a plane is, in pixels: one of 384^2 windows is shown.
_ROOM = 384
_OVERSAMPLING = 3
_STEPS = 24


@dataclass(frozen=True, slots=True)
class Plane:
    """Palette indices, (height, width) of a window plus room to move it."""

    indices: NDArray[np.uint8]

    def window(self, words: Words, height: int, width: int) -> NDArray[np.uint8]:
        """Return the (height, width) window that two words choose; a view, not to be written to."""
        row, column = scaled(words, _ROOM)
        return self.indices[row : row + height, column : column + width]

    def merge(self, tiles: NDArray[np.uint8], words: Words) -> None:
        """Lay a window behind each of (tiles, height, width) palette indices: the greater index shows."""
        places = scaled(words, _ROOM).tolist()
        height, width = tiles.shape[1:]
        for tile, (row, column) in zip(tiles, places, strict=True):
            np.maximum(tile, self.indices[row : row + height, column : column + width], out=tile)


def texture(family: Family, secret: bytes, height: int, width: int, grain: float) -> Plane:
    """Draw soft blobs, about ``grain`` pixels wide, in the family's tones."""
    rows, columns = height + _ROOM, width + _ROOM
    coarse = (round(rows / grain), round(columns / grain))
    noise = draw_bytes(secret, "texture", coarse[0] * coarse[1]).reshape(coarse)
    soft = np.asarray(Image.fromarray(noise).resize((columns, rows), Image.Resampling.BICUBIC))
    # Equal shares of every tone: cut at quantiles, whatever contrast the interpolation left.
    cuts = np.quantile(soft, [tone / family.tones for tone in range(1, family.tones)])
    return _plane(np.digitize(soft, cuts))


def strokes(family: Family, secret: bytes, height: int, width: int, tile: float) -> Plane:
    """Draw curved lines at the density and width that the family wants for tiles of ``tile`` pixels."""
    rows, columns = height + _ROOM, width + _ROOM
    canvas = Image.new("L", (columns * _OVERSAMPLING, rows * _OVERSAMPLING))
    pen = ImageDraw.Draw(canvas)
    count = round(family.strokes * rows * columns / tile**2)
    for chance in draw_uniform(secret, "strokes", count, 5):
        _stroke(pen, canvas, chance, tile * _OVERSAMPLING, family.stroke_width)
    steps = round((INDICES - family.tones) * family.stroke_tone)
    level = np.rint(np.asarray(canvas.reduce(_OVERSAMPLING)) / 255 * steps)
    return _plane(np.where(level > 0, level + family.tones - 1, 0))


def merged(first: Plane, second: Plane) -> Plane:
    """Return one plane that shows the greater index of two."""
    return _plane(np.maximum(first.indices, second.indices))


def _stroke(
    pen: ImageDraw.ImageDraw, canvas: Image.Image, chance: NDArray[np.float64], tile: float, width: float
) -> None:
    x, y = chance[0] * canvas.width, chance[1] * canvas.height
    heading, curl = 2 * math.pi * chance[2], (chance[3] - 0.5) * 0.16
    points = []
    for step in range(_STEPS):
        points.append((x, y))
        x += math.cos(heading + curl * step) * tile / _STEPS
        y += math.sin(heading + curl * step) * tile / _STEPS
    pen.line(points, fill=255, width=max(2, round(tile * width * (0.8 + 0.4 * chance[4]))), joint="curve")


def _plane(indices: NDArray[np.generic]) -> Plane:
    bytes_ = indices.astype(np.uint8)
    bytes_.setflags(write=False)
    return Plane(bytes_)
