"""PNG by hand: palette pictures of two or four bits, a whole batch at once (PNG, third edition, W3C 2025)."""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from captcha_stateless.render.compiled import COMPILED, fused
from captcha_stateless.render.deflate import Deflate, crc32

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INDEXED = 3
_FILTER_UP = 2
_big_endian = struct.Struct(">I").pack


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk: length, name, data, checksum (section 5.3)."""
    body = name + data
    return _big_endian(len(data)) + body + _big_endian(crc32(body))


_END = chunk(b"IEND", b"")
_IDAT_CRC = crc32(b"IDAT")


def bits_for(colours: int, width: int) -> int:
    """Return a pixel's bits, in rows of whole bytes: 2 for up to four colours, else 4."""
    return 2 if colours <= 4 and width % 4 == 0 else 4


def build_heads(width: int, height: int, palettes: NDArray[np.uint8]) -> list[bytes]:
    """Return what comes before the pixels, for each of (count, colours, 3) palettes: colour then costs nothing."""
    bits = bits_for(palettes.shape[1], width)
    header = struct.pack(">IIBBBBB", width, height, bits, _INDEXED, 0, 0, 0)
    start = _SIGNATURE + chunk(b"IHDR", header)
    return [start + chunk(b"PLTE", palette.tobytes()) for palette in palettes]


def encode(
    pictures: NDArray[np.uint8], heads: Sequence[bytes], deflate: Deflate, *, up: bool = True, bits: int = 4
) -> list[bytes]:
    """Return PNG files of (count, height, width) palette indices, each after its head.

    Rows are of whole bytes: see :func:`bits_for`.
    Rows are told by their difference from the one ``up`` of them, which suits broad areas of soft tones; thin lines on
    plain ground take a quarter less without.
    """
    rows = pack(pictures, bits, up)
    files = []
    for head, row in zip(heads, rows, strict=True):
        data = deflate(row.data)
        checksum = crc32(data, _IDAT_CRC)
        files.append(b"".join((head, _big_endian(len(data)), b"IDAT", data, _big_endian(checksum), _END)))
    return files


def pack_by_numpy(pictures: NDArray[np.uint8], bits: int, up: bool) -> NDArray[np.uint8]:
    """Return what is deflated of each picture: (count, height * (1 + width * bits / 8)) bytes."""
    rows = packed(pictures, bits)
    return (filtered(rows) if up else rows).reshape(len(pictures), -1)


def pack_fused(pictures: NDArray[np.uint8], bits: int, up: bool) -> NDArray[np.uint8]:
    """Do the same in C."""
    count, height, width = pictures.shape
    rows = np.empty((count, height * (1 + width * bits // 8)), np.uint8)
    fused.pack(rows, pictures, height, width, bits, up)
    return rows


def packed(pictures: NDArray[np.uint8], bits: int = 4) -> NDArray[np.uint8]:
    """Put two indices, or four, into each byte, the left one into the highest bits (section 7.2).

    A pair read as one little-endian word is left + 256 right; times 0x1001 that is 4096 left + 256 right +
    what the shift drops, so one multiply and one shift pack a pair; four likewise.

    Returns:
        (count, height, 1 + width * bits / 8); the first byte of a row is 0, the filter "none".
    """
    count, height, _ = pictures.shape
    word, factor, drop = _PACKING[bits]
    packs = pictures.view(word) * factor
    packs >>= drop
    rows = np.zeros((count, height, 1 + packs.shape[2]), np.uint8)
    rows[:, :, 1:] = packs
    return rows


#: By bits: the word that holds a byte's indices, what gathers them in its highest byte, and what lies below that.
_PACKING = {
    2: ("<u4", np.uint32(1 << 30 | 1 << 20 | 1 << 10 | 1), np.uint32(24)),
    4: ("<u2", np.uint16(1 << 12 | 1), np.uint16(8)),
}


def filtered(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Subtract from each row the one above, and say so in its first byte (section 9.2).

    Rows of all pictures are one long array here, which is what makes it one fast subtraction; a picture's
    first row, which has none above it, stays as it was.
    """
    result = np.empty_like(rows)
    flat, length = rows.reshape(-1), rows.shape[2]
    np.subtract(flat[length:], flat[:-length], out=result.reshape(-1)[length:])
    result[:, :, 0] = _FILTER_UP
    result[:, 0] = rows[:, 0]
    return result


pack = pack_fused if COMPILED else pack_by_numpy
