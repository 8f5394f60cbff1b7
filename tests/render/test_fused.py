"""The compiled part: the same pixels as numpy's, and nothing read or written that is not there."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from captcha_stateless.render import FAMILIES, TileRenderer, default_typefaces
from captcha_stateless.render.chance import draw_words
from captcha_stateless.render.compiled import COMPILED, fused
from captcha_stateless.render.drawing import (
    NOWHERE,
    Layers,
    draw_by_numpy,
    draw_fused,
    places,
    whole_places,
)
from captcha_stateless.render.families import LINE
from captcha_stateless.render.png import pack_by_numpy, pack_fused
from captcha_stateless.render.tiles import TILE_WORDS
from captcha_stateless.render.warp import build_warp, sample_basis
from tests.needs import need
from tests.render.pictures import ALPHABET, SECRET

SEEDS = 1_000
#: How many seeds are drawn together, and how many tiles for each: fewer of the large ones.
TOGETHER, TILES = 50, {32: 10, 64: 10, 96: 10, 130: 4, 256: 2}


@pytest.fixture(autouse=True)
def _built() -> None:
    need(COMPILED, "a C compiler when this package was installed")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("size", TILES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_pixel_is_numpys(family: str, size: int) -> None:
    common: dict[str, Any] = {"alphabet": ALPHABET, "typefaces": default_typefaces(), "secret": SECRET}
    compiled, plain = (
        TileRenderer(**common, family=family, size=size, draw=draw) for draw in (draw_fused, draw_by_numpy)
    )

    for first in range(0, SEEDS, TOGETHER):
        seeds = [b"seed %d" % number for number in range(first, first + TOGETHER)]
        words = np.stack([draw_words(seed, TILES[size], TILE_WORDS) for seed in seeds])
        glyphs = [[ALPHABET[word % len(ALPHABET)] for word in row[:, 0].tolist()] for row in words]

        assert np.array_equal(compiled.indices(glyphs, words), plain.indices(glyphs, words))


@pytest.mark.parametrize("side", [77, 145, 172])
def test_every_pixel_of_a_lines_characters_is_numpys(side: int) -> None:
    atlas = TileRenderer(
        alphabet=ALPHABET, typefaces=default_typefaces(), family="filled", size=64, secret=SECRET
    )._layers.atlas
    warp, basis = build_warp(atlas, LINE, SECRET), sample_basis(side)
    cells = atlas.starts([1 + number % 100 for number in range(SEEDS)])
    nowhere = np.full(SEEDS, NOWHERE, np.int32)
    matrices = warp.matrices(draw_words(b"seed", SEEDS, 2))
    asked = (Layers(atlas, warp.reach), matrices, basis, cells, nowhere, nowhere)

    assert np.array_equal(draw_fused(*asked), draw_by_numpy(*asked))


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(1, 3),
    height=st.integers(1, 9),
    quarter=st.integers(1, 40),
    bits=st.sampled_from((2, 4)),
    up=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_rows_are_packed_as_numpy_packs_them(
    count: int, height: int, quarter: int, bits: int, up: bool, seed: int
) -> None:
    shape = (count, height, 4 * quarter)
    pictures = np.random.default_rng(seed).integers(0, 2**bits, shape).astype(np.uint8)

    assert np.array_equal(pack_fused(pictures, bits, up), pack_by_numpy(pictures, bits, up))


def arguments(**changed: Any) -> Sequence[Any]:
    """Two tiles of 8 pixels of an atlas of one cell of 16, on a bed of 32 and a plane of 20."""
    good: dict[str, Any] = {
        "out": np.zeros((2, 8, 8), np.uint8),
        "matrices": np.ones((2, 2, 6, 6), np.float32),
        "basis": sample_basis(8),
        "texels": np.arange(256, dtype=np.uint8),
        "stride": 16,
        "starts": np.zeros(2, np.int32),
        "bed": np.zeros(1024, np.uint8),
        "bed_stride": 32,
        "centres": np.zeros(2, np.int32),
        "plane": np.zeros(400, np.uint8),
        "plane_stride": 20,
        "corners": np.zeros(2, np.int32),
    }
    out, matrices, basis, *rest = {**good, **changed}.values()
    return out, matrices, basis, tuple(rest[:3]), tuple(rest[3:6]), (*rest[6:], True)


def with_one(shape: tuple[int, ...], value: float) -> NDArray[np.float32]:
    values = np.zeros(shape, np.float32)
    values.flat[-1] = value
    return values


def test_what_is_asked_for_here_can_be_drawn() -> None:
    fused.draw(*arguments())


@pytest.mark.parametrize(
    "changed",
    [
        {"out": np.zeros((2, 8, 7), np.uint8)},
        {"out": np.zeros((3, 8, 8), np.uint8)},
        {"out": np.zeros(129, np.uint8)},
        {"matrices": np.ones((1, 2, 6, 6), np.float32)},
        {"matrices": np.ones(145, np.float32)},
        {"matrices": with_one((2, 2, 6, 6), 512)},
        {"matrices": with_one((2, 2, 6, 6), float("nan"))},
        {"matrices": with_one((2, 2, 6, 6), float("inf"))},
        {"basis": b""},
        {"basis": np.zeros(49, np.float32)},
        {"basis": with_one((8, 6), 1.5)},
        {"basis": with_one((8, 6), float("nan"))},
        {"basis": np.zeros((1025, 6), np.float32), "out": np.zeros((2, 1025, 1025), np.uint8)},
        {"texels": b""},
        {"stride": 0},
        {"stride": -16},
        {"stride": 257},
        {"starts": np.zeros(9, np.uint8)},
        {"bed_stride": 0},
        {"bed_stride": 1025},
        {"centres": np.zeros(1, np.int32)},
        {"plane_stride": 7},
        {"plane_stride": 2**62},
        {"corners": np.zeros(3, np.int32)},
        {"corners": np.array([0, 253], np.int32)},
        {"plane": np.zeros(8, np.uint8), "plane_stride": 8},
        {"starts": np.zeros(9, np.uint8)[1:]},
    ],
)
def test_what_does_not_fit_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot be so"):
        fused.draw(*arguments(**changed))


def test_a_picture_that_cannot_be_written_to_is_refused() -> None:
    with pytest.raises((BufferError, TypeError)):
        fused.draw(*arguments(out=bytes(128)))


@settings(max_examples=300, deadline=None)
@given(
    starts=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=2, max_size=2),
    centres=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=2, max_size=2),
    corners=st.lists(st.integers(-(2**31), 252), min_size=2, max_size=2),
    seed=st.integers(0, 2**32),
)
def test_a_place_past_the_texels_reads_the_last_of_them(
    starts: list[int], centres: list[int], corners: list[int], seed: int
) -> None:
    matrices = np.random.default_rng(seed).uniform(-14, 14, (2, 2, 6, 6)).astype(np.float32)
    texels, bed = np.zeros(256, np.uint8), np.zeros(1024, np.uint8)
    texels[-1] = bed[-1] = 15
    numbers = {
        name: np.array(of, np.int32)
        for name, of in (("starts", starts), ("centres", centres), ("corners", corners))
    }
    asked = arguments(matrices=matrices, texels=texels, bed=bed, plane=np.full(400, 15, np.uint8), **numbers)

    fused.draw(*asked)

    place = whole_places(matrices, sample_basis(8)).astype(np.int64)
    at = (place[:, 1] * 16 + place[:, 0] + numbers["starts"][:, None, None]) % 2**32
    behind = (place[:, 1] * 32 + place[:, 0] + numbers["centres"][:, None, None]) % 2**32
    lit = (at >= 255) | ((behind >= 1023) & (numbers["centres"] >= 0)[:, None, None])
    assert np.array_equal(asked[0], np.where(lit, 15, 0))
    assert np.abs(places(matrices, sample_basis(8))).max() < 512


@pytest.mark.parametrize(
    ("out", "height", "width", "bits"),
    [
        (19, 4, 8, 4),
        (21, 4, 8, 4),
        (12, 4, 8, 3),
        (12, 4, 8, 8),
        (12, 0, 8, 4),
        (12, 4, 0, 4),
        (12, -4, -8, 4),
        (12, 4, 6, 2),
        (12, 4, 7, 4),
        (12, 2**40, 8, 4),
        (12, 4, 2**40, 4),
    ],
)
def test_pictures_that_do_not_fit_are_refused(out: int, height: int, width: int, bits: int) -> None:
    with pytest.raises(ValueError, match="cannot be so"):
        fused.pack(bytearray(out), bytes(32), height, width, bits, False)
