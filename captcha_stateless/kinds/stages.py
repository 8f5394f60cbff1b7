"""The ladder of a run: how many stages it has, and how long each may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ladder:
    """The seconds allowed for each stage, first to last, whether a visitor may ask for more, and how many may be failed.

    A stage may be forgiven, never a tile: at 84% a tile an attacker passes three stages in 0.9% of runs; with one
    stage of four forgiven in 3%, with one tile of each stage forgiven in 18%.
    """

    seconds: tuple[int, ...]
    extendable: bool = True
    forgiven: int = 0

    @property
    def stages(self) -> int:
        """How many stages a run has."""
        return len(self.seconds)

    def time(self, stage: int) -> int:
        """Tell the seconds that a stage may take."""
        return self.seconds[stage]


#: Two rounds without haste.
HUMANE = Ladder((120, 120))

#: Four of the same, of which one may be failed.
FORGIVING = Ladder((120,) * 4, forgiven=1)

#: The original 1Captcha's twenty: 120 s, then 30 s, then falling from 10 s to 2 s.
CLASSIC = Ladder((120, 30, *(min(max(2, 13 - stage), 10) for stage in range(2, 20))))
