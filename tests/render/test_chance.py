"""Random numbers: known SHAKE vectors, and no relation to other hashes of a seed."""

import hashlib

import numpy as np

from captcha_stateless.render.chance import draw_bytes, draw_uniform, draw_words, scaled


def test_shake_128_of_this_python_is_that_of_fips_202() -> None:
    """The empty message's output, as NIST's example file for SHAKE128 prints it."""
    digest = hashlib.shake_128(b"").hexdigest(32)

    assert digest == "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"


def test_words_are_shake_128_of_label_and_seed() -> None:
    digest = hashlib.shake_128(b"captcha_stateless picture\0seed").digest(24)

    words = draw_words(b"seed", 3, 4)

    assert words.shape == (3, 4)
    assert words.astype("<u2").tobytes() == digest


def test_words_of_a_known_seed_never_change() -> None:
    """Two versions in a half-rolled-out fleet must draw alike."""
    assert draw_words(b"seed", 1, 4).tolist() == [[32967, 33617, 6777, 27559]]


def test_words_tell_nothing_of_a_plain_hash_of_the_seed() -> None:
    plain = hashlib.shake_128(b"seed").digest(8)

    assert draw_words(b"seed", 1, 4).tobytes() != plain


def test_tables_differ_by_label_and_secret() -> None:
    tables = {draw_bytes(secret, label, 16).tobytes() for secret in (b"a", b"b") for label in ("x", "y")}

    assert len(tables) == 4


def test_label_and_secret_do_not_run_together() -> None:
    assert draw_bytes(b"b", "a", 16).tobytes() != draw_bytes(b"", "ab", 16).tobytes()


def test_uniform_numbers_fill_the_unit_interval() -> None:
    numbers = draw_uniform(b"secret", "table", 1000, 10)

    assert numbers.shape == (1000, 10)
    assert 0 <= numbers.min() < 0.001 < 0.999 < numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.02


def test_scaled_words_reach_both_ends_and_no_further() -> None:
    assert scaled(np.array([0, 32768, 65535], np.uint16), 10).tolist() == [0, 5, 9]
