"""PNG by hand: 4-bit palette pictures, a whole batch at once (PNG, third edition, W3C 2025)."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from captcha_stateless.render.deflate import Deflate

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BITS, _INDEXED = 4, 3
_FILTER_NONE, _FILTER_UP = 0, 2
_big_endian = struct.Struct(">I").pack


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk: length, name, data, checksum (section 5.3)."""
    body = name + data
    return _big_endian(len(data)) + body + _big_endian(zlib.crc32(body))


_END = chunk(b"IEND", b"")


def build_heads(width: int, height: int, palettes: NDArray[np.uint8]) -> list[bytes]:
    """Return what comes before the pixels, for each of (count, 16, 3) palettes: colour then costs nothing."""
    header = struct.pack(">IIBBBBB", width, height, _BITS, _INDEXED, 0, 0, 0)
    start = _SIGNATURE + chunk(b"IHDR", header)
    return [start + chunk(b"PLTE", palette.tobytes()) for palette in palettes]


def encode(pictures: NDArray[np.uint8], heads: Sequence[bytes], deflate: Deflate) -> list[bytes]:
    """Return PNG files of (count, height, width) palette indices, each after its head; the width is even."""
    rows = filtered(packed(pictures)).reshape(len(pictures), -1)
    return [_file(head, deflate(row.data)) for head, row in zip(heads, rows, strict=True)]


def packed(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put two indices into each byte, the left one into the high half (section 7.2).

    A pair read as one little-endian word is left + 256 right; times 0x1001 that is 4096 left + 256 right +
    what the shift drops, so one multiply and one shift pack a pair.
    """
    pairs = pictures.view("<u2") * np.uint16(0x1001)
    pairs >>= np.uint16(8)
    return pairs.astype(np.uint8)


def filtered(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put in front of rows, (count, height, bytes), the filter's number; subtract from each the one above."""
    count, height, width = rows.shape
    result = np.empty((count, height, width + 1), np.uint8)
    result[:, :, 0] = _FILTER_UP
    result[:, 0, 0] = _FILTER_NONE
    result[:, 0, 1:] = rows[:, 0]
    np.subtract(rows[:, 1:], rows[:, :-1], out=result[:, 1:, 1:])
    return result


def _file(head: bytes, data: bytes) -> bytes:
    body = b"IDAT" + data
    return b"".join((head, _big_endian(len(data)), body, _big_endian(zlib.crc32(body)), _END))
