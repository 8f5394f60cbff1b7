"""Lookalikes: which characters may stand beside which."""

from captcha_stateless.kinds.lookalikes import NEVER_WITH, apart
from captcha_stateless.settings import Settings


def test_pairs_found_by_eye_are_kept_apart() -> None:
    for one, other in ("4A", "T7", "KX", "EF", "XY", "UV", "MW", "0O", "1l"):
        assert other not in apart(one, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789l")
        assert one not in apart(other, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789l")


def test_the_table_reads_both_ways() -> None:
    assert all(one in NEVER_WITH[other] for one, others in NEVER_WITH.items() for other in others)


def test_a_character_is_no_lookalike_of_itself() -> None:
    assert not any(one in others for one, others in NEVER_WITH.items())


def test_what_is_expected_never_stands_beside_itself() -> None:
    assert apart("C", "CEK") == "EK"


def test_the_default_alphabet_leaves_enough_beside_each() -> None:
    alphabet = Settings().alphabet

    assert min(len(apart(one, alphabet)) for one in alphabet) >= 8
