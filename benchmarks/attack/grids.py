"""The grid's cells: one attacker let at one family of drawing, each under fresh keys."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from api import Attacker, service
from bank import ContourBank, EdgeBank, TemplateBank
from cheap import EdgeCorrelation, Guess, InkBox, PerceptualHash, PixelCorrelation, TurnedCorrelation
from metadata import Palettes, Sizes
from network import Hog
from ocr import Lines, Tesseract
from recipe import Recipe
from score import score

from captcha_stateless.render import contact_sheet

STAGES, BLIND_STAGES = 200, 100_000
#: Tesseract takes a second for each stage, ready-made readers of lines half of one.
OCR_STAGES, READER_STAGES = 100, 60


def untrained() -> Iterator[Attacker]:
    """Make every attacker that learns nothing from us."""
    yield from (Guess(), Sizes(), Palettes(), InkBox(), EdgeCorrelation(), PixelCorrelation())
    yield from (PerceptualHash(), TurnedCorrelation(), TemplateBank(), EdgeBank(), ContourBank(), Recipe())


def attacked(family: str, attacker: Attacker) -> dict[str, Any]:
    """Let an attacker at a family, after it has learned what it wants to."""
    stages = OCR_STAGES if isinstance(attacker, Tesseract) else STAGES
    stages = READER_STAGES if isinstance(attacker, Lines) else stages
    with service(family=family) as served:
        attacker.fit(served, 1)
        return asdict(score(attacker, served.stages(stages)))


def convolved(family: str, labels: int) -> dict[str, Any]:
    """Let a convolutional network at a family."""
    from cnn import Cnn  # PyTorch is in the optional group `train`

    return attacked(family, Cnn(labels))


def transferred(family: str, labels: int, name: str) -> dict[str, Any]:
    """Train under one deployment's secret, and attack another's."""
    with service(family=family) as mine, service(family=family) as theirs:
        attacker = Hog(labels).fit(mine, 1)
        attacker.name = name
        return asdict(score(attacker, theirs.stages(STAGES)))


def size(family: str) -> int:
    """Tell how many bytes a stage is."""
    with service(family=family) as served:
        sample = served.stages(8)
    return sum(stage.size for stage in sample) // len(sample)


def sheet(family: str, file: Path) -> None:
    """Draw a contact sheet."""
    with service(family=family) as served:
        tiles = [png for stage in served.stages(8) for png in (stage.reference, *stage.nine)]
    file.write_bytes(contact_sheet(tiles, columns=10))


def blind() -> dict[str, int]:
    """Guess stages, which takes no picture; tell how many guesses were right."""
    random, masks = np.random.default_rng(7), [mask for mask in range(512) if 2 <= mask.bit_count() <= 6]
    with service() as served:
        kind = served.engine._kinds["grid"]
        params, hits = kind.plan({}), 0
        for guess in random.integers(len(masks), size=BLIND_STAGES).tolist():
            challenge = kind.draw(random.bytes(16), params)
            hits += challenge.answers[0] == masks[guess].to_bytes(2, "big")
    return {"stages": BLIND_STAGES, "passed": hits}
