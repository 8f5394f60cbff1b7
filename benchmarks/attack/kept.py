"""What was measured: cells of one JSON file, each kept with its day, its version and what was drawn."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from captcha_stateless import __version__

FAMILIES = ("outline", "embossed", "mixed", "filled")


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure: ``part`` and ``key`` say where it is kept, ``drawn`` names what is attacked, as we draw it today."""

    part: str
    key: str
    run: Callable[[], Any]
    drawn: Callable[[], str] = str

    @property
    def name(self) -> str:
        """What a command line calls it."""
        doors = {"clarity": "sound/", "blind": "grid/", **dict.fromkeys(FAMILIES, "grid/")}
        return f"{doors.get(self.part, '')}{self.part}/{self.key}"


def measured(file: Path) -> dict[str, Any]:
    """Read what was measured before."""
    return dict(json.loads(file.read_text())) if file.exists() else {}


def keep(file: Path, cell: Cell, found: Any) -> None:
    """Write one cell down at once, into whatever the file holds by now: another run may write beside this one."""
    results = measured(file)
    told = {"measured": datetime.now(UTC).date().isoformat(), "version": __version__, "drawn": cell.drawn()}
    results.setdefault(cell.part, {})[cell.key] = {**found, **told} if isinstance(found, dict) else found
    spare = file.with_suffix(f".{os.getpid()}.new")
    spare.write_text(json.dumps(results, indent=1) + "\n")
    spare.replace(file)


def state(cell: Cell, results: dict[str, Any]) -> str:
    """Tell whether a cell was measured, and of what."""
    kept = results.get(cell.part, {}).get(cell.key)
    if kept is None:
        return "not measured"
    if not isinstance(kept, dict) or "measured" not in kept:
        return "of an earlier drawing" if cell.drawn() else "measured"
    return f"{kept['measured']}" if kept["drawn"] == cell.drawn() else "of an earlier drawing"


def measure(file: Path, wanted: Sequence[Cell], *, again: bool) -> None:
    """Measure every cell that is not, or of another drawing."""
    for cell in wanted:
        if not again and state(cell, measured(file)) not in ("not measured", "of an earlier drawing"):
            continue
        try:
            found = cell.run()
        except ModuleNotFoundError as missing:
            print(f"{cell.name}: left out, for there is no {missing.name}", flush=True)
            continue
        keep(file, cell, found)
        print(f"{cell.name}: {found}", flush=True)
