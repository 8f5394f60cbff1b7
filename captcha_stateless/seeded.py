"""Choices drawn from a seed: the same on every replica, whatever the version of any library."""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

_WORD_BYTES = 4
_EXHAUSTED = "more choices drawn than announced"


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
        raise IndexError(_EXHAUSTED)

    def picks(self, options: Sequence[T], count: int) -> list[T]:
        """Draw so many of the options, each as often as chance will; raises as :meth:`below`."""
        words, bound = list(islice(self._words, count)), len(options)
        if len(words) < count:
            raise IndexError(_EXHAUSTED)
        return [options[word * bound >> 32] for word in words]

    def pick(self, options: Sequence[T]) -> T:
        """Draw one of the options, each as likely as the others."""
        return self.picks(options, 1)[0]
