"""Small letters: a plane of the atlas's own glyphs, faint and foreign, to lie behind a line of text."""

import numpy as np

from captcha_stateless.render.chance import Words, draw_bytes, scaled
from captcha_stateless.render.inks import INDICES, Indices
from captcha_stateless.render.plane import ROOM
from captcha_stateless.render.warp import WARP_WORDS, Warp, sample_basis

_OVERSAMPLING = 3
#: One letter is left out for this many that are drawn.
_BLANK = 4
#: Words of chance that a letter takes: its warp, its cell, and its row's shift.
_WORDS = WARP_WORDS + 2


def small_letters(secret: bytes, warp: Warp, tones: int, height: int, width: int, tile: int) -> Indices:
    """Draw a plane of the atlas's glyphs, one in each ``tile`` pixels, in the last of ``tones`` ground tones.

    They are foreign to every answer: the secret alone chooses them. Leaving out the answer's own characters
    would tell, by what is missing, which those are.
    """
    rows, columns = -(-(height + ROOM) // tile), -(-(width + ROOM) // tile)
    words = draw_bytes(secret, "small letters", 2 * rows * columns * _WORDS).view("<u2")
    bands = [_band(warp, tones, row, tile) for row in words.reshape(rows, columns, _WORDS)]
    return np.concatenate(bands)[: height + ROOM, : width + ROOM]


def _band(warp: Warp, tones: int, words: Words, tile: int) -> Indices:
    """Return one row of small letters side by side, shifted by chance, so that rows form no columns."""
    count = warp.atlas.faces * len(warp.atlas.numbers)
    numbers = scaled(words[:, -2], count + count // _BLANK)
    cells = np.where(numbers < count, numbers + 1, 0).tolist()
    texels = warp.texels(cells, words[:, :WARP_WORDS], sample_basis(tile * _OVERSAMPLING))
    fine = texels.reshape(-1, tile, _OVERSAMPLING, tile, _OVERSAMPLING) > INDICES // 2
    levels = np.rint(fine.mean((2, 4)) * (tones - 1)).astype(np.uint8)
    band = levels.transpose(1, 0, 2).reshape(tile, -1)
    return np.roll(band, int(words[0, -1]) % tile, 1)
