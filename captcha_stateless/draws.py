"""Choices drawn from a seed: the same on every replica, whatever the version of any library."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_WORD_BYTES = 4


class Draws:
    """A stream of even choices from SHAKE-128 (FIPS 202) of a label and a seed.

    Each choice takes one 32-bit word, so that a choice among ``n`` is biased by less than ``n / 2**32``.
    """

    def __init__(self, seed: bytes, label: str, *, choices: int = 64) -> None:
        self._words = memoryview(
            hashlib.shake_128(label.encode("ascii") + b"\x00" + seed).digest(_WORD_BYTES * choices)
        )
        self._next = 0

    def below(self, bound: int) -> int:
        """Draw a whole number from 0 to ``bound - 1``.

        Raises:
            IndexError: when more is drawn than was announced to the constructor.
        """
        word = self._words[self._next : self._next + _WORD_BYTES]
        if len(word) < _WORD_BYTES:
            raise IndexError("more choices drawn than announced")
        self._next += _WORD_BYTES
        return int.from_bytes(word, "little") * bound >> 32

    def pick(self, options: Sequence[T]) -> T:
        """Draw one of the options, each as likely as the others."""
        return options[self.below(len(options))]
