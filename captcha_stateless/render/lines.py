"""The renderer of lines of text: several glyphs a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render.atlas import Indices, build_atlas, cell_side
from captcha_stateless.render.chance import Words, draw_words, scaled
from captcha_stateless.render.checks import check_alphabet, check_side
from captcha_stateless.render.colours import build_palettes
from captcha_stateless.render.deflate import Deflate, deflate
from captcha_stateless.render.families import LINE
from captcha_stateless.render.plane import WINDOW_WORDS, Plane, strokes, texture
from captcha_stateless.render.png import build_heads, encode
from captcha_stateless.render.warp import WARP_WORDS, build_warp, sample_basis

_SMALLEST, _LARGEST = 32, 1024
_PALETTES = 512
#: Longest text that a line holds.
LONGEST = 12
#: A character's tile takes at most this share of the height, so that characters can stand off the line.
_TILE_HEIGHT = 0.86
#: Blank space between characters, at most, as a share of the line's height.
_WIDEST_GAP = 0.15
#: How far characters stand above and below each other, at most, as a share of a tile.
_WIDEST_WOBBLE = 0.25
# Words of chance: a row for each character, after them one for the whole line.
_FACE, _WOBBLE = WARP_WORDS, WARP_WORDS + 1
_TEXTURE, _STROKES = slice(0, WINDOW_WORDS), slice(WINDOW_WORDS, 2 * WINDOW_WORDS)
_PALETTE, _LEFT, _TOP = range(2 * WINDOW_WORDS, 2 * WINDOW_WORDS + 3)
LINE_WORDS = _TOP + 1

Theme: TypeAlias = Literal["light", "dark"]


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
        deflate: Deflate = deflate,
    ) -> None:
        check_alphabet(alphabet)
        check_side("width", width, 2 * _SMALLEST, _LARGEST)
        check_side("height", height, _SMALLEST, _LARGEST)
        if not typefaces:
            raise Misconfigured("There is no typeface: name one or more.")
        self._width, self._height, self._deflate = width, height, deflate
        grain = min(width, height)
        side = cell_side(self._tile(4) * LINE.fill)
        self._atlas = build_atlas(typefaces, alphabet, side=side, tones=LINE.tones, natural=LINE.natural)
        self._warp = build_warp(self._atlas, LINE, secret)
        self._bases = [sample_basis(self._tile(length)) for length in range(1, LONGEST + 1)]
        self._texture = Plane(texture(LINE, secret, height, width, grain / 5), height, width)
        self._strokes = Plane(strokes(LINE, secret, height, width, grain * 0.7), height, width)
        self._heads: dict[Theme, list[bytes]] = {
            "light": build_heads(width, height, build_palettes(secret, _PALETTES, LINE.tones, "dark")),
            "dark": build_heads(width, height, build_palettes(secret, _PALETTES, LINE.tones, "light")),
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
        """Draw ``text`` as one PNG, width x height pixels, 4-bit palette.

        Args:
            text: 1 to 12 characters of the alphabet; KeyError for others, ValueError for more or none.
            seed: the only source of chance.
            theme: ``light`` is dark ink on a pale ground, ``dark`` the reverse.
            background_noise: soft blobs in the ground.
            foreground_noise: strokes across the text.
        """
        if not 0 < len(text) <= LONGEST:
            raise ValueError(f"a line holds 1 to {LONGEST} characters, not {len(text)}")
        words = draw_words(seed, len(text) + 1, LINE_WORDS)
        canvas = self.indices(text, words, background_noise, foreground_noise)
        return encode(canvas[None], [self._head(theme, words[-1])], self._deflate)[0]

    def indices(self, text: str, words: Words, background_noise: bool, foreground_noise: bool) -> Indices:
        """Draw palette indices, (height, width), from (characters + 1, 7) random words."""
        canvas = np.zeros((self._height, self._width), np.uint8)
        self._write(canvas, text, words)
        if background_noise:
            self._texture.merge(canvas[None], words[-1:, _TEXTURE])
        if foreground_noise:
            self._strokes.merge(canvas[None], words[-1:, _STROKES])
        return canvas

    def _head(self, theme: Theme, words: Words) -> bytes:
        heads = self._heads[theme]
        return heads[int(words[_PALETTE]) * len(heads) >> 16]

    def _tile(self, length: int) -> int:
        """Return the side of one character's tile, in pixels."""
        advance = self._width / (length + 0.3)
        return int(min(self._height * _TILE_HEIGHT, advance / LINE.fill, self._width))

    def _write(self, canvas: Indices, text: str, words: Words) -> None:
        cells = self._atlas.cells(scaled(words[:-1, _FACE], self._atlas.faces), text)
        tiles = self._warp.texels(cells, words[:-1, :WARP_WORDS], self._bases[len(text) - 1])
        firsts, widths = _ink_columns(tiles)
        lefts = self._lefts(widths, int(words[-1, _LEFT]) / 65536).tolist()
        tops = self._tops(words, len(tiles[0])).tolist()
        for tile, first, width, left, top in zip(
            tiles, firsts.tolist(), widths.tolist(), lefts, tops, strict=True
        ):
            under = canvas[top : top + len(tile), left : left + width]
            np.maximum(under, tile[:, first : first + width], out=under)

    def _lefts(self, widths: NDArray[np.intp], chance: float) -> NDArray[np.intp]:
        """Return where each character begins: evenly spaced, the whole line somewhere inside the picture."""
        spare = self._width - int(widths.sum())
        gap = min(spare / (len(widths) + 1), _WIDEST_GAP * self._height)
        # Wide characters that are turned far may ask for more than there is: then neighbours overlap.
        gap, edge = (gap, gap) if gap >= 0 else (spare / (len(widths) - 1), 0.0)
        slack = spare - gap * (len(widths) - 1) - 2 * edge
        starts = edge + slack * chance + np.cumsum(widths + gap) - widths - gap
        return starts.astype(np.intp)

    def _tops(self, words: Words, tile: int) -> NDArray[np.intp]:
        """Return where each tile's upper edge lies: the line somewhere inside, characters a little off it."""
        free = self._height - tile
        wobble = min(free, round(_WIDEST_WOBBLE * tile))
        return scaled(words[-1:, _TOP], free - wobble + 1) + scaled(words[:-1, _WOBBLE], wobble + 1)


def _ink_columns(tiles: Indices) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return each tile's first column with ink, and how many columns its ink spans."""
    inked = tiles.max(1) > 0
    firsts = inked.argmax(1)
    return firsts, inked.shape[1] - inked[:, ::-1].argmax(1) - firsts
