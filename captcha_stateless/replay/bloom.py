"""A blocked Bloom filter's arithmetic: how many bits a load needs, and which bits an attempt sets.

Every attempt sets its bits inside one block of 4096, so that a filter shared by processes locks one block
instead of the whole (Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
Blocks fill unevenly, which costs 4 to 10% more bits than an unblocked filter; :func:`false_positive_rate`
counts with that.
"""

import math
import struct
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Protocol, Self, overload

from captcha_stateless.errors import Misconfigured

BLOCK_BITS = 4096
BLOCK_BYTES = BLOCK_BITS // 8
_BYTE = BLOCK_BYTES - 1

#: One BLAKE2b digest places an attempt: 4 bytes choose the block and two bytes each bit, so 30 bits are the
#: most.
MAX_HASHES = 30


class Bits(Protocol):
    """Bytes that can be read and written: a ``bytearray`` or a memory map."""

    @overload
    def __getitem__(self, index: int, /) -> int: ...
    @overload
    def __getitem__(self, index: slice, /) -> bytes | bytearray: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Geometry:
    """The size of one filter: ``blocks`` of 4096 bits, ``hashes`` bits for each of ``capacity`` attempts."""

    blocks: int
    hashes: int
    capacity: int

    @classmethod
    def for_load(cls, capacity: int, false_positives: float) -> Self:
        """Find the smallest filter for ``capacity`` attempts with no higher rate of false positives.

        Raises:
            Misconfigured: the capacity is below 1, or the rate outside 1e-9 to 0.1.
        """
        if capacity < 1:
            raise Misconfigured("a replay filter needs room for at least one attempt")
        if not 1e-9 <= false_positives <= 0.1:
            raise Misconfigured("a replay filter's false-positive rate must lie between 1e-9 and 0.1")
        ideal = math.log2(1 / false_positives)
        # Uneven blocks are better served by fewer hashes than the log2(1/p) of an unblocked filter.
        candidates = range(max(1, int(ideal * 0.6)), min(MAX_HASHES, math.ceil(ideal)) + 1)
        load, hashes = _best(candidates, false_positives)
        return cls(math.ceil(capacity / load), hashes, capacity)

    @property
    def size_bytes(self) -> int:
        """The bits' size, in bytes."""
        return self.blocks * BLOCK_BYTES


def false_positive_rate(load: float, hashes: int) -> float:
    """Tell how often a fresh attempt looks spent, at ``load`` attempts a block on average.

    Attempts choose their blocks at random, so a block's load is Poisson-distributed. Within a block the
    number of bits set varies too: the second-order term corrects the mean of its ``hashes``-th power (at 1e-9
    it adds 2.5%).
    """
    spread = 8 * math.sqrt(load) + 8
    total = 0.0
    for attempts in range(max(1, int(load - spread)), int(load + spread) + 1):
        weight = math.exp(attempts * math.log(load) - load - math.lgamma(attempts + 1))
        throws = attempts * hashes
        clear = (1 - 1 / BLOCK_BITS) ** throws
        filled = 1 - clear
        variance = max(0.0, clear - clear * clear * (1 + throws / BLOCK_BITS)) / BLOCK_BITS
        total += weight * filled**hashes * (1 + hashes * (hashes - 1) / 2 * variance / (filled * filled))
    return total


def _best(candidates: range, false_positives: float) -> tuple[float, int]:
    """Find the heaviest load, and the most hashes that bear it; most of those that bear less are not looked at closely."""
    best = (0.0, 0)
    for hashes in sorted(candidates, key=lambda hashes: abs(hashes - candidates[len(candidates) * 5 // 6])):
        if not best[1] or false_positive_rate(best[0], hashes) <= false_positives:
            best = max(best, (_heaviest_load(hashes, false_positives), hashes))
    return best


@cache
def _heaviest_load(hashes: int, false_positives: float) -> float:
    """Find, by bisection, the attempts a block that ``hashes`` bits each bear at that rate."""
    low, high = 1e-3, float(BLOCK_BITS)
    for _ in range(30):
        middle = (low + high) / 2
        if false_positive_rate(middle, hashes) <= false_positives:
            low = middle
        else:
            high = middle
    return low


class Placer:
    """Maps an attempt to its block and bits by a keyed hash: nobody outside can aim at another's bits."""

    def __init__(self, key: bytes, geometry: Geometry) -> None:
        """Take a key that does not rotate: under a new key every spent attempt would look fresh.

        Raises:
            Misconfigured: the key has fewer than 16 bytes.
        """
        if len(key) < 16:
            raise Misconfigured("a replay filter's key needs at least 16 bytes")
        self._blocks = geometry.blocks
        self._digest = struct.Struct(f"<I{geometry.hashes}H")
        self._keyed = blake2b(
            key=blake2b(key, digest_size=32).digest(),
            digest_size=self._digest.size,
            person=b"captcha-replay",
        )

    def place(self, attempt: bytes) -> tuple[int, list[int]]:
        """Return the attempt's block, and its bits' positions therein, of which the low 12 bits count.

        What has a moment, too, has its bits that much further on: one look at its block finds it at every moment.
        """
        hashed = self._keyed.copy()
        hashed.update(attempt)
        block, *positions = self._digest.unpack(hashed.digest())
        return block % self._blocks, positions


def is_marked(bits: Bits, start: int, positions: list[int]) -> bool:
    """Tell whether every position is set in the block that begins at byte ``start``."""
    return all(bits[start + (position >> 3 & _BYTE)] & 1 << (position & 7) for position in positions)


def moments_of(bits: Bits, start: int, positions: list[int], moments: range) -> list[bool]:
    """Tell at which of the moments, one after the other, every position is set; all are looked at in one step."""
    block = int.from_bytes(bits[start : start + BLOCK_BYTES], "little")
    wound = block | block << BLOCK_BITS
    found = (1 << len(moments)) - 1
    for position in positions:
        found &= wound >> (position + moments.start) % BLOCK_BITS
        if not found:
            break
    return [bool(found >> number & 1) for number in range(len(moments))]


def mark_bits(bits: Bits, start: int, positions: list[int], moment: int = 0) -> None:
    """Set every position, at a moment, in the block that begins at byte ``start``."""
    for position in positions:
        position += moment
        bits[start + (position >> 3 & _BYTE)] |= 1 << (position & 7)
