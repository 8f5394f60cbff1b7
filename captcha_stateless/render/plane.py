"""The plane: a large picture of texture and strokes, of which each tile shows a random window."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from captcha_stateless.render.chance import Words, draw_bytes, draw_uniform, scaled
from captcha_stateless.render.families import Family
from captcha_stateless.render.inks import INDEX_BITS, INDICES, Indices

#: Words of chance that a window takes.
WINDOW_WORDS = 2
#: How much larger than a window a plane is, in pixels: one of 384^2 windows is shown.
ROOM = 384
_OVERSAMPLING = 3
_STEPS = 24


class Plane:
    """Holds palette indices of which any (height, width) window may show, and all those windows as a view."""

    def __init__(self, indices: Indices, height: int, width: int) -> None:
        self.indices = indices
        self._windows = sliding_window_view(indices, (height, width))

    def corners(self, words: Words) -> NDArray[np.int32]:
        """Choose where, in flat ``indices``, the windows of (tiles, 2) random words begin."""
        down, right = scaled(words, ROOM).T
        corners: NDArray[np.int32] = (down * self.indices.shape[1] + right).astype(np.int32)
        return corners

    def at(self, corner: int) -> Indices:
        """Show the window that begins there, (height, width)."""
        shown: Indices = self._windows[divmod(corner, self.indices.shape[1])]
        return shown

    def cut(self, tiles: Indices, words: Words) -> None:
        """Erase from tiles what a window says: the lesser index shows."""
        np.minimum(tiles, self._shown(words), out=tiles)

    def merge(self, tiles: Indices, words: Words) -> None:
        """Lay a window behind each of (..., height, width) palette indices: the greater index shows."""
        np.maximum(tiles, self._shown(words), out=tiles)

    def cross(self, tiles: Indices, words: Words) -> None:
        """Lay a window over tiles that hold no ground yet: ink on blank, and blank on ink."""
        over = self._shown(words)
        both = np.minimum(tiles, over)
        np.maximum(tiles, over, out=tiles)
        tiles -= both

    def _shown(self, words: Words) -> Indices:
        corners = scaled(words, ROOM)
        shown: Indices = self._windows[corners[..., 0], corners[..., 1]]
        return shown


def texture(family: Family, secret: bytes, height: int, width: int, grain: float) -> Indices:
    """Draw a plane of soft blobs, about ``grain`` pixels wide, in the family's tones."""
    rows, columns = height + ROOM, width + ROOM
    coarse = (round(rows / grain), round(columns / grain))
    noise = draw_bytes(secret, "texture", coarse[0] * coarse[1]).reshape(coarse)
    soft = np.asarray(Image.fromarray(noise).resize((columns, rows), Image.Resampling.BICUBIC))
    # Equal shares of every tone: cut at quantiles, whatever contrast the interpolation left.
    cuts = np.quantile(soft, [tone / family.tones for tone in range(1, family.tones)])
    tones: Indices = np.digitize(soft, cuts).astype(np.uint8)
    return tones


def strokes(family: Family, secret: bytes, height: int, width: int, tile: float) -> Indices:
    """Draw a plane of curved lines and dots, as dense and wide as the family wants for ``tile`` pixels."""
    canvas = _curves(secret, "strokes", height, width, tile, family.strokes, family.stroke_width)
    pen = ImageDraw.Draw(canvas)
    count = round(family.dots * (height + ROOM) * (width + ROOM) / tile**2)
    for chance in draw_uniform(secret, "dots", count, 3):
        _dot(pen, canvas, chance, tile * _OVERSAMPLING * family.dot_width)
    first = family.tones + family.glints
    level = np.rint(_share(canvas) * round((INDICES - first) * family.stroke_tone))
    return np.where(level > 0, level + first - 1, 0).astype(np.uint8)


def gaps(family: Family, secret: bytes, height: int, width: int, tile: float) -> Indices:
    """Draw a plane that is ``INDEX_BITS`` but for curved lines of nothing, where every contour is interrupted."""
    canvas = _curves(secret, "gaps", height, width, tile, family.gaps, family.gap_width)
    return np.where(_share(canvas) >= 0.5, 0, INDEX_BITS).astype(np.uint8)


def _curves(
    secret: bytes, label: str, height: int, width: int, tile: float, density: float, thickness: float
) -> Image.Image:
    """Draw curves, of which ``density`` begin in a tile, on an oversampled plane with room to move a window in."""
    rows, columns = height + ROOM, width + ROOM
    canvas = Image.new("L", (columns * _OVERSAMPLING, rows * _OVERSAMPLING))
    pen = ImageDraw.Draw(canvas)
    for chance in draw_uniform(secret, label, round(density * rows * columns / tile**2), 5):
        _stroke(pen, canvas, chance, tile * _OVERSAMPLING, thickness)
    return canvas


def _share(canvas: Image.Image) -> NDArray[np.float64]:
    """Return coverage, 0 to 1, at a plane's own size."""
    return np.asarray(canvas.reduce(_OVERSAMPLING)) / 255


def _dot(pen: ImageDraw.ImageDraw, canvas: Image.Image, chance: NDArray[np.float64], width: float) -> None:
    x, y = chance[0] * canvas.width, chance[1] * canvas.height
    radius = max(1.5, width * (0.25 + 0.25 * chance[2]))
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


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
