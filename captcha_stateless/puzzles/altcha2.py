"""ALTCHA's second form: which counter derives, by a key derivation function, a key that begins so?

The password is a nonce of 16 bytes and the counter, of four, big end first. Of the deterministic form one counter is drawn,
and half of its key shown: the sealed digest of counter and key decides, and judging derives nothing. Of the probabilistic
form a prefix is asked for, and judging derives the key once more **and looks at the prefix**, which several libraries forgot.
Where deriving takes milliseconds only the second is offered: its one derivation, of a work that was paid for, runs in the
pool; the first would derive a key for whoever asks.
"""

import hashlib
from itertools import count
from typing import ClassVar

from captcha_stateless.errors import BadAnswer, BadRequest
from captcha_stateless.model import Params
from captcha_stateless.puzzles.base import Puzzle, bits_of, require_tellable, seconds_of, whole
from captcha_stateless.puzzles.derive import (
    ARGON2,
    DERIVATIONS,
    SCRYPT,
    derive,
    key_bytes,
    require_costs,
    weight,
)

#: As many hashes take a millisecond; what weighs more is judged in the pool.
SLOW_WEIGHT = 2_000
_TEN_MILLISECONDS = 20_000
#: A counter has 32 bits; the deterministic form draws from so many.
MAX_COUNTER = 2**32 - 1

COUNTER_BYTES = 4

NOT_A_SOLUTION = "solution must be a counter and the key that it derives"

_NONCE_BYTES = _SALT_BYTES = 16
_DIGIT_BITS = 4
_LEAST_TRIES, _MOST_TRIES = 2, 2**31
# Cost, memory and lanes of whoever names an algorithm alone: what its own documentation begins with, or less.
_COSTS = {SCRYPT: (1_024, 8, 1), ARGON2: (1, 8_192, 1)}
_LIGHT = (1, 0, 0)


class AltchaTwo(Puzzle):
    """Asks for the counter whose key begins with a prefix."""

    name: ClassVar[str] = "altcha-2"

    def plan(self, wanted: Params) -> Params:
        """Complete the params.

        ``difficulty`` is in bits: about two to its power hashes of work, however many a derivation takes. ``kdf`` names the
        algorithm, ``cost``, ``memory`` (SCRYPT: its block size; ARGON2ID: KiB) and ``lanes`` are its own;
        ``deterministic`` is so wherever it can be, unless said otherwise.
        """
        kdf = str(wanted.get("kdf", "SHA-256"))
        if kdf not in DERIVATIONS:
            raise BadRequest(f"kdf must be one of {', '.join(DERIVATIONS)}")
        cost, memory, lanes = _COSTS.get(kdf, _LIGHT)
        params: Params = {
            "puzzle": self.name,
            "difficulty": bits_of(wanted),
            "seconds": seconds_of(wanted),
            "kdf": kdf,
            "cost": whole(wanted.get("cost", cost)),
            "memory": whole(wanted.get("memory", memory)),
            "lanes": whole(wanted.get("lanes", lanes)),
        }
        require_costs(params)
        slow = weight(params) > SLOW_WEIGHT
        deterministic = bool(wanted.get("deterministic", not slow))
        if deterministic and slow:
            raise BadRequest(
                "a deterministic challenge would derive a key for whoever asks: choose a lower cost"
            )
        return {**params, "deterministic": deterministic}

    def draw(self, seed: bytes, params: Params) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
        """Show nonce, salt and prefix, each in hexadecimal digits; the answer, where one is known, is counter and key."""
        nonce, salt, number = drawn(seed)
        if not params["deterministic"]:
            return (nonce.hex(), salt.hex(), _prefix(params)), ()
        counter = number % (2 * _tries(params))
        key = derive(params, salt, password(nonce, counter))
        return (nonce.hex(), salt.hex(), key[: len(key) // 2].hex()), (solution(counter, key),)

    def normal(self, answer: object, params: Params) -> bytes:
        """Take a counter and a key, as a pair of a whole number and bytes."""
        if not (isinstance(answer, tuple) and len(answer) == 2):
            raise BadAnswer(NOT_A_SOLUTION)
        counter, key = answer
        if type(counter) is not int or not 0 <= counter <= MAX_COUNTER:
            raise BadAnswer(NOT_A_SOLUTION)
        if not isinstance(key, bytes) or len(key) != key_bytes(params):
            raise BadAnswer(NOT_A_SOLUTION)
        return solution(counter, key)

    def right(self, seed: bytes, params: Params, normal: bytes) -> bool | None:
        """Derive the key again, and look at its prefix; of the deterministic form the digest decides."""
        if params["deterministic"]:
            return None
        nonce, salt, _ = drawn(seed)
        key = derive(params, salt, nonce + normal[:COUNTER_BYTES])
        return key == normal[COUNTER_BYTES:] and key.hex().startswith(_prefix(params))

    def price(self, params: Params) -> int:
        """Tell what one derivation costs."""
        hashes = weight(params)
        return 1 - -hashes // _TEN_MILLISECONDS if hashes > SLOW_WEIGHT else 1

    def tell(self, seed: bytes, params: Params) -> tuple[int, bytes]:
        """Search a counter."""
        require_tellable(int(params["difficulty"]))
        (nonce, salt, prefix), _ = self.draw(seed, params)
        for counter in count():
            key = derive(params, bytes.fromhex(salt), password(bytes.fromhex(nonce), counter))
            if key.hex().startswith(prefix):
                break
        return counter, key


def drawn(seed: bytes) -> tuple[bytes, bytes, int]:
    """Draw nonce and salt, which are shown, and a number of 32 bits, which is not; of one stream of SHAKE (FIPS 202)."""
    stream = hashlib.shake_128(b"altcha-2\x00" + seed).digest(_NONCE_BYTES + _SALT_BYTES + COUNTER_BYTES)
    return (
        stream[:_NONCE_BYTES],
        stream[_NONCE_BYTES : _NONCE_BYTES + _SALT_BYTES],
        int.from_bytes(stream[-COUNTER_BYTES:], "big"),
    )


def password(nonce: bytes, counter: int) -> bytes:
    """Write what a key is derived of."""
    return nonce + counter.to_bytes(COUNTER_BYTES, "big")


def solution(counter: int, key: bytes) -> bytes:
    """Write a counter and its key as one text, 4 bytes and the key's."""
    return counter.to_bytes(COUNTER_BYTES, "big") + key


def _tries(params: Params) -> int:
    tries: int = 2 ** int(params["difficulty"]) // weight(params)
    return min(max(tries, _LEAST_TRIES), _MOST_TRIES)


def _prefix(params: Params) -> str:
    # Rounded down to whole digits, as RESTCaptcha's difficulty is: nobody works more than the policy says.
    return "0" * max(1, (_tries(params).bit_length() - 1) // _DIGIT_BITS)
