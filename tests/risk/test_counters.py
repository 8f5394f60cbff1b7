"""Counters: they count, forget, and stay within their bounds."""

import pytest

from captcha_stateless.risk.counters import Counters


def test_a_count_halves_in_its_half_life() -> None:
    counters = Counters(half_life_seconds=10)
    for _ in range(8):
        counters.add(b"one", 0)

    assert counters.value(b"one", 10) == pytest.approx(4)
    assert counters.value(b"one", 1_000) < 1e-9


def test_counts_of_two_keys_are_their_own() -> None:
    counters = Counters(10)
    counters.add(b"one", 0)

    assert counters.value(b"other", 0) == 0


def test_no_more_than_so_many_are_kept() -> None:
    """The one that was touched longest ago goes first."""
    counters = Counters(10, most=3)
    for key in (b"a", b"b", b"c", b"a", b"d"):
        counters.add(key, 0)

    assert len(counters) == 3
    assert [counters.value(key, 0) for key in (b"a", b"b", b"c", b"d")] == [2, 0, 1, 1]


def test_a_clock_set_back_makes_nothing_grow() -> None:
    counters = Counters(10)
    counters.add(b"one", 1_000)

    assert counters.value(b"one", 0) == 1
