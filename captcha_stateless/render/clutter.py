"""Clutter: what stands behind a line of text and what runs across it, by its look."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np

from captcha_stateless.render.atlas import INK_SHARE, build_atlas
from captcha_stateless.render.chance import Words
from captcha_stateless.render.crowd import crowd, marked
from captcha_stateless.render.families import LINE_GROUND
from captcha_stateless.render.inks import INDEX_BITS, Indices, Pen
from captcha_stateless.render.looks import Look
from captcha_stateless.render.plane import WINDOW_WORDS, Plane, gaps, strokes, texture
from captcha_stateless.render.small import small_letters
from captcha_stateless.render.warp import Warp, build_warp

#: Words of chance that clutter takes of a line's row.
CLUTTER_WORDS = 2 * WINDOW_WORDS
_BEHIND, _ACROSS = slice(0, WINDOW_WORDS), slice(WINDOW_WORDS, CLUTTER_WORDS)
#: A small letter's tile, as a share of the shorter side, and its least, in pixels.
_SMALL_TILE, _SMALLEST_TILE = 0.2, 12
#: A foreign contour's size against a character's, and the least side of its cell.
_FOREIGN, _SMALLEST_CELL = 0.75, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What clutter is made for: the characters' look, warp, pen and typefaces, and lengths in pixels.

    ``tile`` is the side of a character's tile in a text of common length.
    """

    look: Look
    warp: Warp
    pen: Pen
    typefaces: Sequence[Path]
    secret: bytes
    height: int
    width: int
    tile: int


class Clutter(Protocol):
    """Holds planes, of which a line shows a window each; any number of threads may call it at once."""

    def glyphs(self, tiles: Indices) -> Indices:
        """Make (tiles, side, side) characters ready to be written over each other, the greater index showing."""

    def lay(self, pictures: Indices, words: Words, *, behind: bool, across: bool) -> None:
        """Lay clutter into (pictures, height, width) of written text, changed in place, by (pictures, 4) random words."""


class Blots:
    """Soft blobs and small letters behind; thin lines and dots across, ink on blank, and blank on ink."""

    def __init__(self, scene: Scene) -> None:
        """Draw the planes."""
        look, secret, height, width = scene.look, scene.secret, scene.height, scene.width
        grain = min(height, width)
        warp = build_warp(scene.warp.atlas, look.behind, secret)
        tile = max(_SMALLEST_TILE, round(grain * _SMALL_TILE))
        letters = small_letters(secret, warp, look.behind.tones, height, width, tile)
        ground = np.maximum(letters, texture(LINE_GROUND, secret, height, width, grain / 5))
        self._behind = Plane(ground, height, width)
        self._across = Plane(strokes(look.family, secret, height, width, grain * 0.7), height, width)

    def glyphs(self, tiles: Indices) -> Indices:
        """Take them as they are."""
        return tiles

    def lay(self, pictures: Indices, words: Words, *, behind: bool, across: bool) -> None:
        """Cross the text, which holds no ground yet, and then lay the ground under it."""
        if across:
            self._across.cross(pictures, words[:, _ACROSS])
        if behind:
            self._behind.merge(pictures, words[:, _BEHIND])


class Contours:
    """Foreign contours behind, which the characters hide, and gaps across, which interrupt every contour alike."""

    def __init__(self, scene: Scene) -> None:
        """Draw the planes."""
        family, secret, height, width = scene.look.behind, scene.secret, scene.height, scene.width
        atlas = scene.warp.atlas
        side = max(_SMALLEST_CELL, round(atlas.side * _FOREIGN) // 8 * 8)
        alphabet = "".join(atlas.numbers)
        smaller = build_atlas(scene.typefaces, alphabet, side=side, pen=scene.pen, inks=family.inks)
        warp, tile = build_warp(smaller, family, secret), round(scene.tile * side * INK_SHARE / atlas.ink)
        apart = scene.tile / math.sqrt(family.foreign)
        foreign = crowd(warp, len(family.inks), secret, height, width, tile, apart)
        self._behind = Plane(foreign, height, width)
        cuts = gaps(scene.look.family, secret, height, width, scene.tile)
        self._across = Plane(cuts, height, width)

    def glyphs(self, tiles: Indices) -> Indices:
        """Mark them, so that they hide what lies behind; of two that lap, both contours show."""
        return marked(tiles)

    def lay(self, pictures: Indices, words: Words, *, behind: bool, across: bool) -> None:
        """Lay the crowd under the text, and then cut both."""
        if behind:
            self._behind.merge(pictures, words[:, _BEHIND])
        pictures &= np.uint8(INDEX_BITS)
        if across:
            self._across.cut(pictures, words[:, _ACROSS])


#: By the look's name.
CLUTTERS: Mapping[str, Callable[[Scene], Clutter]] = MappingProxyType({"outline": Contours, "clear": Blots})
