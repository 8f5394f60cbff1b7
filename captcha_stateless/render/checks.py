"""What every renderer asks of its arguments when it is made."""

from captcha_stateless.errors import Misconfigured


def check_alphabet(alphabet: str) -> None:
    """Raise Misconfigured unless the alphabet holds printable characters, each once."""
    if not alphabet:
        raise Misconfigured("The alphabet is empty: name the characters to draw.")
    if len(set(alphabet)) < len(alphabet):
        twice = sorted({glyph for glyph in alphabet if alphabet.count(glyph) > 1})
        raise Misconfigured(
            f"The alphabet names {''.join(twice)!r} more than once: name each character once."
        )
    if any(glyph.isspace() or not glyph.isprintable() for glyph in alphabet):
        raise Misconfigured("The alphabet holds a character that shows nothing: take it out.")


def check_side(name: str, pixels: int, smallest: int, largest: int) -> None:
    """Raise Misconfigured unless a picture's side is an even number of pixels within bounds."""
    if not smallest <= pixels <= largest or pixels % 2:
        raise Misconfigured(
            f"A {name} of {pixels} pixels cannot be drawn: use an even number from {smallest} to {largest}."
        )
