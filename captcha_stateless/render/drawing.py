"""Drawing: from matrices to palette indices, for a whole batch at once, in C where that was built and in numpy elsewhere."""

from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from captcha_stateless.render.atlas import Atlas, Places, Starts, fetch
from captcha_stateless.render.bed import Bed
from captcha_stateless.render.compiled import COMPILED, fused
from captcha_stateless.render.inks import INDEX_BITS, Indices
from captcha_stateless.render.plane import Plane

Floats: TypeAlias = NDArray[np.float32]

#: Begins a bed or a plane for a tile that shows none of it.
NOWHERE: Final = -1
#: Adding and subtracting it rounds a float32 to steps of 2^-7, the spacing of numbers up there.
ROUNDING: Final = np.float32(1.5 * 2**16)
#: Tiles that numpy draws at once: what four of them need stays in the processor's cache, where ten took an eighth more time.
_TOGETHER = 4


@dataclass(frozen=True, slots=True)
class Layers:
    """What tiles are drawn from, the front first; a ``plane`` is cut out of them where it ``cuts``, and else lies behind.

    No warp reads as far as ``reach`` texels from the centre of a cell.
    """

    atlas: Atlas
    reach: int
    bed: Bed | None = None
    plane: Plane | None = None
    cuts: bool = False


class Draw(Protocol):
    """What draws a batch."""

    def __call__(
        self,
        layers: Layers,
        matrices: Floats,
        basis: Floats,
        cells: Starts,
        centres: Starts,
        corners: Starts,
    ) -> Indices:
        """Draw a batch: of glyph and bed the greater index shows, and ``CLEARS`` beats every one.

        Args:
            layers: what is drawn from.
            matrices: (tiles, 2, 6, 6), from a warp that reads no further than the layers' ``reach``.
            basis: (side, 6), from :func:`sample_basis`.
            cells: (tiles,) where each tile's cell begins in the atlas.
            centres: (tiles,) where its glyph's centre lies on the bed.
            corners: (tiles,) where its window on the plane begins.

        Returns:
            Palette indices, (tiles, side, side).
        """


def draw_fused(
    layers: Layers, matrices: Floats, basis: Floats, cells: Starts, centres: Starts, corners: Starts
) -> Indices:
    """Draw in one pass, in C; every length and place is looked at there once more."""
    atlas, bed, plane = layers.atlas, layers.bed, layers.plane
    tiles = np.empty((len(cells), len(basis), len(basis)), np.uint8)
    # A bed's centre is that of the cell in front, and the warp's places begin at that cell's corner.
    corner = atlas.side // 2 * (bed.side + 1) if bed else 0
    fused.draw(
        tiles,
        matrices,
        basis,
        (atlas.texels, atlas.side, cells),
        (bed.texels, bed.side, np.where(centres < 0, NOWHERE, centres - corner)) if bed else _NOTHING,
        (*((plane.indices, plane.indices.shape[1], corners) if plane else _NOTHING), layers.cuts),
    )
    return tiles


_NOTHING = b"", 0, b""


def draw_by_numpy(
    layers: Layers, matrices: Floats, basis: Floats, cells: Starts, centres: Starts, corners: Starts
) -> Indices:
    """Draw in several passes.

    Glyph and bed are laid together before they are warped: that takes whole rows of memory, where to fetch texels one by one
    from both took two fifths more time.
    """
    if layers.bed:
        tiles = _backed(layers, layers.bed, matrices, basis, cells, centres)
    else:
        tiles = fetch(layers.atlas.texels, layers.atlas.side, cells, whole_places(matrices, basis))
    if layers.plane:
        lay = np.minimum if layers.cuts else np.maximum
        for tile, corner in zip(tiles, corners.tolist(), strict=True):
            if corner >= 0:
                lay(tile, layers.plane.at(corner), out=tile)
    return tiles


def _backed(
    layers: Layers, bed: Bed, matrices: Floats, basis: Floats, cells: Starts, centres: Starts
) -> Indices:
    tiles = np.empty((len(cells), len(basis), len(basis)), np.uint8)
    for first in range(0, len(cells), _TOGETHER):
        part = slice(first, first + _TOGETHER)
        sheets = _sheets(layers, bed, cells[part], centres[part])
        edge, margin = sheets.shape[1], (sheets.shape[1] - layers.atlas.side) // 2
        starts = np.arange(len(sheets), dtype=np.int32) * edge**2 + margin * (edge + 1)
        tiles[part] = fetch(sheets.reshape(-1), edge, starts, whole_places(matrices[part], basis))
    tiles &= np.uint8(INDEX_BITS)
    return tiles


def _sheets(layers: Layers, bed: Bed, cells: Starts, centres: Starts) -> Indices:
    """Lay each glyph on its bed, as far as a warp reaches: (tiles, 2 * reach, 2 * reach)."""
    side, edge = layers.atlas.side, 2 * layers.reach
    sheets = np.empty((len(cells), edge, edge), np.uint8)
    middle = slice((edge - side) // 2, (edge + side) // 2)
    for sheet, cell, centre in zip(sheets, cells.tolist(), centres.tolist(), strict=True):
        sheet[:] = 0 if centre < 0 else bed.around(centre, layers.reach)
        within = sheet[middle, middle]
        np.maximum(within, layers.atlas.texels[cell : cell + side * side].reshape(side, side), out=within)
    return sheets


def places(matrices: Floats, basis: Floats) -> Floats:
    """Return texel coordinates (tiles, 2, side, side), exact, from matrices (tiles, 2, 6, 6)."""
    across = matrices.reshape(-1, basis.shape[1]) @ basis.T  # one product instead of one a tile
    across += ROUNDING
    across -= ROUNDING
    return basis @ across.reshape(*matrices.shape[:3], -1)


def whole_places(matrices: Floats, basis: Floats) -> Places:
    """Return the texel that each pixel shows, (tiles, 2, side, side): across, then down."""
    return places(matrices, basis).astype(np.int32)


draw: Draw = draw_fused if COMPILED else draw_by_numpy
