"""The warp: exact in float32, and never reading further than a blank margin."""

from fractions import Fraction

import numpy as np
import pytest

from captcha_stateless.render import default_typefaces
from captcha_stateless.render.atlas import Atlas, build_atlas, cell_side
from captcha_stateless.render.drawing import places
from captcha_stateless.render.families import FAMILIES, LINE, Family
from captcha_stateless.render.inks import Pen
from captcha_stateless.render.warp import build_warp, sample_basis

LOOKS = {**FAMILIES, "line": LINE}


def atlas(look: Family, size: int) -> Atlas:
    return build_atlas(
        default_typefaces()[:2],
        "AW",
        side=cell_side(size * look.fill),
        pen=Pen(look.tones),
        natural=look.natural,
    )


@pytest.mark.parametrize("name", LOOKS)
@pytest.mark.parametrize("size", [32, 64, 96, 256])
def test_places_are_exact(name: str, size: int) -> None:
    """Float32 agrees with fractions to the last bit: so it must on any processor, in any order of adding."""
    warp = build_warp(atlas(LOOKS[name], size), LOOKS[name], b"secret")
    basis = sample_basis(size)
    matrices = warp.poses[:8] + warp.bends[:8]

    fast = places(matrices, basis)

    for row, column in [(0, 0), (0, size - 1), (size // 2, size // 3), (size - 1, size - 1)]:
        for tile in range(8):
            slow = exact(matrices[tile, 0].tolist(), basis[row].tolist(), basis[column].tolist())
            assert Fraction(float(fast[tile, 0, row, column])) == slow


def exact(matrix: list[list[float]], down: list[float], across: list[float]) -> Fraction:
    """Multiply as the module says: the half product rounded to 2^-7, half to even, nothing else."""
    halfway = [
        sum((Fraction(entry) * Fraction(value) for entry, value in zip(row, across, strict=True)), Fraction())
        for row in matrix
    ]
    rounded = [Fraction(round(value * 128), 128) for value in halfway]
    return sum((Fraction(value) * entry for value, entry in zip(down, rounded, strict=True)), Fraction())


@pytest.mark.parametrize("name", LOOKS)
@pytest.mark.parametrize("size", [32, 64, 96, 256])
def test_no_pixel_reads_past_a_blank_margin(name: str, size: int) -> None:
    cells = atlas(LOOKS[name], size)
    warp = build_warp(cells, LOOKS[name], b"secret")

    furthest = 0.0
    for poses, bends in zip(np.split(warp.poses, 64), np.split(warp.bends, 64), strict=True):
        offset = places(poses + bends, sample_basis(size)) - cells.side / 2
        furthest = max(furthest, float(np.abs(offset).max()))

    assert furthest < warp.reach <= cells.reach + 1


def test_another_secret_gives_other_warps() -> None:
    cells = atlas(LINE, 64)

    first, second = build_warp(cells, LINE, b"secret"), build_warp(cells, LINE, b"another")

    assert not np.array_equal(first.poses, second.poses)
    assert not np.array_equal(first.bends, second.bends)
