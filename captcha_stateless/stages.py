"""The ladder of a run: how many stages it has, and how long each may take."""

from dataclasses import dataclass

#: A time limit must be extendable at least ten times (WCAG 2.2, success criterion 2.2.1).
EXTENSIONS = 10


@dataclass(frozen=True, slots=True)
class Ladder:
    """The seconds allowed for each stage, first to last, and whether a visitor may ask for more."""

    seconds: tuple[int, ...]
    extendable: bool = True

    @property
    def stages(self) -> int:
        """How many stages a run has."""
        return len(self.seconds)

    def time(self, stage: int) -> int:
        """Tell the seconds that a stage may take."""
        return self.seconds[stage]


#: Two rounds without haste.
HUMANE = Ladder((120, 120))

#: The original 1Captcha's twenty: 120 s, then 30 s, then falling from 10 s to 2 s.
CLASSIC = Ladder((120, 30, *(min(max(2, 13 - stage), 10) for stage in range(2, 20))))
