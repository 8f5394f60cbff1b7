"""Attack every door: `python benchmarks/attack` measures every cell, with ``--short`` the untrained attackers only.

The long run keeps each cell in docs/attack.json as soon as it is measured, with its day, the version and what was drawn, and
goes past those that were measured of today's drawing: a run that is broken off goes on where it was. From it the tables of
docs/threat-model.md, plots and contact sheets are written. ``--only`` takes words of cells' names (``--list`` shows them):
``--only grid/outline``, ``--only text/default sound/en``. The short run changes nothing, and exits with 1 when an attacker
does better than its ceiling explains. What they need besides numpy is in the optional groups ``attack`` and ``train``.
"""

import argparse
import sys
from pathlib import Path

import doors
import grids
from api import service
from cells import cells
from kept import measure, measured, state
from protocol import ATTACKS
from report import write
from score import most, score

from captcha_stateless.kinds.profiles import PROFILES

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = DOCS / "attack.json"
DOORS = ("grid", "text", "sound")
SHORT_PICTURES, SHORT_SOUNDS = 30, 8

#: Of the default drawing: the rate a stage that each untrained attacker may have. The off-the-shelf ones may pass 5%,
#: those who never see a pixel or guess, the blind floor.
CEILINGS = {
    "guess": 1 / 456,
    "metadata: file sizes": 1 / 456,
    "metadata: palettes": 1 / 456,
    "ink box": 0.01,
    "edge correlation": 0.01,
    "ink correlation": 0.01,
    "perceptual hash": 0.01,
    "correlation over rotations": 0.03,
    "template bank": 0.05,
    "edge-template bank": 0.05,
    "contour-template bank": 0.20,
    "knows the recipe": 0.20,
}


def short(stages: int) -> bool:
    """Attack the default without training; tell whether every ceiling and every token holds."""
    holds = True
    with service() as served:
        asked = served.stages(stages)
        for attacker in grids.untrained():
            result, limit = score(attacker, asked), most(stages, CEILINGS[attacker.name])
            holds &= result.passed <= limit
            print(
                f"{result.name:<28}{result.passed:5} of {stages}, at most {limit}; {result.tile:.1%} of tiles",
                flush=True,
            )
    for attack in ATTACKS.values():
        finding = attack()
        holds &= finding.accepted == 0
        print(f"{finding.name:<42}{finding.accepted} of {finding.sent} accepted", flush=True)
    return holds


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="no training, binomial bounds, nothing written")
    parser.add_argument("--door", nargs="*", default=list(DOORS), choices=DOORS, help="of the short run")
    parser.add_argument("--only", nargs="*", default=[""], help="cells whose name holds one of these words")
    parser.add_argument(
        "--again", action="store_true", help="measure also what was measured of this very drawing"
    )
    parser.add_argument("--list", action="store_true", help="show the cells, and when each was measured")
    parser.add_argument("--tables", action="store_true", help="write the tables again from what was measured")
    parser.add_argument(
        "--minicap", type=Path, help="a checkout of miniCAP, to read its pictures beside ours"
    )
    asked = parser.parse_args()
    if asked.short:
        tried = {
            "grid": lambda: short(grids.STAGES),
            "text": lambda: doors.short_text(SHORT_PICTURES),
            "sound": lambda: doors.short_sound(SHORT_SOUNDS),
        }
        held = [tried[door]() for door in asked.door]  # each is let at, whatever became of the one before
        sys.exit(0 if all(held) else 1)
    wanted = [cell for cell in cells(asked.minicap) if any(word in cell.name for word in asked.only)]
    if asked.list:
        results = measured(RESULTS)
        print("\n".join(f"{cell.name}: {state(cell, results)}" for cell in wanted))
        return
    if not asked.tables:
        measure(RESULTS, wanted, again=asked.again)
        if any(cell.part == "text" for cell in wanted):
            doors.sheets(DOCS)
        if any(cell.part == "outline" for cell in wanted):
            grids.sheet("outline", DOCS / "tiles-outline.png")
    write(DOCS / "threat-model.md", measured(RESULTS))


if __name__ == "__main__":
    assert set(CEILINGS) == {attacker.name for attacker in grids.untrained()}
    assert PROFILES["humane"].family == "outline"
    main()
