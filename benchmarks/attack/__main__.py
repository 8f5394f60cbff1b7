"""Attack every door: `python benchmarks/attack` measures every attacker, with ``--short`` the untrained ones only.

The long run writes docs/attack.json and, from it, the tables of docs/threat-model.md, plots and contact sheets; the short run
changes nothing, and exits with 1 when an attacker does better than its ceiling explains. ``--door`` chooses among the grid,
the text and the sound; what they need besides numpy is in the optional group ``attack``.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import doors
from api import Attacker, Service, service
from bank import ContourBank, EdgeBank, TemplateBank
from cheap import EdgeCorrelation, Guess, InkBox, PerceptualHash, PixelCorrelation, TurnedCorrelation
from metadata import Learned, Palettes, Sizes
from network import Hog
from ocr import PROGRAM, Lines, Tesseract
from protocol import ATTACKS
from recipe import Recipe
from report import write
from score import Score, most, score

from captcha_stateless.kinds.profiles import PROFILES
from captcha_stateless.render import contact_sheet

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = DOCS / "attack.json"
SHORT_STAGES = 200
#: Tesseract takes a second for each stage.
OCR_STAGES = 100
BLIND_STAGES = 100_000
FAMILIES = ("outline", "embossed", "mixed", "filled")
DOORS = ("grid", "text", "sound")
SHORT_PICTURES, SHORT_SOUNDS = 30, 8
#: Ready-made readers of lines, let at single tiles, take half a second a stage.
READER_STAGES = 30

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


def untrained() -> Iterator[Attacker]:
    """Make every attacker that learns nothing from us."""
    yield from (
        Guess(),
        Sizes(),
        Palettes(),
        InkBox(),
        EdgeCorrelation(),
        PixelCorrelation(),
        PerceptualHash(),
    )
    yield from (TurnedCorrelation(), TemplateBank(), EdgeBank(), ContourBank(), Recipe())


def trained(cnn: bool) -> Iterator[Attacker]:
    """Make every attacker that learns from labelled tiles."""
    yield Learned(2_000)
    yield from (Hog(labels) for labels in (1_000, 10_000))
    if cnn:
        from cnn import Cnn  # PyTorch is in the optional group `attack`

        yield from (Cnn(labels) for labels in (1_000, 10_000))


def short(stages: int) -> bool:
    """Attack the default without training; tell whether every ceiling and every token holds."""
    holds = True
    with service() as served:
        asked = served.stages(stages)
        for attacker in untrained():
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


def blind(stages: int) -> int:
    """Guess so many stages, which takes no picture; tell how many guesses were right."""
    import numpy as np

    random, masks = np.random.default_rng(7), [mask for mask in range(512) if 2 <= mask.bit_count() <= 6]
    with service() as served:
        kind = served.engine._kinds["grid"]
        params, hits = kind.plan({}), 0
        for guess in random.integers(len(masks), size=stages).tolist():
            challenge = kind.draw(random.bytes(16), params)
            hits += challenge.answers[0] == masks[guess].to_bytes(2, "big")
    return hits


def attacked(family: str, attackers: Iterator[Attacker], stages: int, served: Service) -> Iterator[Score]:
    """Let attackers at one family of drawing."""
    asked = served.stages(stages)
    for attacker in attackers:
        attacker.fit(served, 1)
        few = OCR_STAGES if isinstance(attacker, Tesseract) else READER_STAGES
        result = score(attacker, asked[:few] if isinstance(attacker, Tesseract | Lines) else asked)
        print(
            f"{family:<10}{result.name:<28}{result.stage:7.1%} {result.tile:7.1%} {result.milliseconds:7.0f} ms",
            flush=True,
        )
        yield result


def long(families: list[str], stages: int, *, cnn: bool, only_trained: bool, named: str) -> None:
    """Measure what is asked for, and keep it beside what was measured before."""
    results = kept_results()
    for family in families:
        with service(family=family) as served:
            sample = served.stages(8)
            sheet = contact_sheet(
                [png for stage in sample for png in (stage.reference, *stage.nine)], columns=10
            )
            (DOCS / f"tiles-{family}.png").write_bytes(sheet)
            kept = results.setdefault(family, {})
            kept["bytes"] = sum(stage.size for stage in sample) // len(sample)
            attackers = (
                [*trained(cnn)]
                if only_trained
                else [*untrained(), *([Tesseract()] if PROGRAM else []), *Lines.all(), *trained(cnn)]
            )
            attackers = [attacker for attacker in attackers if named in attacker.name]
            for result in attacked(family, iter(attackers), stages, served):
                kept[result.name] = asdict(result)
                RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    if not only_trained and not named:
        results["blind"] = {"stages": BLIND_STAGES, "passed": blind(BLIND_STAGES)}
        results["protocol"] = [asdict(attack()) for attack in ATTACKS.values()]
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    write(DOCS / "threat-model.md", results)


def kept_results() -> dict[str, Any]:
    """Read what was measured before."""
    return dict(json.loads(RESULTS.read_text())) if RESULTS.exists() else {}


def keep(name: str, found: Any) -> None:
    """Write one part down at once, so that a run that is broken off, or beside another, has not been in vain."""
    RESULTS.write_text(json.dumps({**kept_results(), name: found}, indent=1) + "\n")


def read_text(minicap: Path | None, *, cnn: bool, only_trained: bool) -> None:
    """Let everything at text."""
    texts = kept_results().get("text", [])
    if not only_trained:
        for read in doors.text(minicap, doors.MANY, doors.SOME):
            keep("text", doors.measured(read, texts))
        doors.sheets(DOCS)
    if cnn or only_trained:
        for read in doors.trained_text((300, 1_000, 3_000), doors.SOME):
            keep("text", doors.measured(read, texts))
    write(DOCS / "threat-model.md", kept_results())


def listen(named: str) -> None:
    """Let everything at sound, and measure how clear it is."""
    sounds = kept_results().get("sound", [])
    for heard in doors.sound(doors.SOUNDS, doors.SLOW_SOUNDS, only=named):
        keep("sound", doors.listened(heard, sounds))
    if not named:
        keep("clarity", list(doors.clarity(doors.SLOW_SOUNDS)))
    write(DOCS / "threat-model.md", kept_results())


def transfer(labels: int, stages: int) -> None:
    """Train under one deployment's secret, and attack another's."""
    results = kept_results()
    with service() as mine, service() as theirs:
        attacker = Hog(labels).fit(mine, 1)
        attacker.name = f"HOG and network, {labels:,} labels of another deployment"
        result = score(attacker, theirs.stages(stages))
    results.setdefault("outline", {})[result.name] = asdict(result)
    print(f"{result.name}: {result.stage:.1%} a stage")
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    write(DOCS / "threat-model.md", results)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="no training, binomial bounds, nothing written")
    parser.add_argument("--door", nargs="*", default=list(DOORS), choices=DOORS)
    parser.add_argument(
        "--minicap", type=Path, help="a checkout of miniCAP, to read its pictures beside ours"
    )
    parser.add_argument("--stages", type=int, default=SHORT_STAGES)
    parser.add_argument("--families", nargs="*", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--named", default="", help="only attackers whose name holds this")
    parser.add_argument("--trained", action="store_true", help="only the attackers that learn")
    parser.add_argument("--cnn", action="store_true", help="also the CNN, which takes PyTorch")
    parser.add_argument("--transfer", action="store_true", help="train under one secret, attack another")
    parser.add_argument("--tables", action="store_true", help="write the tables again from what was measured")
    asked = parser.parse_args()
    if asked.short:
        tried = {
            "grid": lambda: short(asked.stages),
            "text": lambda: doors.short_text(SHORT_PICTURES),
            "sound": lambda: doors.short_sound(SHORT_SOUNDS),
        }
        held = [tried[door]() for door in asked.door]  # each is let at, whatever became of the one before
        sys.exit(0 if all(held) else 1)
    elif asked.transfer:
        transfer(1_000, asked.stages)
    elif asked.tables:
        write(DOCS / "threat-model.md", json.loads(RESULTS.read_text()))
    else:
        if "grid" in asked.door:
            long(asked.families, asked.stages, cnn=asked.cnn, only_trained=asked.trained, named=asked.named)
        if "text" in asked.door:
            read_text(asked.minicap, cnn=asked.cnn, only_trained=asked.trained)
        if "sound" in asked.door and not asked.trained:
            listen(asked.named)


if __name__ == "__main__":
    assert set(CEILINGS) == {attacker.name for attacker in untrained()}
    assert PROFILES["humane"].family == "outline"
    main()
