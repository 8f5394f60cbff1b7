"""Puzzles: the ways to word a proof of work; pure arithmetic, each judged by the kind ``work``."""

from captcha_stateless.model import Params
from captcha_stateless.puzzles.altcha1 import AltchaOne
from captcha_stateless.puzzles.altcha2 import AltchaTwo
from captcha_stateless.puzzles.base import Puzzle
from captcha_stateless.puzzles.cap import Cap
from captcha_stateless.puzzles.derive import MEMORY_HARD
from captcha_stateless.puzzles.timelock import TimeLock
from captcha_stateless.puzzles.zeros import Zeros

__all__ = ["PUZZLES", "AltchaOne", "AltchaTwo", "Cap", "Puzzle", "TimeLock", "Zeros", "only", "puzzles"]


def puzzles(secret: bytes) -> dict[str, Puzzle]:
    """Make every puzzle, by its name; ``secret`` is what outsiders who have the source do not have."""
    made = (Zeros(), AltchaOne(), AltchaTwo(), Cap(), TimeLock(secret))
    return {puzzle.name: puzzle for puzzle in made}


def only(params: Params) -> str:
    """Tell the one puzzle that is as hard as what is wanted, for hashes are not; empty: any, at the same difficulty."""
    if params.get("time_lock"):
        return TimeLock.name
    return AltchaTwo.name if params.get("kdf") in MEMORY_HARD else ""


#: The names of all.
PUZZLES = tuple(puzzles(b""))
