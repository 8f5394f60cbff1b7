"""Zeros: a text whose hash, together with the nonce, begins with enough of them.

A solution is a text such that ``HASH(utf-8 of nonce + ":" + solution)`` begins with so many zeros (Dwork and Naor 1992;
Back's Hashcash 1997). Zeros are counted in hexadecimal digits, as RESTCaptcha's clients count them, or in bits, for finer
steps: a digit is four bits, so both forms are judged by the one rule. There are many right answers and none is known
beforehand; the verdict is one hash, and nothing but the sealed nonce, algorithm and difficulty enters it.
"""

import hashlib
from itertools import count
from typing import ClassVar

from captcha_stateless.errors import BadAnswer, BadRequest
from captcha_stateless.model import Params
from captcha_stateless.puzzles.base import (
    MAX_SECONDS,
    UNITS,
    Puzzle,
    bits_of,
    require_tellable,
    seconds_of,
    whole,
)

ALGORITHMS = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}

#: A counter in decimal takes 20 characters at most, a text of 256 random bits in base64 takes 44.
MAX_SOLUTION_CHARACTERS = 128

NOT_A_TEXT = "solution must be a text"
WRONG_LENGTH = f"solution must have 1 to {MAX_SOLUTION_CHARACTERS} characters"

_DEFAULTS: Params = {"algorithm": "sha-256", "unit": "bits", "difficulty": 16, "seconds": MAX_SECONDS}


class Zeros(Puzzle):
    """Asks for zeros at the beginning of a hash; the seed itself is the nonce, in lower-case hexadecimal digits."""

    name: ClassVar[str] = "zeros"

    def plan(self, wanted: Params) -> Params:
        """Complete the params: ``algorithm``, ``unit`` (hex or bits), ``difficulty`` in units, and ``seconds`` of life."""
        params = {**_DEFAULTS, **{name: wanted[name] for name in _DEFAULTS if name in wanted}}
        if params["algorithm"] not in ALGORITHMS or params["unit"] not in UNITS:
            raise BadRequest(f"algorithm must be one of {', '.join(ALGORITHMS)}, unit hex or bits")
        bits_of(params)
        return {**params, "difficulty": whole(params["difficulty"]), "seconds": seconds_of(params)}

    def draw(self, seed: bytes, params: Params) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
        """Show the nonce; no answer is known."""
        return (seed.hex(),), ()

    def normal(self, answer: object, params: Params) -> bytes:
        """Take the solution's text as UTF-8."""
        if not isinstance(answer, str):
            raise BadAnswer(NOT_A_TEXT)
        if not 1 <= len(answer) <= MAX_SOLUTION_CHARACTERS:
            raise BadAnswer(WRONG_LENGTH)
        try:
            return answer.encode()
        except UnicodeEncodeError:
            raise BadAnswer(NOT_A_TEXT) from None

    def right(self, seed: bytes, params: Params, normal: bytes) -> bool:
        """Judge a solution by one hash; the zeros are public, so their comparison need not take constant time."""
        return _zeros(seed, params, normal) >= _bits(params)

    def tell(self, seed: bytes, params: Params) -> str:
        """Search a solution."""
        wanted = _bits(params)
        require_tellable(wanted)
        return next(g for g in map(str, count()) if _zeros(seed, params, g.encode()) >= wanted)


def _bits(params: Params) -> int:
    return int(params["difficulty"]) * UNITS[str(params["unit"])]


def _zeros(seed: bytes, params: Params, solution: bytes) -> int:
    digest = ALGORITHMS[str(params["algorithm"])](seed.hex().encode("ascii") + b":" + solution).digest()
    return len(digest) * 8 - int.from_bytes(digest, "big").bit_length()
