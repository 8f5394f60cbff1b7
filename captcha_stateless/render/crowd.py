"""The crowd: a plane of foreign contours, of the pen that a line is written with, to stand behind it."""

import math

import numpy as np

from captcha_stateless.render.chance import draw_bytes, scaled
from captcha_stateless.render.inks import CLEARS, INDEX_BITS, Indices
from captcha_stateless.render.plane import ROOM
from captcha_stateless.render.warp import WARP_WORDS, Warp, sample_basis

#: Words of chance that a glyph takes: its warp, its place in the order, its cell, and its place on the plane.
_WORDS = WARP_WORDS + 4
#: How far a glyph may lie off its place in the pattern, as a share of the distance to the next: everywhere alike would be a
#: pattern, and anywhere would leave bare ground, on which programs read and people need no help.
_ASTRAY = 0.5
#: Glyphs drawn at once, so that building takes little memory.
_TOGETHER = 64


def crowd(warp: Warp, inks: int, secret: bytes, height: int, width: int, tile: int, apart: float) -> Indices:
    """Draw the atlas's glyphs evenly over a plane, each in front of those before it, in an order that shows no rows.

    The secret alone chooses them: leaving out the answer's own characters would tell which those are.

    Args:
        warp: poses for the cells of the smaller atlas.
        inks: how many inks the atlas has.
        secret: the only source of chance.
        height: of the pictures that show a window of it, in pixels.
        width: likewise.
        tile: side of one glyph's tile, in pixels.
        apart: from one glyph to the next, in pixels.
    """
    rows, columns = height + ROOM, width + ROOM
    down, across = math.ceil((rows + tile) / apart), math.ceil((columns + tile) / apart)
    words = draw_bytes(secret, "crowd", 2 * down * across * _WORDS).view("<u2").reshape(-1, _WORDS)
    row, column = np.divmod(np.arange(len(words)), across)
    off = _ASTRAY * (words[:, -2:] / 65536 - 0.5)
    # Every other row is moved by half of what lies between two.
    tops = ((row + 0.5 + off[:, 0]) * (rows + tile) / down).astype(int)
    lefts = ((column + 0.25 + row % 2 / 2 + off[:, 1]) * (columns + tile) / across).astype(int)
    cells = 1 + scaled(words[:, -3], len(warp.atlas.numbers) * warp.atlas.faces * inks)
    order = np.argsort(words[:, -4], kind="stable")
    plane = np.zeros((rows + 2 * tile, columns + 2 * tile), np.uint8)
    basis = sample_basis(tile)
    for first in range(0, len(order), _TOGETHER):
        some = order[first : first + _TOGETHER]
        glyphs = marked(warp.texels(cells[some].tolist(), words[some, :WARP_WORDS], basis))
        for glyph, top, left in zip(glyphs, tops[some].tolist(), lefts[some].tolist(), strict=True):
            np.copyto(plane[top : top + tile, left : left + tile], glyph, where=glyph > 0)
    return np.ascontiguousarray(plane[tile:-tile, tile:-tile] & np.uint8(INDEX_BITS))


def marked(glyphs: Indices) -> Indices:
    """Mark all of each glyph, its line as its inside, so that it hides what lies behind; the glyphs are changed in place."""
    glyphs |= (glyphs > 0).view(np.uint8) * np.uint8(CLEARS)  # with ``where`` it took four times as long
    return glyphs
