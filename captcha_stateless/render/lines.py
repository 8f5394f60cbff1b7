"""The renderer of lines of text: several glyphs a picture."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render.atlas import INK_SHARE, build_atlas, cell_side
from captcha_stateless.render.chance import Words, draw_words, scaled
from captcha_stateless.render.checks import check_alphabet, check_side
from captcha_stateless.render.clutter import CLUTTER_WORDS, CLUTTERS, Scene
from captcha_stateless.render.colours import build_palettes
from captcha_stateless.render.deflate import Deflate, deflate_small
from captcha_stateless.render.deflate import deflate as deflate_flat
from captcha_stateless.render.inks import Indices, Pen
from captcha_stateless.render.looks import LOOKS
from captcha_stateless.render.png import bits_for, build_heads, encode
from captcha_stateless.render.warp import WARP_WORDS, build_warp, sample_basis

_SMALLEST, _LARGEST = 32, 1024
_PALETTES = 512
#: Longest text that a line holds.
LONGEST = 12
#: A text of common length, by which lengths are chosen that do not change with it.
_COMMON = 6
#: A character's tile takes at most this share of the height, so that characters can stand off the line.
_TILE_HEIGHT = 0.86
#: Blank space left and right of the text, at least, as a share of the picture's width.
_EDGE = 0.012
#: Rows of a tile for each one that is looked at to see where neighbours meet.
_EVERY = 8
#: How far characters stand above and below each other, at most, as a share of a tile.
_WIDEST_WOBBLE = 0.25
#: A contour thinner than so many pixels falls to pieces.
_THINNEST = 2.2
# Words of chance: a row for each character, after them one for the whole line.
_FACE, _WOBBLE, _LAP = range(WARP_WORDS, WARP_WORDS + 3)
_PALETTE, _LEFT, _TOP = range(CLUTTER_WORDS, CLUTTER_WORDS + 3)
LINE_WORDS = _TOP + 1

Theme: TypeAlias = Literal["light", "dark"]
#: Of each theme's characters.
_INKS: dict[Theme, Literal["dark", "light"]] = {"light": "dark", "dark": "light"}


class LineRenderer:
    """Draws lines of one size; the same arguments give the same pixels on every replica.

    Holds the atlas (shared by all renderers of a process that need the same one), tables, planes, palettes:
    25 MB for the default typefaces, 40 glyphs and 600x200 pixels. Any number of threads may call it at
    once: a call writes only to what it made.

    Raises:
        Misconfigured: the width, height, alphabet or a typeface cannot be drawn.
    """

    def __init__(
        self,
        *,
        alphabet: str,
        typefaces: Sequence[Path],
        width: int,
        height: int,
        secret: bytes,
        look: str = "outline",
        deflate: Deflate | None = None,
    ) -> None:
        check_alphabet(alphabet)
        check_side("width", width, 2 * _SMALLEST, _LARGEST)
        check_side("height", height, _SMALLEST, _LARGEST)
        if not typefaces:
            raise Misconfigured("There is no typeface: name one or more.")
        if look not in LOOKS:
            raise Misconfigured(f"There is no look {look!r} of text: choose one of {', '.join(LOOKS)}.")
        self._look, family = LOOKS[look], LOOKS[look].family
        self._width, self._height = width, height
        self._drawn = family.pen > 0
        side = cell_side(self._tile(4) * family.fill * self._look.detail)
        self._atlas = build_atlas(typefaces, alphabet, side=side, pen=self._pen(side), inks=family.inks)
        self._warp = build_warp(self._atlas, family, secret)
        self._bases = [sample_basis(self._tile(length)) for length in range(1, LONGEST + 1)]
        scene = Scene(
            look=self._look,
            warp=self._warp,
            pen=self._pen(side),
            typefaces=typefaces,
            secret=secret,
            height=height,
            width=width,
            tile=self._tile(_COMMON),
        )
        self._clutter = CLUTTERS[look](scene)
        self._deflate = deflate or (deflate_small if self._drawn else deflate_flat)
        self._bits = bits_for(family.indices, width)
        self._heads: dict[Theme, list[bytes]] = {
            theme: build_heads(
                width,
                height,
                build_palettes(secret, _PALETTES, family.tones, ink, indices=family.indices),
            )
            for theme, ink in _INKS.items()
        }

    def line(
        self,
        text: str,
        seed: bytes,
        *,
        theme: Theme = "light",
        background_noise: bool = True,
        foreground_noise: bool = True,
    ) -> bytes:
        """Draw ``text`` as one PNG, width x height pixels, with a palette.

        Args:
            text: 1 to 12 characters of the alphabet; KeyError for others, ValueError for more or none.
            seed: the only source of chance.
            theme: ``light`` is dark ink on a pale ground, ``dark`` the reverse.
            background_noise: what the look has behind the text: foreign contours, or soft blobs and small letters.
            foreground_noise: what it has across the text: gaps, or thin lines and dots.
        """
        if not 0 < len(text) <= LONGEST:
            raise ValueError(f"a line holds 1 to {LONGEST} characters, not {len(text)}")
        words = draw_words(seed, len(text) + 1, LINE_WORDS)
        canvas = self.indices(text, words, background_noise, foreground_noise)
        head = self._head(theme, words[-1])
        return encode(canvas[None], [head], self._deflate, up=not self._drawn, bits=self._bits)[0]

    def indices(self, text: str, words: Words, background_noise: bool, foreground_noise: bool) -> Indices:
        """Draw palette indices, (height, width), from (characters + 1, 7) random words."""
        canvas = np.zeros((self._height, self._width), np.uint8)
        self._write(canvas, text, words)
        self._clutter.lay(canvas[None], words[-1:], behind=background_noise, across=foreground_noise)
        return canvas

    def characters(self, text: str, words: Words) -> Indices:
        """Draw each character's palette indices, (characters, tile, tile), before they are placed."""
        faces = scaled(words[:-1, _FACE], self._atlas.faces * len(self._look.family.inks)).tolist()
        cells = self._atlas.cells(faces, text)
        tiles = self._warp.texels(cells, words[:-1, :WARP_WORDS], self._bases[len(text) - 1])
        return self._clutter.glyphs(tiles)

    def _head(self, theme: Theme, words: Words) -> bytes:
        heads = self._heads[theme]
        return heads[int(words[_PALETTE]) * len(heads) >> 16]

    def _tile(self, length: int) -> int:
        """Return the side of one character's tile, in pixels."""
        advance = self._width / (length / self._look.width + 0.3) / self._look.family.fill
        return int(min(self._height * _TILE_HEIGHT, advance, self._width * (1 - 4 * _EDGE)))

    def _pen(self, side: int) -> Pen:
        """Return the pen for an atlas's cells: no contour is thinner than may be in a text of common length."""
        family, tile = self._look.family, self._tile(_COMMON)
        width = max(family.pen, _THINNEST / tile) if self._drawn else 0.0
        width *= round(side * INK_SHARE) / family.fill
        return Pen(family.tones, width=width, indices=family.indices)

    def _write(self, canvas: Indices, text: str, words: Words) -> None:
        tiles = self.characters(text, words)
        tops = self._tops(words, len(tiles[0]))
        firsts, widths = _ink_columns(tiles)
        lefts = self._lefts(_steps(tiles, tops), firsts.tolist(), widths.tolist(), words)
        for tile, first, width, left, top in zip(
            tiles, firsts.tolist(), widths.tolist(), lefts, tops.tolist(), strict=True
        ):
            under = canvas[top : top + len(tile), left : left + width]
            np.maximum(under, tile[:, first : first + width], out=under)

    def _lefts(self, steps: list[int], firsts: list[int], widths: list[int], words: Words) -> list[int]:
        """Return where each character's ink begins: lapping a little, the whole line somewhere inside."""
        least, most = (round(share * self._tile(len(widths))) for share in self._look.laps)
        laps = least + scaled(words[:-1, _LAP], most - least + 1)
        lefts = [0]
        for number, (step, lap) in enumerate(zip(steps, laps.tolist(), strict=False)):
            here, there = widths[number : number + 2]
            beside = here - int(min(here, there) * self._look.deepest)
            lefts.append(lefts[-1] + max(step + firsts[number + 1] - firsts[number] - lap, beside))
        return self._fitted(lefts, widths, int(words[-1, _LEFT]))

    def _fitted(self, lefts: list[int], widths: list[int], chance: int) -> list[int]:
        """Move the line somewhere inside the picture; where it is too long, all lap a little more."""
        edge = math.ceil(self._width * _EDGE)
        room = self._width - 2 * edge
        spare = room - max(left + width for left, width in zip(lefts, widths, strict=True))
        if spare >= 0:
            return [edge + left + (spare * chance >> 16) for left in lefts]
        squeezed = [left + spare * number // (len(lefts) - 1) for number, left in enumerate(lefts)]
        return [edge + max(0, min(left, room - width)) for left, width in zip(squeezed, widths, strict=True)]

    def _tops(self, words: Words, tile: int) -> NDArray[np.intp]:
        """Return where each tile's upper edge lies: the line somewhere inside, characters a little off it."""
        free = self._height - tile
        wobble = min(free, round(_WIDEST_WOBBLE * tile))
        return scaled(words[-1:, _TOP], free - wobble + 1) + scaled(words[:-1, _WOBBLE], wobble + 1)


def _steps(tiles: Indices, tops: NDArray[np.intp]) -> list[int]:
    """Return how far each tile after the first must lie behind the one before for their ink just to touch.

    Looked at in every eighth row, which misses two or three pixels of a slanted edge.
    """
    side = tiles.shape[2]
    inked = tiles[:, ::_EVERY] > 0
    begins, ends = inked.argmax(2), side - inked[:, :, ::-1].argmax(2)
    blank = (begins == 0) & ~inked[:, :, 0]
    begins[blank], ends[blank] = side, 0
    steps = []
    for number, down in enumerate(((tops[1:] - tops[:-1]) // _EVERY).tolist()):
        end = ends[number, max(down, 0) :]
        begin = begins[number + 1, max(-down, 0) :]
        rows = min(len(end), len(begin))
        steps.append(int((end[:rows] - begin[:rows]).max(initial=-side)))
    return steps


def _ink_columns(tiles: Indices) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return each tile's first column with ink, and how many columns its ink spans."""
    inked = tiles.max(1) > 0
    firsts = inked.argmax(1)
    return firsts, inked.shape[1] - inked[:, ::-1].argmax(1) - firsts
