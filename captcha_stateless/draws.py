"""Choices drawn from a seed: the same on every replica, whatever the version of any library."""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_WORD_BYTES = 4


class Draws:
    """A stream of even choices from SHAKE-128 (FIPS 202) of a label and a seed.

    Each choice takes one 32-bit word, so that a choice among ``n`` is biased by less than ``n / 2**32``.
    """

    def __init__(self, seed: bytes, label: str, *, choices: int = 64) -> None:
        digest = hashlib.shake_128(label.encode("ascii") + b"\x00" + seed).digest(_WORD_BYTES * choices)
        self._words: Iterator[int] = iter(struct.unpack(f"<{choices}I", digest))

    def below(self, bound: int) -> int:
        """Draw a whole number from 0 to ``bound - 1``.

        Raises:
            IndexError: when more is drawn than was announced to the constructor.
        """
        for word in self._words:
            return word * bound >> 32
        raise IndexError("more choices drawn than announced")

    def pick(self, options: Sequence[T]) -> T:
        """Draw one of the options, each as likely as the others."""
        for word in self._words:
            return options[word * len(options) >> 32]
        raise IndexError("more choices drawn than announced")
