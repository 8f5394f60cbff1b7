"""Proof of work: a puzzle that machines solve and nobody sees, worded as one of the puzzles is."""

from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, Self

from captcha_stateless.errors import BadRequest
from captcha_stateless.kinds.base import Face, Kind
from captcha_stateless.kinds.stages import Ladder
from captcha_stateless.model import Challenge, Claims, Params
from captcha_stateless.puzzles import Puzzle, puzzles
from captcha_stateless.puzzles.zeros import Zeros
from captcha_stateless.settings import Settings


class Work(Kind):
    """Asks for work, and shows nothing; ``puzzle`` among its params says how it is worded, zeros unless it is there."""

    name: ClassVar[str] = "work"
    face: ClassVar[Face] = "work"

    def __init__(self, made: Mapping[str, Puzzle]) -> None:
        self._puzzles = made
        self._planned = lru_cache(maxsize=64)(self._plan)

    @classmethod
    def from_settings(cls, settings: Settings, secret: bytes) -> Self:
        """Make the kind ready; of the settings it needs none."""
        return cls(puzzles(secret))

    def plan(self, wanted: Params) -> Params:
        """Complete the params, as the puzzle that is wanted does."""
        # A site's challenges mostly want the same; what is planned is never written to.
        return self._planned(frozenset(wanted.items()))

    def ladder(self, params: Params) -> Ladder:
        """Tell the one stage's time; nobody waits for a visitor here, so there is nothing to extend."""
        return _ladder(int(params["seconds"]))

    def draw(self, seed: bytes, params: Params) -> Challenge:
        """Choose what the puzzle asks."""
        shown, answers = self._puzzle(params).draw(seed, params)
        return Challenge(self.name, seed, answers, params, shown)

    def render(self, challenge: Challenge) -> tuple[bytes, ...]:
        """Draw nothing: work needs no senses."""
        return ()

    def normal(self, answer: object, params: Params) -> bytes:
        """Take what the puzzle takes for a solution."""
        return self._puzzle(params).normal(answer, params)

    def check(self, key: bytes, claims: Claims, normal: bytes) -> bool:
        """Judge a solution by the sealed seed and params, or by the sealed digest where there is one answer."""
        verdict = self._puzzle(claims.params).right(claims.seed, claims.params, normal)
        return super().check(key, claims, normal) if verdict is None else verdict

    def price(self, params: Params) -> int:
        """Tell what the puzzle costs to judge."""
        return self._puzzle(params).price(params)

    def tell(self, challenge: Challenge) -> object:
        """Search a solution, as a client does.

        Raises:
            BadRequest: when that would take long.
        """
        return self._puzzle(challenge.params).tell(challenge.seed, challenge.params)

    def _plan(self, asked: frozenset[tuple[str, str | int | bool]]) -> Params:
        wanted = dict(asked)
        if wanted.get("puzzle", Zeros.name) not in self._puzzles:
            raise BadRequest(f"puzzle must be one of {', '.join(self._puzzles)}")
        return self._puzzle(wanted).plan(wanted)

    def _puzzle(self, params: Params) -> Puzzle:
        return self._puzzles[str(params.get("puzzle", Zeros.name))]


@lru_cache(maxsize=64)
def _ladder(seconds: int) -> Ladder:
    return Ladder((seconds,), extendable=False)
