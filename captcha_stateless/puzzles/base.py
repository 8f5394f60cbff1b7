"""The contract of a puzzle, which is one way to word a proof of work: plan and draw, normal and right."""

from abc import ABC, abstractmethod
from typing import ClassVar

from captcha_stateless.errors import BadRequest
from captcha_stateless.model import Params

#: RESTCaptcha's life of a token, and the longest that the replay filter need remember.
MAX_SECONDS = 1_800
#: What the puzzles of other people's widgets live unless more or less is asked for.
SECONDS = 600
#: 2**40 hashes are days of a phone's work: more is a mistake of the operator's.
MAX_BITS = 40
#: What the holder of the keys may ask to be searched: some ten seconds of hashing.
MAX_TOLD_BITS = 24
#: Zero bits that one unit of difficulty stands for.
UNITS = {"hex": 4, "bits": 1}
DEFAULT_BITS = 16


class Puzzle(ABC):
    """One way to word work; pure arithmetic of a seed and of what was planned."""

    name: ClassVar[str]

    @abstractmethod
    def plan(self, wanted: Params) -> Params:
        """Complete what is wanted to the params that are sealed, among them the ``difficulty``.

        Raises:
            BadRequest: when there is no such puzzle.
        """

    @abstractmethod
    def draw(self, seed: bytes, params: Params) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
        """Tell what is shown, and the right answers in their normal form where they are known beforehand."""

    @abstractmethod
    def normal(self, answer: object, params: Params) -> bytes:
        """Bring an answer to the form in which it is judged.

        Raises:
            BadAnswer: when it has not the form of an answer to this puzzle.
        """

    def right(self, seed: bytes, params: Params, normal: bytes) -> bool | None:
        """Judge an answer by the seed and what was planned; None where the sealed digest of the one answer decides."""
        return None

    def price(self, params: Params) -> int:
        """Tell what judging costs: 1 where it takes no time to speak of, else one more for each ten milliseconds begun."""
        return 1

    @abstractmethod
    def tell(self, seed: bytes, params: Params) -> object:
        """Search a right answer, as a client does.

        Raises:
            BadRequest: when that would take long.
        """


def whole(value: str | int | bool) -> int:
    """Read a whole number, also from the text that the command line hands on; -1 where it is none."""
    try:
        return int(value)
    except ValueError:
        return -1


def bits_of(wanted: Params) -> int:
    """Tell the wanted difficulty in bits: a solution takes about two to that power hashes.

    Raises:
        BadRequest: when there is no such difficulty.
    """
    unit = wanted.get("unit", "bits")
    bits = whole(wanted.get("difficulty", DEFAULT_BITS)) * UNITS.get(str(unit), 0)
    if not 1 <= bits <= MAX_BITS:
        raise BadRequest(f"difficulty must be 1 to {MAX_BITS} bits")
    return bits


def seconds_of(wanted: Params, default: int = SECONDS) -> int:
    """Tell the wanted seconds of life.

    Raises:
        BadRequest: when they are none, or too many.
    """
    seconds = whole(wanted.get("seconds", default))
    if not 1 <= seconds <= MAX_SECONDS:
        raise BadRequest(f"seconds must be 1 to {MAX_SECONDS}")
    return seconds


def require_tellable(bits: int) -> None:
    """Refuse to search what would take long.

    Raises:
        BadRequest: when it would.
    """
    if bits > MAX_TOLD_BITS:
        raise BadRequest(f"more than {MAX_TOLD_BITS} bits of work are not searched here")
