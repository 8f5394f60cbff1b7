"""The grid's profiles: what each draws, how long its run is, and what a blind guess is worth there."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from types import MappingProxyType

from captcha_stateless.kinds.stages import CLASSIC, FORGIVING, HUMANE, Ladder

#: Pictures of a grid, beside the expected one.
TILES = 9


@dataclass(frozen=True, slots=True)
class Preset:
    """A family of drawing (see ``render.families``), a ladder, and how many of the nine may match."""

    family: str
    ladder: Ladder
    matches: range

    @property
    def answers(self) -> int:
        """How many sets of matches there are, each as likely as the others."""
        return sum(comb(TILES, count) for count in self.matches)

    def passing(self, stage: Fraction) -> Fraction:
        """Tell the chance to pass a run for whoever passes each stage with the chance ``stage``."""
        needed = self.ladder.stages - self.ladder.forgiven
        return sum(
            (
                comb(self.ladder.stages, hits) * stage**hits * (1 - stage) ** (self.ladder.stages - hits)
                for hits in range(needed, self.ladder.stages + 1)
            ),
            Fraction(),
        )

    @property
    def floor(self) -> Fraction:
        """The blind floor: the chance to pass a run by guessing, which no drawing can lower."""
        return self.passing(Fraction(1, self.answers))


#: By the name that settings, sites and policies use; from ``lenient`` to ``strict`` a pass costs ever more.
PROFILES: Mapping[str, Preset] = MappingProxyType(
    {
        "lenient": Preset("filled", HUMANE, range(2, 7)),
        "humane": Preset("outline", HUMANE, range(2, 7)),
        # Four stages of which one may fail: people who misread a tile once pass, and an attacker gains little.
        "strict": Preset("mixed", FORGIVING, range(2, 7)),
        # The original's: any of the 512 sets, twenty stages, none forgiven.
        "classic": Preset("classic", CLASSIC, range(TILES + 1)),
    }
)

#: From the easiest to the hardest, for those who fail much.
HARDER = ("lenient", "humane", "strict")
