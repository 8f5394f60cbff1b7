"""Random numbers for drawing: SHAKE (FIPS 202) of a seed, the same on every machine and in every version.

numpy's generators promise no equal streams across versions, and making one costs several times the 1.3 µs of
a whole challenge's SHAKE.
"""

import hashlib
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Words: TypeAlias = NDArray[np.uint16]

#: Keeps the drawing's numbers apart from every other hash of the same seed: a picture shows its numbers, an
#: answer hides them.
_PICTURE = b"captcha_stateless picture\0"
_TABLE = b"captcha_stateless table\0"


def draw_words(seed: bytes, rows: int, columns: int) -> Words:
    """Return (rows, columns) uniform 16-bit words of SHAKE-128."""
    digest = hashlib.shake_128(_PICTURE + seed).digest(2 * rows * columns)
    return np.frombuffer(digest, "<u2").reshape(rows, columns)


def draw_bytes(secret: bytes, label: str, count: int) -> NDArray[np.uint8]:
    """Return ``count`` uniform bytes for the table ``label``: SHAKE-256 of secret and label."""
    seed = _TABLE + label.encode() + b"\0" + secret
    return np.frombuffer(hashlib.shake_256(seed).digest(count), np.uint8)


def draw_uniform(secret: bytes, label: str, *shape: int) -> NDArray[np.float64]:
    """Return uniform numbers in [0, 1) for the table ``label``, in steps of 2^-32."""
    words = draw_bytes(secret, label, 4 * int(np.prod(shape))).view("<u4")
    return (words / 2**32).reshape(shape)


def scaled(words: Words, below: int) -> NDArray[np.intp]:
    """Map 16-bit words to whole numbers from 0 to ``below`` - 1, even to within ``below`` / 65536."""
    return (words.astype(np.intp) * below) >> 16
