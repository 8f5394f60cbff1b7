"""Draws: known answers, and evenness."""

import hashlib
from collections import Counter

import pytest

from captcha_stateless.seeded import Draws


def test_the_words_are_those_of_shake_128() -> None:
    words = hashlib.shake_128(b"label\x00seed").digest(8)

    draws = Draws(b"seed", "label", choices=2)

    assert draws.below(1 << 32) == int.from_bytes(words[:4], "little")
    assert draws.below(1 << 32) == int.from_bytes(words[4:], "little")


def test_choices_are_even() -> None:
    draws = Draws(b"seed", "label", choices=7_000)

    counts = Counter(draws.pick("ABCDEFG") for _ in range(7_000))

    assert sum((count - 1_000) ** 2 / 1_000 for count in counts.values()) < 6 + 5 * 12**0.5


def test_labels_keep_streams_apart() -> None:
    assert Draws(b"seed", "one").below(1 << 32) != Draws(b"seed", "other").below(1 << 32)


def test_more_than_announced_is_an_error() -> None:
    draws = Draws(b"seed", "label", choices=1)
    draws.below(2)

    with pytest.raises(IndexError):
        draws.below(2)
