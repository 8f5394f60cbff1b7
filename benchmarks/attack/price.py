"""What a thousand passes cost each attacker: processor time, work and traffic, from measured figures."""

from dataclasses import dataclass

#: US dollars for an hour of one processor core, rented by the second: the middle of what large clouds ask for (2025).
CORE_HOUR = 0.04
#: US dollars for a gigabyte through a residential proxy, where addresses are rate-limited: 1 to 8 are asked (2025).
PROXY_GIGABYTE = 3.0
#: US dollars that human services ask for a thousand solved pictures (2025 price lists: 0.5 to 3).
HUMANS = (0.5, 3.0)
#: Hashes a second of one native core, SHA-256 of short texts with the processor's own instructions.
HASHES = 5e6


@dataclass(frozen=True, slots=True)
class Price:
    """A thousand passes, in US dollars by what they are spent on."""

    tries: float
    cpu: float
    traffic: float
    work: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.cpu + self.traffic + self.work


def price(
    stage: float, passing: float, stages: int, *, milliseconds: float, size: float, work_bits: int = 0
) -> Price:
    """Price a thousand passes.

    Args:
        stage: chance of a stage.
        passing: chance of a run.
        stages: stages of a run; whoever fails one begins anew.
        milliseconds: CPU time to answer a stage.
        size: bytes of a stage.
        work_bits: zeros demanded before each run is drawn.
    """
    tries = 1000 / passing
    played = tries * expected_stages(stage, stages)
    return Price(
        tries,
        played * milliseconds / 3.6e6 * CORE_HOUR,
        played * size / 1e9 * PROXY_GIGABYTE,
        tries * 2**work_bits / HASHES / 3600 * CORE_HOUR if work_bits else 0.0,
    )


def expected_stages(stage: float, stages: int) -> float:
    """Tell how many stages a run lasts on average, where the first miss ends it."""
    return sum(stage**before for before in range(stages))
