"""The renderer of a grid's tiles: one glyph a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render.atlas import INK_SHARE, Starts, build_atlas, cell_side
from captcha_stateless.render.bed import BED_WORDS, build_bed
from captcha_stateless.render.chance import Words, draw_words
from captcha_stateless.render.checks import check_alphabet, check_side
from captcha_stateless.render.colours import ARC, build_palettes
from captcha_stateless.render.deflate import Deflate, deflate_small, deflate_textured
from captcha_stateless.render.deflate import deflate as deflate_flat
from captcha_stateless.render.drawing import NOWHERE, Draw, Layers, draw
from captcha_stateless.render.families import FAMILIES, Family, Polarity
from captcha_stateless.render.inks import Indices
from captcha_stateless.render.plane import WINDOW_WORDS, Plane, gaps, strokes, texture
from captcha_stateless.render.png import bits_for, build_heads, encode
from captcha_stateless.render.warp import WARP_WORDS, build_warp, sample_basis

_SMALLEST, _LARGEST = 32, 256
_PALETTES = 1024
#: Width of the texture's blobs, as a share of a tile's side.
_GRAIN = 0.29
_WINDOW = slice(WARP_WORDS, WARP_WORDS + WINDOW_WORDS)
_FACE = WARP_WORDS + WINDOW_WORDS
_PALETTE = _FACE + 1
_BED = slice(_PALETTE + 1, _PALETTE + 1 + BED_WORDS)
_INK = _PALETTE + 1 + BED_WORDS
#: Words of chance that a tile takes.
TILE_WORDS = _INK + 1
#: A clear reference's poses are so near to each other that few are enough.
_CLEAR_POSES = 256


#: Pixels that are drawn at once: ten tiles of 64 px for eight. More costs more again, as memory is given back and taken anew.
_TOGETHER_PIXELS = 8 * 10 * 64**2


class TileRenderer:
    """Draws tiles of one size in one family; the same arguments give the same pixels on every replica.

    Holds the atlas (shared by all renderers of a process that need the same one), tables and palettes: for
    the default typefaces, 40 glyphs and 64 px, 13 MB, and 10 MB while it draws. Any number of threads may call
    it at once: a call writes only to what it made.

    Raises:
        Misconfigured: the family, size, alphabet or a typeface cannot be drawn.
    """

    def __init__(
        self,
        *,
        alphabet: str,
        typefaces: Sequence[Path],
        family: str,
        size: int,
        secret: bytes,
        deflate: Deflate | None = None,
        draw: Draw = draw,
    ) -> None:
        look = _family(family)
        check_alphabet(alphabet)
        check_side("size", size, _SMALLEST, _LARGEST)
        _check_typefaces(typefaces, look, family)
        side = cell_side(size * look.fill)
        pen = look.pen_for(round(side * INK_SHARE))
        atlas = build_atlas(typefaces, alphabet, side=side, pen=pen, inks=look.inks, natural=look.natural)
        self._warp = build_warp(atlas, look, secret)
        if look.clear_reference:
            clear = build_warp(atlas, look.reference, secret, entries=_CLEAR_POSES)
            self._warp = self._warp.first(clear)
        self._clear = int(look.clear_reference)
        self._inks = len(look.inks)
        self._basis = sample_basis(size)
        self._layers = Layers(
            atlas,
            self._warp.reach,
            build_bed(atlas, typefaces, look, pen, secret) if look.foreign else None,
            _plane(look, secret, size),
            cuts=look.gaps > 0,
        )
        self._draw = draw
        self._heads, self._bits = _heads(look, secret, size), bits_for(look.indices, size)
        self._polarities = len(_INKS[look.polarity])
        self._most_tiles = _TOGETHER_PIXELS // size**2
        self._shares_typeface = look.shares_typeface
        textured = deflate_textured if look.tones > 1 else deflate_flat
        self._deflate = deflate or (deflate_small if look.foreign else textured)

    def tiles(self, glyphs: Sequence[str], seed: bytes) -> list[bytes]:
        """Draw one PNG for each glyph.

        The first is the reference: unless the family shares one typeface, no other tile uses the reference's.

        Args:
            glyphs: characters of the alphabet, any number of them; KeyError for another.
            seed: the only source of chance.

        Returns:
            PNG files, size x size pixels, with a palette.
        """
        return self.grids([(glyphs, seed)])[0]

    def grids(self, asked: Sequence[tuple[Sequence[str], bytes]]) -> list[list[bytes]]:
        """Draw for several seeds at once, as many glyphs for each: the same as :meth:`tiles` draws, in less time."""
        count = len(asked[0][0])
        if not count:
            return [[] for _ in asked]
        step, drawn = max(1, self._most_tiles // count), []
        for first in range(0, len(asked), step):
            drawn += self._drawn(asked[first : first + step], count)
        return drawn

    def _drawn(self, asked: Sequence[tuple[Sequence[str], bytes]], count: int) -> list[list[bytes]]:
        words = np.stack([draw_words(seed, count, TILE_WORDS) for _, seed in asked])
        grids = self.indices([glyphs for glyphs, _ in asked], words)
        pictures = grids.reshape(-1, *grids.shape[2:])
        heads = self._chosen_heads(words)
        files = encode(pictures, heads, self._deflate, up=self._layers.bed is None, bits=self._bits)
        return [files[first : first + count] for first in range(0, len(files), count)]

    def indices(self, grids: Sequence[Sequence[str]], words: Words) -> Indices:
        """Draw palette indices, (grids, glyphs, size, size), from (grids, glyphs, 9) random words."""
        cells: list[int] = []
        inks: list[int] = []
        for glyphs, row in zip(grids, words, strict=True):
            layers = [word * self._inks >> 16 for word in row[:, _INK].tolist()]
            faces = self.faces(row[:, _FACE].tolist())
            inked = [face + ink * self._layers.atlas.faces for face, ink in zip(faces, layers, strict=True)]
            cells += self._layers.atlas.cells(inked, glyphs)
            inks += layers
        tiles = self._draw(
            self._layers,
            self._warp.matrices(words[..., :WARP_WORDS]),
            self._basis,
            self._layers.atlas.starts(cells),
            *self._backgrounds(inks, words),
        )
        return tiles.reshape(*words.shape[:2], *tiles.shape[1:])

    def _backgrounds(self, inks: Sequence[int], words: Words) -> tuple[Starts, Starts]:
        """Choose where on the bed and on the plane each tile lies; the first of a grid, where it shall be clear, nowhere."""
        bed, plane = self._layers.bed, self._layers.plane
        flat = words.reshape(-1, words.shape[2])
        starts = np.full((2, *words.shape[:2]), NOWHERE, np.int32)
        for place, begins in enumerate(
            (
                bed.centres(inks, flat[:, _BED]) if bed else None,
                plane.corners(flat[:, _WINDOW]) if plane else None,
            )
        ):
            if begins is not None:
                starts[place, :, self._clear :] = begins.reshape(words.shape[:2])[:, self._clear :]
        return starts[0].reshape(-1), starts[1].reshape(-1)

    def faces(self, words: Sequence[int]) -> list[int]:
        """Choose typefaces by 16-bit words: the reference's at will, each other from those that remain."""
        count = self._layers.atlas.faces
        reference = words[0] * count >> 16
        if self._shares_typeface:
            return [reference] * len(words)
        others = [((word * (count - 1) >> 16) + reference + 1) % count for word in words[1:]]
        return [reference, *others]

    def _chosen_heads(self, words: Words) -> list[bytes]:
        """Choose each tile's palette among those whose hues are near the grid's own."""
        heads, own = self._heads, words[..., _PALETTE].astype(np.int64)
        each = len(heads) // self._polarities
        polarity, rest = np.divmod(own * self._polarities, 1 << 16)
        first = own[:, :1] * each >> 16
        chosen = polarity * each + (first + (rest * round(each * ARC) >> 16)) % each
        return [heads[index] for index in chosen.reshape(-1).tolist()]


def _family(name: str) -> Family:
    if name not in FAMILIES:
        raise Misconfigured(f"There is no drawing family {name!r}: choose one of {', '.join(FAMILIES)}.")
    return FAMILIES[name]


def _check_typefaces(typefaces: Sequence[Path], look: Family, family: str) -> None:
    needed = 1 if look.shares_typeface else 2
    if len(set(typefaces)) < needed:
        raise Misconfigured(f"The family {family!r} needs {needed} typefaces or more: name further ones.")


def _plane(look: Family, secret: bytes, size: int) -> Plane | None:
    """Return the gaps that cut a contour, or the texture and strokes behind a filled glyph, or nothing."""
    if look.gaps:
        return Plane(gaps(look, secret, size, size, size), size, size)
    ground = texture(look, secret, size, size, size * _GRAIN)
    clutter = np.maximum(ground, strokes(look, secret, size, size, size))
    return Plane(clutter, size, size) if clutter.any() else None


def _heads(look: Family, secret: bytes, size: int) -> list[bytes]:
    inks = _INKS[look.polarity]
    palettes = [
        build_palettes(
            secret, _PALETTES // len(inks), look.tones, ink, glints=look.glints, indices=look.indices
        )
        for ink in inks
    ]
    return build_heads(size, size, np.concatenate(palettes))


_INKS: dict[Polarity, tuple[Literal["dark", "light"], ...]] = {
    "dark": ("dark",),
    "light": ("light",),
    "any": ("dark", "light"),
}
