"""PNG by hand: packing and filtering undone by the rules of the standard."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from captcha_stateless.render.deflate import deflate_zlib
from captcha_stateless.render.png import bits_for, build_heads, encode, filtered, packed
from tests.render.pictures import indices

PALETTES = np.arange(48, dtype=np.uint8).reshape(1, 16, 3)
PICTURES = st.tuples(
    st.integers(1, 3), st.integers(1, 9), st.integers(1, 9).map(lambda half: 2 * half)
).flatmap(lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 15)))
#: What two bits can tell: four colours, in rows of whole bytes.
PLAIN = st.tuples(
    st.integers(1, 3), st.integers(1, 9), st.integers(1, 5).map(lambda quarter: 4 * quarter)
).flatmap(lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 3)))


@given(pictures=PICTURES)
def test_left_pixel_packs_into_the_high_half(pictures: np.typing.NDArray[np.uint8]) -> None:
    expected = pictures[:, :, ::2] * 16 + pictures[:, :, 1::2]

    rows = packed(pictures)

    assert np.array_equal(rows[:, :, 1:], expected)
    assert not rows[:, :, 0].any()


@given(pictures=PLAIN)
def test_the_leftmost_of_four_pixels_packs_into_the_highest_bits(
    pictures: np.typing.NDArray[np.uint8],
) -> None:
    expected = np.packbits(
        np.unpackbits(pictures[..., None], axis=-1)[..., 6:].reshape(pictures.shape[0], -1), axis=1
    )

    rows = packed(pictures, 2)

    assert np.array_equal(rows[:, :, 1:].reshape(len(rows), -1), expected)
    assert not rows[:, :, 0].any()


@pytest.mark.parametrize(
    ("colours", "width", "bits"), [(3, 96, 2), (4, 4, 2), (5, 96, 4), (3, 130, 4), (16, 64, 4)]
)
def test_a_pixel_takes_as_few_bits_as_fill_whole_bytes(colours: int, width: int, bits: int) -> None:
    assert bits_for(colours, width) == bits


@given(pictures=PICTURES)
def test_filtered_rows_add_up_to_what_they_were(pictures: np.typing.NDArray[np.uint8]) -> None:
    rows = packed(pictures)

    differences = filtered(rows)

    assert (differences[:, 0, 0] == 0).all()
    assert (differences[:, 1:, 0] == 2).all()
    assert np.array_equal(np.cumsum(differences[:, :, 1:], 1, np.uint8), rows[:, :, 1:])


@given(pictures=PICTURES, up=st.booleans())
def test_pillow_reads_back_every_pixel(pictures: np.typing.NDArray[np.uint8], up: bool) -> None:
    count, height, width = pictures.shape
    head = build_heads(width, height, PALETTES)[0]

    pngs = encode(pictures, [head] * count, deflate_zlib, up=up)

    assert np.array_equal(np.stack([indices(png) for png in pngs]), pictures)


@given(pictures=PLAIN, up=st.booleans())
def test_pillow_reads_back_every_pixel_of_two_bits(pictures: np.typing.NDArray[np.uint8], up: bool) -> None:
    count, height, width = pictures.shape
    head = build_heads(width, height, PALETTES[:, :4])[0]

    pngs = encode(pictures, [head] * count, deflate_zlib, up=up, bits=2)

    assert np.array_equal(np.stack([indices(png) for png in pngs]), pictures)
