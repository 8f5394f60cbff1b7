"""The warp: which texel of the atlas each pixel shows, for a whole batch at once.

A pixel at (y, x), both from -1 to 1, shows the texel at ``B(y) · M · B(x)``, where B is a small basis of
functions and M one 6x6 matrix for each of the two texel coordinates: a pose (rotation, size, shear, place)
plus a bend, each from a table.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from captcha_stateless.render.atlas import Atlas
from captcha_stateless.render.chance import Words, draw_uniform
from captcha_stateless.render.drawing import NOWHERE, Floats, Layers, draw
from captcha_stateless.render.families import Family
from captcha_stateless.render.inks import Indices

Doubles: TypeAlias = NDArray[np.float64]

#: Entries of either table; two independent draws give 2^24 warps.
ENTRIES = 4096
#: Words of chance that a tile's warp takes.
WARP_WORDS = 2
#: (row, column) of the sine and cosine terms that bend a coordinate.
_BENDS = ((2, 2), (2, 3), (3, 2), (3, 3), (2, 0), (3, 0), (0, 2), (0, 3), (4, 0), (5, 0), (0, 4), (0, 5))

# Pixels must be equal on every replica, but a float product's last bit depends on the processor (fused
# multiply-add, order of summing). So the products are made exact: with basis values in steps of 2^-8,
# coefficients in steps of 2^-7 and sums below 2^9, every partial sum is a multiple of 2^-15 that fits
# float32's 24 bits, in whatever order it is taken (``drawing.ROUNDING`` keeps to the steps in between).
_BASIS_STEP, _COEFFICIENT_STEP, _LARGEST_SUM = 2.0**-8, 2.0**-7, 2.0**9


@dataclass(frozen=True, slots=True)
class Warp:
    """Poses and bends, (entries, 2, 6, 6) each and 2.4 MB together for 4096, for the cells of one atlas.

    No pose with any bend reads as far as ``reach`` texels from a cell's centre. After the ``entries`` of either table come
    others, a power of two too, for the first tile of a batch where there are any.
    """

    atlas: Atlas
    poses: Floats
    bends: Floats
    reach: int
    entries: int = ENTRIES

    def texels(self, cells: Sequence[int], words: Words, basis: Floats) -> Indices:
        """Draw a batch.

        Args:
            cells: the number of an atlas cell for each tile.
            words: (tiles, 2) random words.
            basis: (side, 6), from :func:`sample_basis`.

        Returns:
            Palette indices, (tiles, side, side).
        """
        nowhere = np.full(len(cells), NOWHERE, np.int32)
        layers, starts = Layers(self.atlas, self.reach), self.atlas.starts(cells)
        return draw(layers, self.matrices(words), basis, starts, nowhere, nowhere)

    def matrices(self, words: Words) -> Floats:
        """Choose a pose and a bend for each of (..., tiles, 2) words: (all tiles, 2, 6, 6)."""
        chosen = words & np.uint16(self.entries - 1)
        if self.entries < len(self.poses):
            clear = np.uint16(len(self.poses) - self.entries - 1)
            chosen[..., 0, :] = self.entries + (words[..., 0, :] & clear)
        poses, bends = chosen.reshape(-1, WARP_WORDS).T
        return self.poses.take(poses, 0) + self.bends.take(bends, 0)

    def first(self, clear: "Warp") -> "Warp":
        """Take a batch's first tile from another warp's tables."""
        poses, bends = np.concatenate([self.poses, clear.poses]), np.concatenate([self.bends, clear.bends])
        return replace(self, poses=poses, bends=bends, reach=max(self.reach, clear.reach))


def sample_basis(side: int) -> Floats:
    """Return the basis at the middle of ``side`` pixels: (side, 6), each value from -1 to 1."""
    at = (np.arange(side) + 0.5) / side * 2 - 1
    waves = [wave(math.pi * rate * at) for rate in (0.9, 1.9) for wave in (np.sin, np.cos)]
    return _rounded(np.stack([np.ones(side), at, *waves], 1), _BASIS_STEP)


def build_warp(atlas: Atlas, family: Family, secret: bytes, *, entries: int = ENTRIES) -> Warp:
    """Fill the tables of poses and bends, which the secret chooses; ``entries`` is a power of two."""
    half = atlas.ink / (2 * family.fill)  # texels from a tile's middle to its edge, at scale 1
    bends = half * _bends(family, draw_uniform(secret, "bends", entries, 2, len(_BENDS) + 1))
    poses = half * _poses(family, draw_uniform(secret, "poses", entries, 6))
    poses[:, :, 0, 0] += atlas.side / 2
    exact = _rounded(poses, _COEFFICIENT_STEP), _rounded(bends, _COEFFICIENT_STEP)
    return Warp(atlas, *exact, _reach(*exact, atlas), entries)


def _poses(family: Family, chance: Doubles) -> Doubles:
    """Return (entries, 2, 6, 6) matrices, in half sides of a tile, that turn, size, shear and shift."""
    shapes = _shapes(family, chance[:, :4])
    back: Doubles = np.linalg.inv(shapes).astype(np.float64)
    shift = _shifts(family, shapes, chance[:, 4:])
    poses = np.zeros((len(chance), 2, 6, 6))
    poses[:, :, 0, 1], poses[:, :, 1, 0] = back[:, :, 0], back[:, :, 1]
    poses[:, :, 0, 0] = -np.einsum("nij,nj->ni", back, shift)
    return poses


def _shapes(family: Family, chance: Doubles) -> Doubles:
    """Return (entries, 2, 2) matrices from a point of the glyph to a point of the tile."""
    signed = chance * 2 - 1
    angle = np.radians(family.rotation_degrees) * signed[:, 0]
    low, high = family.scale
    size, stretch = low + (high - low) * chance[:, 1], 1 + family.stretch * signed[:, 2]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    none, one = np.zeros_like(angle), np.ones_like(angle)
    shape = np.array([[size * stretch, family.shear * signed[:, 3]], [none, size / stretch]]) * one
    shapes: Doubles = np.einsum("ijn,jkn->nik", turn, shape)
    return shapes


def _shifts(family: Family, shapes: Doubles, chance: Doubles) -> Doubles:
    """Return (entries, 2) places, as far off centre as the family wants and the tile's edge allows."""
    extent = np.abs(shapes).sum(2) * (family.fill + 2 * family.bend)
    free = np.clip(1 - extent, 0, 2 * family.shift)
    shifts: Doubles = (chance * 2 - 1) * free
    return shifts


def _bends(family: Family, chance: Doubles) -> Doubles:
    """Return (entries, 2, 6, 6) matrices, in half sides; none moves a point further than the family says."""
    bends = np.zeros((len(chance), 2, 6, 6))
    rows, columns = zip(*_BENDS, strict=True)
    bends[:, :, rows, columns] = chance[:, :, 1:] * 2 - 1
    grid = sample_basis(9).astype(np.float64)
    waves = np.stack([np.outer(grid[:, row], grid[:, column]).reshape(-1) for row, column in _BENDS])
    furthest = np.abs(bends[:, :, rows, columns] @ waves).max(2)
    amount = 2 * family.bend * (0.5 + chance[:, :, 0] / 2)
    bends *= (amount / furthest)[:, :, None, None]
    return bends


def _reach(poses: Floats, bends: Floats, atlas: Atlas) -> int:
    """Assert what exactness and memory safety rest on, for every pose with every bend, and return how far they reach."""
    assert np.abs(poses).sum((2, 3)).max() + np.abs(bends).sum((2, 3)).max() < _LARGEST_SUM
    grid = sample_basis(33)
    grid[:, 1] *= 33 / 32  # the very edge of a tile, whatever its pixels
    furthest = _furthest(poses, grid[[0, -1]], atlas.side / 2)  # a pose is straight: a corner is its furthest
    furthest += _furthest(bends, grid, 0)
    assert furthest < atlas.reach
    return int(furthest) + 1


def _furthest(matrices: Floats, grid: Floats, centre: float) -> float:
    parts = np.array_split(matrices, 64)  # all at once would take 36 MB for a moment
    return max(float(np.abs(grid @ part @ grid.T - centre).max()) for part in parts)


def _rounded(values: Doubles, step: float) -> Floats:
    return (np.rint(values / step) * step).astype(np.float32)
