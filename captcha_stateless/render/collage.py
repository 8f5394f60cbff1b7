"""The collage: glyphs in front of their places on a bed, seen through one warp, for a whole batch at once."""

from collections.abc import Sequence

import numpy as np

from captcha_stateless.render.atlas import fetch
from captcha_stateless.render.bed import Bed
from captcha_stateless.render.inks import INDEX_BITS, Indices
from captcha_stateless.render.warp import Floats, Warp, whole_places


def collage(
    warp: Warp,
    bed: Bed,
    cells: Sequence[int],
    centres: Sequence[int | None],
    matrices: Floats,
    basis: Floats,
) -> Indices:
    """Draw a batch: the greater index shows, and ``CLEARS`` beats every one.

    Glyph and bed are laid together before they are warped: that takes whole rows of memory, where to fetch texels one by one
    from both took two fifths more time.

    Args:
        warp: how the cells are seen.
        bed: what lies behind them.
        cells: the number of an atlas cell for each tile.
        centres: where on the bed a tile's glyph lies, or None for a plain ground.
        matrices: (tiles, 2, 6, 6), the warp's.
        basis: (side, 6), from :func:`sample_basis`.

    Returns:
        Palette indices, (tiles, side, side).
    """
    tiles = np.empty((len(cells), len(basis), len(basis)), np.uint8)
    for first in range(0, len(cells), _TOGETHER):
        part = slice(first, first + _TOGETHER)
        sheets, starts = _sheets(warp, bed, cells[part], centres[part])
        place = whole_places(matrices[part], basis)
        tiles[part] = fetch(sheets.reshape(-1), sheets.shape[1], starts, place)
    tiles &= np.uint8(INDEX_BITS)
    return tiles


def _sheets(
    warp: Warp, bed: Bed, cells: Sequence[int], centres: Sequence[int | None]
) -> tuple[Indices, list[int]]:
    """Lay each glyph on its bed, as far as the warp reaches, and tell where in all of that its cell begins."""
    window = 2 * warp.reach
    margin = (window - warp.atlas.side) // 2
    sheets = np.empty((len(cells), window, window), np.uint8)
    middle = slice(margin, margin + warp.atlas.side)
    for sheet, glyph, centre in zip(sheets, warp.atlas.pictures(cells), centres, strict=True):
        sheet[:] = 0 if centre is None else bed.behind(centre, window)
        within = sheet[middle, middle]
        np.maximum(within, glyph, out=within)
    return sheets, [number * window**2 + margin * (window + 1) for number in range(len(cells))]


#: Tiles that are drawn at once: what four of them need stays in the processor's cache, where ten took an eighth more time.
_TOGETHER = 4
