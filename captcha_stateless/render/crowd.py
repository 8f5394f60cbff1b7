"""The crowd: a plane of foreign contours, of the pen that a line is written with, to stand behind it."""

import numpy as np

from captcha_stateless.render.chance import draw_bytes, scaled
from captcha_stateless.render.inks import CLEARS, INDEX_BITS, Indices
from captcha_stateless.render.plane import ROOM
from captcha_stateless.render.warp import WARP_WORDS, Warp, sample_basis

#: Words of chance that a glyph takes: its warp, its cell, and its place.
_WORDS = WARP_WORDS + 3
#: Glyphs drawn at once, so that building takes little memory.
_TOGETHER = 64


def crowd(warp: Warp, inks: int, secret: bytes, height: int, width: int, tile: int, count: int) -> Indices:
    """Draw ``count`` of the atlas's glyphs anywhere on a plane, each in front of those before it.

    The secret alone chooses them: leaving out the answer's own characters would tell which those are.

    Args:
        warp: poses for the cells of the smaller atlas.
        inks: how many inks the atlas has.
        secret: the only source of chance.
        height: of the pictures that show a window of it, in pixels.
        width: likewise.
        tile: side of one glyph's tile, in pixels.
        count: how many.
    """
    rows, columns = height + ROOM, width + ROOM
    plane = np.zeros((rows + 2 * tile, columns + 2 * tile), np.uint8)
    words = draw_bytes(secret, "crowd", 2 * count * _WORDS).view("<u2").reshape(count, _WORDS)
    cells = 1 + scaled(words[:, -3], len(warp.atlas.numbers) * warp.atlas.faces * inks)
    tops, lefts = scaled(words[:, -2], rows + tile), scaled(words[:, -1], columns + tile)
    basis = sample_basis(tile)
    for first in range(0, count, _TOGETHER):
        some = slice(first, first + _TOGETHER)
        glyphs = marked(warp.texels(cells[some].tolist(), words[some, :WARP_WORDS], basis))
        for glyph, top, left in zip(glyphs, tops[some].tolist(), lefts[some].tolist(), strict=True):
            np.copyto(plane[top : top + tile, left : left + tile], glyph, where=glyph > 0)
    return np.ascontiguousarray(plane[tile:-tile, tile:-tile] & np.uint8(INDEX_BITS))


def marked(glyphs: Indices) -> Indices:
    """Mark all of each glyph, its line as its inside, so that it hides what lies behind; the glyphs are changed in place."""
    glyphs |= (glyphs > 0).view(np.uint8) * np.uint8(CLEARS)  # with ``where`` it took four times as long
    return glyphs
