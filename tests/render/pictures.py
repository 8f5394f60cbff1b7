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


def components(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the height and width of each piece of touching pixels."""
    left = set(zip(*(at.tolist() for at in mask.nonzero()), strict=True))
    sizes = []
    while left:
        piece = _piece(left)
        rows, columns = zip(*piece, strict=True)
        sizes.append((max(rows) - min(rows) + 1, max(columns) - min(columns) + 1))
    return sizes


def _piece(left: set[tuple[int, int]]) -> list[tuple[int, int]]:
    piece = [left.pop()]
    for row, column in piece:
        for near in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            if near in left:
                left.remove(near)
                piece.append(near)
    return piece
