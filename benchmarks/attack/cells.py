"""Cells: every figure of docs/attack.json, how it is measured, and of which drawing it tells."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

import doors
import grids
import pictures
from hearing import listeners, speaker
from kept import FAMILIES, Cell
from metadata import Learned
from network import Hog
from ocr import PROGRAM, Lines, Tesseract
from protocol import ATTACKS
from reading import attacked, readers

from captcha_stateless.kinds.grid import Grid
from captcha_stateless.settings import Settings

#: Voices whose intelligibility is measured, and which are listened to.
LANGUAGES = ("en", "ar", "de", "es", "fr", "hi", "it", "pt", "ru", "tr")
#: Labelled pictures that the networks are trained on.
TILES, TEXTS = (1_000, 10_000), (300, 1_000, 3_000)
TRAINED_ON = ("default, 350x100, light",)


def cells(minicap: Path | None) -> Iterator[Cell]:
    """Name every cell; those of others' pictures of miniCAP only where a checkout of it is named."""
    for family in FAMILIES:
        yield from _grid(family)
    yield Cell("blind", "guesses", grids.blind)
    for name, attack in ATTACKS.items():
        yield Cell("protocol", name, lambda attack=attack: asdict(attack()))  # type: ignore[misc]
    yield from _text(minicap)
    for language in LANGUAGES:
        yield from _sound(language)


def _grid(family: str) -> Iterator[Cell]:
    drawn = partial(_grid_drawn, family)
    yield Cell(family, "bytes", partial(grids.size, family), drawn)
    attackers = [*grids.untrained(), *([Tesseract()] if PROGRAM else []), *Lines.all(), Learned(2_000)]
    attackers += [Hog(labels) for labels in TILES]
    for attacker in attackers:
        yield Cell(family, attacker.name, partial(grids.attacked, family, attacker), drawn)
    for labels in TILES:
        name = f"CNN, {labels:,} labels"
        yield Cell(family, name, partial(grids.convolved, family, labels), drawn)
    if family == "outline":
        name = f"HOG and network, {TILES[0]:,} labels of another deployment"
        yield Cell(family, name, partial(grids.transferred, family, TILES[0], name), drawn)


def _text(minicap: Path | None) -> Iterator[Cell]:
    for name, params in pictures.OURS.items():
        drawn = partial(_text_drawn, name)
        many = name.endswith(("light", "dark"))
        for reader, read in readers():
            count = doors.FEW if reader == "Tesseract" else doors.MANY if many else doors.SOME
            asked = partial(pictures.several, params, count)
            yield Cell("text", f"{name}/{reader}", partial(_read, name, asked, reader, read), drawn)
    for name, draw in pictures.others(minicap):
        for reader, read in readers():
            count = doors.FEW if reader == "Tesseract" else doors.SOME
            asked = partial(pictures.pairs, draw, count, 1)
            yield Cell("text", f"{name}/{reader}", partial(_read, name, asked, reader, read))
    for name in TRAINED_ON:
        for labels in TEXTS:
            key = f"{name}/CNN, {labels:,} labels"
            yield Cell("text", key, partial(doors.trained_text, name, labels), partial(_text_drawn, name))


def _read(name: str, asked: Callable[[], list[pictures.Pair]], reader: str, read: Any) -> dict[str, Any]:
    return asdict(attacked(name, asked(), reader, read))


def _sound(language: str) -> Iterator[Cell]:
    drawn = partial(_sound_drawn, language)
    for listener in listeners(language):
        yield Cell("sound", f"{language}/{listener.name}", partial(doors.heard, listener, language), drawn)
    yield Cell("clarity", language, partial(doors.clarity, language), drawn)


@cache
def _grid_drawn(family: str) -> str:
    kind = Grid.from_settings(Settings(), b"the same each time")
    return _named(*kind.render(kind.draw(b"the same", kind.plan({"profile": "humane", "family": family}))))


@cache
def _text_drawn(name: str) -> str:
    return _named(*(png for png, _ in pictures.several(pictures.OURS[name], 2, 1)))


@cache
def _sound_drawn(language: str) -> str:
    spoken = speaker(language)
    return _named(spoken.say("0123456789", b"the same", language)) if spoken.languages else ""


def _named(*contents: bytes) -> str:
    return hashlib.sha256(b"".join(contents)).hexdigest()[:12]
