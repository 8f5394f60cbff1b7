"""Time-lock: x squared t times modulo N (Rivest, Shamir and Wagner 1996), which no number of machines does sooner.

Whoever knows the factors of N reduces the exponent 2^t modulo their totients, and is done in milliseconds. The factors are
derived from the deployment's own secret, so that every replica has the same without having been told; they are made when
they are first asked for, which takes a second.
"""

import hashlib
from functools import cached_property
from itertools import count
from typing import ClassVar

from captcha_stateless.errors import BadAnswer
from captcha_stateless.model import Params
from captcha_stateless.puzzles.base import Puzzle, bits_of, seconds_of

#: Of each factor; 2,048 bits of N are beyond anybody for decades (NIST SP 800-57, part 1).
FACTOR_BITS = 1_024
#: What Cap's clients take.
LEAST_SQUARINGS, MOST_SQUARINGS = 10_000, 300_000

NOT_A_RESIDUE = "y must be a number in hexadecimal digits"

# Of a number below N, and whatever zeros a client writes before it.
_MAX_DIGITS = 2 * FACTOR_BITS // 4 + 16
_DIGITS = frozenset("0123456789abcdefABCDEF")
_ROUNDS = 24
_SMALL = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97)


class TimeLock(Puzzle):
    """Asks for so many squarings, one after the other."""

    name: ClassVar[str] = "time-lock"

    def __init__(self, secret: bytes) -> None:
        """Take what the factors are derived from."""
        self._secret = secret

    def plan(self, wanted: Params) -> Params:
        """Complete the params: ``difficulty`` in bits, of squarings, and ``seconds`` of life."""
        return {
            "puzzle": self.name,
            "difficulty": bits_of(wanted),
            "seconds": seconds_of(wanted),
        }

    def draw(self, seed: bytes, params: Params) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
        """Show N and x in hexadecimal digits; the answer is found when it is judged."""
        return (f"{self.modulus:x}", f"{self._base(seed):x}"), ()

    def normal(self, answer: object, params: Params) -> bytes:
        """Take a text of hexadecimal digits, with or without zeros before it."""
        if not isinstance(answer, str) or not 1 <= len(answer) <= _MAX_DIGITS or not set(answer) <= _DIGITS:
            raise BadAnswer(NOT_A_RESIDUE)
        return answer.lower().lstrip("0").encode("ascii")

    def right(self, seed: bytes, params: Params, normal: bytes) -> bool:
        """Judge by the factors: the shorter way to the same number."""
        return normal == f"{self._power(self._base(seed), squarings(params)):x}".encode("ascii")

    def price(self, params: Params) -> int:
        """Tell that it takes some ten milliseconds."""
        return 2

    def tell(self, seed: bytes, params: Params) -> str:
        """Tell y, in hexadecimal digits, by the shorter way."""
        return f"{self._power(self._base(seed), squarings(params)):x}"

    @property
    def modulus(self) -> int:
        """N, the product of the two factors."""
        p, q = self._factors
        return p * q

    @cached_property
    def _factors(self) -> tuple[int, int]:
        return prime(self._secret, "p"), prime(self._secret, "q")

    def _base(self, seed: bytes) -> int:
        wide = hashlib.shake_256(b"time-lock\x00" + seed).digest(2 * FACTOR_BITS // 8)
        return int.from_bytes(wide, "big") % self.modulus

    def _power(self, base: int, squarings: int) -> int:
        # By each factor, and joined by the Chinese remainder theorem: a quarter of the work.
        p, q = self._factors
        low = pow(base % q, pow(2, squarings, q - 1), q)
        high = pow(base % p, pow(2, squarings, p - 1), p)
        return low + q * ((high - low) * pow(q, -1, p) % p)


def squarings(params: Params) -> int:
    """Tell t of a difficulty: two to its power, within what clients take."""
    wanted: int = 2 ** int(params["difficulty"])
    return min(max(wanted, LEAST_SQUARINGS), MOST_SQUARINGS)


def prime(secret: bytes, label: str, bits: int = FACTOR_BITS) -> int:
    """Derive a prime of so many bits, the two highest set, so that two make a product of twice as many.

    Candidates come of SHAKE (FIPS 202) and are tested as Miller and Rabin do (FIPS 186-5, appendix B.3.1): with 24 rounds a
    composite passes with a probability below 2^-48, and far below for random candidates.
    """
    for number in count():
        stream = hashlib.shake_256(b"prime\x00%b\x00%b\x00%d" % (label.encode("ascii"), secret, number))
        candidate = int.from_bytes(stream.digest(bits // 8), "big") | 3 << (bits - 2) | 1
        if all(candidate % small for small in _SMALL) and is_prime(candidate, stream.digest(bits // 8 + 64)):
            break
    return candidate


def is_prime(candidate: int, chance: bytes) -> bool:
    """Tell whether an odd number above 3 passes Miller and Rabin's test, with bases of what ``chance`` says."""
    twos = (candidate - 1 & 1 - candidate).bit_length() - 1
    odd = candidate - 1 >> twos
    return all(
        _passes(candidate, _witness(candidate, chance, number), odd, twos) for number in range(_ROUNDS)
    )


def _witness(candidate: int, chance: bytes, number: int) -> int:
    drawn = hashlib.shake_128(b"%b\x00%d" % (chance, number)).digest(candidate.bit_length() // 8 + 8)
    return 2 + int.from_bytes(drawn, "big") % (candidate - 3)


def _passes(candidate: int, base: int, odd: int, twos: int) -> bool:
    power = pow(base, odd, candidate)
    if power in (1, candidate - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % candidate
        if power == candidate - 1:
            return True
    return False
