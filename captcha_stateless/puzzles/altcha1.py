"""ALTCHA's first form: which number, behind a salt, has this SHA-256?

The number is drawn, so that there is one answer and its sealed digest decides. What is hashed is the salt as it was handed
out, to the letter, and the number in decimal; the last character of a salt is ``&``, or digits could move from one to the
other (CVE-2025-68113). The algorithm is pinned: widgets know others, no challenge of ours names one.
"""

import hashlib
from itertools import count
from typing import ClassVar

from captcha_stateless.errors import BadAnswer
from captcha_stateless.model import Params
from captcha_stateless.puzzles.base import Puzzle, bits_of, require_tellable, seconds_of

ALGORITHM = "SHA-256"
#: What JavaScript writes without a fraction.
MAX_NUMBER = 2**53 - 1

NOT_A_NUMBER = "number must be a whole number"

_NONCE_BYTES, _NUMBER_BYTES = 12, 8


class AltchaOne(Puzzle):
    """Asks for the number behind a salt."""

    name: ClassVar[str] = "altcha-1"

    def plan(self, wanted: Params) -> Params:
        """Complete the params: ``difficulty`` in bits, and ``seconds`` of life."""
        return {
            "puzzle": self.name,
            "difficulty": bits_of(wanted),
            "seconds": seconds_of(wanted),
        }

    def draw(self, seed: bytes, params: Params) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
        """Show the nonce that begins the salt, and the greatest number; the answer is the number."""
        most = most_of(int(params["difficulty"]))
        nonce, number = drawn(seed, most)
        return (nonce, str(most)), (str(number).encode(),)

    def normal(self, answer: object, params: Params) -> bytes:
        """Take a whole number, no text and no truth value."""
        if type(answer) is not int or not 0 <= answer <= MAX_NUMBER:
            raise BadAnswer(NOT_A_NUMBER)
        return str(answer).encode()

    def tell(self, seed: bytes, params: Params) -> int:
        """Find the number by search, so that what is told is what a client finds."""
        require_tellable(int(params["difficulty"]))
        nonce, number = drawn(seed, most_of(int(params["difficulty"])))
        wanted = digest_of(f"{nonce}?&", number)
        return next(guess for guess in count() if digest_of(f"{nonce}?&", guess) == wanted)


def most_of(bits: int) -> int:
    """Tell the greatest number: half of so many are tried on average, two to the power of the bits."""
    most: int = 2 ** (bits + 1) - 1
    return most


def drawn(seed: bytes, most: int) -> tuple[str, int]:
    """Draw a nonce of 24 hexadecimal digits, which is shown, and a number from 0 to ``most``, which is not.

    Both come of one stream of SHAKE (FIPS 202), of which no part tells another.
    """
    stream = hashlib.shake_128(b"altcha-1\x00" + seed).digest(_NONCE_BYTES + _NUMBER_BYTES)
    return stream[:_NONCE_BYTES].hex(), int.from_bytes(stream[_NONCE_BYTES:], "big") % (most + 1)


def digest_of(salt: str, number: int) -> str:
    """Hash a salt and a number, as 64 hexadecimal digits."""
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()
