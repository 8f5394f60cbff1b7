"""The renderer of lines of text: several glyphs a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render.atlas import build_atlas, cell_side
from captcha_stateless.render.chance import Words, draw_words, scaled
from captcha_stateless.render.checks import check_alphabet, check_side
from captcha_stateless.render.colours import build_palettes
from captcha_stateless.render.deflate import Deflate, deflate
from captcha_stateless.render.families import LINE
from captcha_stateless.render.plane import WINDOW_WORDS, strokes, texture
from captcha_stateless.render.png import build_heads, encode
from captcha_stateless.render.warp import WARP_WORDS, build_warp, sample_basis

_SMALLEST, _LARGEST = 32, 1024
_PALETTES = 512
#: Longest text that a line holds.
LONGEST = 12
#: A character's tile takes at most this share of the line's height: a tile higher than wide lines would be
#: cut.
_TILE_HEIGHT = 0.86
#: Blank space between characters, at most, as a share of the line's height.
_WIDEST_GAP = 0.15
#: How far characters stand above and below each other, at most, as a share of a tile.
_WIDEST_WOBBLE = 0.25
_FACE = WARP_WORDS
_HEIGHT, _SPACE = WARP_WORDS + 1, WARP_WORDS + 2
_CHARACTER_WORDS = WARP_WORDS + 3
# The row of words after the characters' own serves the whole line.
_TEXTURE, _STROKES = slice(0, WINDOW_WORDS), slice(WINDOW_WORDS, 2 * WINDOW_WORDS)
_PALETTE = 2 * WINDOW_WORDS

Theme = Literal["light", "dark"]


class LineRenderer:
    """Draws lines of one size; the same arguments give the same pixels on every replica.

    Holds the atlas (shared by all renderers of a process that need the same one), tables, planes and
    palettes: about 25 MB for the default typefaces, 40 glyphs and 600x200 pixels. Any number of threads may
    call it at once: a call writes only to what it made.

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
        self._texture = texture(LINE, secret, height, width, grain / 5)
        self._strokes = strokes(LINE, secret, height, width, grain * 0.7)
        self._heads = {theme: _heads(secret, width, height, theme) for theme in ("light", "dark")}

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
        words = draw_words(seed, len(text) + 1, _CHARACTER_WORDS)
        canvas = self._ground(words[-1], background_noise)
        self._write(canvas, text, words[:-1])
        if foreground_noise:
            self._merge_strokes(canvas, words[-1])
        heads = self._heads[theme]
        head = heads[int(scaled(words[-1:, _PALETTE], len(heads))[0])]
        return encode(canvas[None], [head], self._deflate)[0]

    def _tile(self, length: int) -> int:
        """Return the side of one character's tile, in pixels."""
        advance = self._width / (length + 0.3)
        return int(min(self._height * _TILE_HEIGHT, advance / LINE.fill, self._width))

    def _ground(self, words: Words, noise: bool) -> NDArray[np.uint8]:
        if not noise:
            return np.zeros((self._height, self._width), np.uint8)
        return self._texture.window(words[_TEXTURE], self._height, self._width).copy()

    def _merge_strokes(self, canvas: NDArray[np.uint8], words: Words) -> None:
        self._strokes.merge(canvas[None], words[None, _STROKES])

    def _write(self, canvas: NDArray[np.uint8], text: str, words: Words) -> None:
        cells = self._atlas.cells(scaled(words[:, _FACE], self._atlas.faces), text)
        tiles = self._warp.texels(cells, words[:, :WARP_WORDS], self._bases[len(text) - 1])
        firsts, widths = _ink_columns(tiles)
        lefts = self._lefts(widths, int(words[0, _SPACE]) / 65536).tolist()
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
        # Wide characters that are turned far may ask for more than there is: then neighbours touch, from edge
        # to edge.
        gap, edge = (gap, gap) if gap >= 0 else (spare / (len(widths) - 1), 0.0)
        slack = spare - gap * (len(widths) - 1) - 2 * edge
        starts = edge + slack * chance + np.cumsum(widths + gap) - widths - gap
        return starts.astype(np.intp)

    def _tops(self, words: Words, tile: int) -> NDArray[np.intp]:
        """Return where each tile's upper edge lies: the line somewhere inside, characters a little off it."""
        free = self._height - tile
        wobble = min(free, round(_WIDEST_WOBBLE * tile))
        line = scaled(words[:1, _SPACE], free - wobble + 1)
        return line + scaled(words[:, _HEIGHT], wobble + 1)


def _ink_columns(tiles: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return each tile's first column with ink, and how many columns its ink spans."""
    inked = tiles.max(1) > 0
    firsts = inked.argmax(1)
    return firsts, inked.shape[1] - inked[:, ::-1].argmax(1) - firsts


def _heads(secret: bytes, width: int, height: int, theme: str) -> list[bytes]:
    ink: Literal["dark", "light"] = "dark" if theme == "light" else "light"
    return build_heads(width, height, build_palettes(secret, _PALETTES, LINE.tones, ink))
