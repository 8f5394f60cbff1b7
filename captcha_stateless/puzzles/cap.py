"""Cap's hashes: for each of many salts, a number behind it whose SHA-256 begins with the target.

Salts and targets come of the token's own text. So the answer names the text: it is the one that was opened, and the caller
hands it on with the solutions. There are many right answers, and the verdict is one hash for each salt.

Of the first format they come by a generator that every client has: FNV-1a of 32 bits over the text and a number, then
xorshift32. So there are no more than 2^32 puzzles, and whoever keeps the solutions of so many finds one of them again in
2^32 divided by their number. The second format spells salts out: they come by SHAKE (FIPS 202), and none comes twice.
"""

import hashlib
from itertools import count
from typing import ClassVar, NamedTuple

from captcha_stateless.errors import BadAnswer, BadRequest
from captcha_stateless.model import Params
from captcha_stateless.puzzles.base import Puzzle, bits_of, require_tellable, seconds_of

#: Of a salt: as many digits as Cap's own have.
SALT_DIGITS = 32
#: What JavaScript writes without a fraction.
MAX_NONCE = 2**53 - 1

NOT_SOLUTIONS = "solutions must be as many whole numbers as there are challenges"

_MASK = 0xFFFFFFFF
_OFFSET, _PRIME = 0x811C9DC5, 0x01000193
_NONCE_BYTES = 8
_STATE_BYTES = 4
_DIGIT_BITS = 4
# 16 to 128 salts: a verdict is that many hashes, and a visitor sees it go on.
_LEAST_SALT_BITS = 4


class Size(NamedTuple):
    """How many salts there are, how many digits each has, and how many its target."""

    c: int
    s: int
    d: int


class Cap(Puzzle):
    """Asks for a number behind each salt."""

    name: ClassVar[str] = "cap"

    def plan(self, wanted: Params) -> Params:
        """Complete the params: ``difficulty`` in bits, of all salts together, ``format`` (1 or 2) and ``seconds`` of life."""
        version = wanted.get("format", 1)
        if version not in (1, 2):
            raise BadRequest("format must be 1 or 2")
        return {
            "puzzle": self.name,
            "difficulty": bits_of(wanted),
            "seconds": seconds_of(wanted),
            "format": version,
        }

    def draw(self, seed: bytes, params: Params) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
        """Show nothing but that it is another one: what is asked comes of the token."""
        return (hashlib.sha256(seed).hexdigest(),), ()

    def normal(self, answer: object, params: Params) -> bytes:
        """Take a pair of the token's text and a list of whole numbers."""
        if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[0], str)):
            raise BadAnswer(NOT_SOLUTIONS)
        token, nonces = answer
        if not isinstance(nonces, list) or len(nonces) != size(params).c:
            raise BadAnswer(NOT_SOLUTIONS)
        if not all(type(nonce) is int and 0 <= nonce <= MAX_NONCE for nonce in nonces):
            raise BadAnswer(NOT_SOLUTIONS)
        return stem(token, params) + b"".join(nonce.to_bytes(_NONCE_BYTES, "big") for nonce in nonces)

    def right(self, seed: bytes, params: Params, normal: bytes) -> bool:
        """Judge every number; the first that is wrong ends it, for each is the client's to check as well."""
        begun = len(normal) - _NONCE_BYTES * size(params).c
        nonces = (
            int.from_bytes(normal[at : at + _NONCE_BYTES], "big")
            for at in range(begun, len(normal), _NONCE_BYTES)
        )
        asked = pairs(normal[:begun], params)
        return all(
            _hash(salt, nonce).startswith(target) for (salt, target), nonce in zip(asked, nonces, strict=True)
        )

    def tell(self, seed: bytes, params: Params) -> object:
        """Refuse: what is asked comes of the token, which is not here."""
        raise BadRequest("the answer comes of the token's text")


def size(params: Params) -> Size:
    """Tell how many salts and digits a difficulty takes."""
    bits = int(params["difficulty"])
    digits = max(1, (bits - _LEAST_SALT_BITS) // _DIGIT_BITS)
    return Size(c=2 ** max(0, bits - digits * _DIGIT_BITS), s=SALT_DIGITS, d=digits)


def solve(token: str, params: Params) -> list[int]:
    """Search the solutions, as a client does.

    Raises:
        BadRequest: when that would take long.
    """
    require_tellable(int(params["difficulty"]))
    return [
        next(n for n in count() if _hash(salt, n).startswith(target))
        for salt, target in pairs(stem(token, params), params)
    ]


def stem(token: str, params: Params) -> bytes:
    """Tell what of a token's text its salts and targets come of: all that a client of the first format sees is 32 bits."""
    if params["format"] == 1:
        return scatter(token).to_bytes(_STATE_BYTES, "big")
    return hashlib.sha256(b"cap\x00" + token.encode("ascii", "replace")).digest()


def pairs(stem: bytes, params: Params) -> list[tuple[str, str]]:
    """Tell the salts and targets that come of a stem."""
    if params["format"] == 1:
        return scattered(int.from_bytes(stem, "big"), size(params))
    c, s, d = size(params)
    stream = hashlib.shake_128(stem).hexdigest(c * (s + d))
    return [(stream[at : at + s], stream[at + s : at + s + d]) for at in range(0, c * (s + d), s + d)]


def scatter(text: str, state: int = _OFFSET) -> int:
    """Hash the characters of an ASCII text: FNV-1a, 32 bits; begun anew, or from the state that the text before left."""
    for character in text.encode("ascii", "replace"):
        state = (state ^ character) * _PRIME & _MASK
    return state


def scattered(state: int, size: Size) -> list[tuple[str, str]]:
    """Tell the salts and targets of the token whose hash is ``state``, as clients of the first format do."""
    found = []
    for number in range(1, size.c + 1):
        own = scatter(str(number), state)
        found.append((digits(own, size.s), digits(scatter("d", own), size.d)))
    return found


def digits(state: int, length: int) -> str:
    """Draw so many hexadecimal digits: xorshift32 (Marsaglia 2003), each state as eight of them."""
    drawn = ""
    while len(drawn) < length:
        state ^= state << 13 & _MASK
        state ^= state >> 17
        state ^= state << 5 & _MASK
        drawn += f"{state:08x}"
    return drawn[:length]


def _hash(salt: str, nonce: int) -> str:
    return hashlib.sha256(f"{salt}{nonce}".encode("ascii")).hexdigest()
