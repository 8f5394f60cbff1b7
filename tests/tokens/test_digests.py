"""Keyed hashes: framed, keyed, and compared whole."""

from captcha_stateless.tokens.digests import derive, fingerprint, keyed_hash, same


def test_parts_cannot_slide_into_each_other() -> None:
    assert keyed_hash(b"key", b"a", b"bc") != keyed_hash(b"key", b"ab", b"c")


def test_another_key_gives_another_hash() -> None:
    assert keyed_hash(b"key", b"a") != keyed_hash(b"yek", b"a")


def test_labels_give_unrelated_keys_of_32_bytes() -> None:
    assert len(derive(b"root", "one")) == 32
    assert derive(b"root", "one") != derive(b"root", "other")


def test_a_fingerprint_takes_any_text() -> None:
    assert len(fingerprint("\ud800")) == 32


def test_same_compares_lengths_too() -> None:
    assert same(b"ab", b"ab")
    assert not same(b"ab", b"abc")
