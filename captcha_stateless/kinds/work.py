"""Proof of work: a text whose hash, together with the nonce, begins with enough zeros.

A solution is a text such that ``HASH(utf-8 of nonce + ":" + solution)`` begins with so many zeros (Dwork and Naor 1992;
Back's Hashcash 1997). Zeros are counted in hexadecimal digits, as RESTCaptcha's clients count them, or in bits, for finer
steps: a digit is four bits, so both forms are judged by the one rule. There are many right answers and none is known
beforehand; the verdict is one hash, and nothing but the sealed nonce, algorithm and difficulty enters it.
"""

import hashlib
from functools import lru_cache
from itertools import count
from typing import ClassVar, Self

from captcha_stateless.errors import BadAnswer, BadRequest
from captcha_stateless.kinds.base import Face, Kind
from captcha_stateless.kinds.stages import Ladder
from captcha_stateless.model import Challenge, Claims, Params
from captcha_stateless.settings import Settings

ALGORITHMS = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}
#: Zero bits that one unit of difficulty stands for.
UNITS = {"hex": 4, "bits": 1}

#: 2**40 hashes are days of a phone's work: more is a mistake of the operator's.
MAX_BITS = 40
#: RESTCaptcha's life of a token, and the longest that the replay filter need remember.
MAX_SECONDS = 1_800
#: A counter in decimal takes 20 characters at most, a text of 256 random bits in base64 takes 44.
MAX_SOLUTION_CHARACTERS = 128

NOT_A_TEXT = "solution must be a text"
WRONG_LENGTH = f"solution must have 1 to {MAX_SOLUTION_CHARACTERS} characters"

#: What the holder of the keys may ask to be searched: some ten seconds of hashing.
_MAX_TOLD_BITS = 24
_DEFAULTS: Params = {"algorithm": "sha-256", "unit": "bits", "difficulty": 16, "seconds": MAX_SECONDS}


class Work(Kind):
    """Asks for zeros at the beginning of a hash, and shows nothing."""

    name: ClassVar[str] = "work"
    face: ClassVar[Face] = "work"

    @classmethod
    def from_settings(cls, settings: Settings, secret: bytes) -> Self:
        """Make the kind ready; it needs neither settings nor secret, for nothing is drawn."""
        return cls()

    def plan(self, wanted: Params) -> Params:
        """Complete the params: ``algorithm``, ``unit`` (hex or bits), ``difficulty`` in units, and ``seconds`` of life."""
        params = {**_DEFAULTS, **{name: wanted[name] for name in _DEFAULTS if name in wanted}}
        if params["algorithm"] not in ALGORITHMS or params["unit"] not in UNITS:
            raise BadRequest(f"algorithm must be one of {', '.join(ALGORITHMS)}, unit hex or bits")
        difficulty, seconds = _whole(params["difficulty"]), _whole(params["seconds"])
        if not 1 <= difficulty * UNITS[str(params["unit"])] <= MAX_BITS:
            raise BadRequest(f"difficulty must be 1 to {MAX_BITS} bits")
        if not 1 <= seconds <= MAX_SECONDS:
            raise BadRequest(f"seconds must be 1 to {MAX_SECONDS}")
        return {**params, "difficulty": difficulty, "seconds": seconds}

    def ladder(self, params: Params) -> Ladder:
        """Tell the one stage's time; nobody waits for a visitor here, so there is nothing to extend."""
        return _ladder(int(params["seconds"]))

    def draw(self, seed: bytes, params: Params) -> Challenge:
        """Show the seed itself as the nonce, in lower-case hexadecimal digits; no answer is known."""
        return Challenge(self.name, seed, (), params, shown=(seed.hex(),))

    def render(self, challenge: Challenge) -> tuple[bytes, ...]:
        """Draw nothing: work needs no senses."""
        return ()

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

    def check(self, key: bytes, claims: Claims, normal: bytes) -> bool:
        """Judge a solution by one hash; the zeros are public, so their comparison need not take constant time."""
        return _zeros(claims.seed, claims.params, normal) >= _bits(claims.params)

    def tell(self, challenge: Challenge) -> str:
        """Search a solution, as a client does.

        Raises:
            BadRequest: when that would take long.
        """
        if _bits(challenge.params) > _MAX_TOLD_BITS:
            raise BadRequest(f"more than {_MAX_TOLD_BITS} bits of work are not searched here")
        wanted = _bits(challenge.params)
        guesses = map(str, count())
        return next(g for g in guesses if _zeros(challenge.seed, challenge.params, g.encode()) >= wanted)


@lru_cache(maxsize=64)
def _ladder(seconds: int) -> Ladder:
    return Ladder((seconds,), extendable=False)


def _bits(params: Params) -> int:
    return int(params["difficulty"]) * UNITS[str(params["unit"])]


def _zeros(seed: bytes, params: Params, solution: bytes) -> int:
    digest = ALGORITHMS[str(params["algorithm"])](seed.hex().encode("ascii") + b":" + solution).digest()
    return len(digest) * 8 - int.from_bytes(digest, "big").bit_length()


def _whole(value: str | int | bool) -> int:
    try:
        # The command line hands on text.
        return int(value)
    except ValueError:
        return -1
