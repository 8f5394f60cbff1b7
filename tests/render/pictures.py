"""What tests ask of pictures, written without the package's own encoder."""

import io
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ALPHABET = "ACEFHKLMNPRTUVWXY34679"
GLYPHS = "AACEFHKAMA"
SECRET = b"a secret of thirty-two bytes ..."


def opened(png: bytes) -> Image.Image:
    """Decode a PNG wholly."""
    picture = Image.open(io.BytesIO(png))
    picture.load()
    return picture


def indices(png: bytes) -> NDArray[np.uint8]:
    """Return a palette picture's indices, (height, width)."""
    return np.asarray(opened(png))


def palette(png: bytes) -> list[tuple[int, int, int]]:
    """Return a palette picture's colours."""
    flat = cast(list[int], opened(png).getpalette())
    return list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
