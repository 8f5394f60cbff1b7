"""The other doors than the grid: text read, sound listened to, each by everything that we know, and written down."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hearing import SAID, Listener, listeners, public
from pictures import OURS, Pair, others, ours, pairs
from reading import Read, alike, attacked, readers
from score import cpu_seconds, most

from captcha_stateless.render import contact_sheet
from captcha_stateless.sound import Speaker, espeak_program, load_voices
from captcha_stateless.sound.wav import RATE, stretched, write_wav

#: Pictures of the default's four forms, of each other form, and those that take Tesseract's time.
MANY, SOME, FEW = 120, 25, 10
SOUNDS, SLOW_SOUNDS = 120, 20
#: Voices whose intelligibility is measured.
LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "it", "pt", "ru", "tr")
#: Of the default's pictures and of English: the share of texts, and of sounds, that anything may have at once.
TEXT_CEILING, SOUND_CEILING = 0.10, 0.05


@dataclass(frozen=True, slots=True)
class Heard:
    """How a listener did: sounds of which all six digits were right, and digits in their places."""

    listener: str
    asked: int
    right: int
    digits: float
    cpu_seconds: float


def text(minicap: Path | None, many: int, some: int) -> Iterator[Read]:
    """Let every reader at every sort of picture."""
    secret = np.random.default_rng().bytes(32)
    for name, params in OURS.items():
        yield from _read(
            name, pairs(ours(params, secret), many if name.endswith(("light", "dark")) else some, 1)
        )
    for name, draw in others(minicap):
        yield from _read(name, pairs(draw, some, 1))


def _read(name: str, asked: Sequence[Pair]) -> Iterator[Read]:
    for reader, read in readers():
        yield attacked(name, asked[:FEW] if reader == "Tesseract" else asked, reader, read)


def short_text(count: int) -> bool:
    """Let the readers at the sizes that are served; tell whether the ceiling holds.

    A reader that reads nothing at all would prove nothing, so it holds only if the best of them reads the clear look.
    """
    asked = pairs(ours(OURS["`clear`, 600x200"], b"short"), FEW, 2)
    able = max(attacked("clear", asked, reader, read).once for reader, read in readers())
    print(f"{'clear, 600x200':<28}{'the best':<16}{able:4} of {FEW}, at least {FEW // 2}", flush=True)
    holds = able >= FEW // 2
    for name in ("default, 600x200, light", "default, 350x100, light"):
        asked = pairs(ours(OURS[name], b"short"), count, 2)
        for reader, read in readers():
            found = attacked(name, asked, reader, read)
            holds &= found.once <= most(count, TEXT_CEILING)
            print(
                f"{name:<28}{reader:<16}{found.once:4} of {count}, at most {most(count, TEXT_CEILING)}",
                flush=True,
            )
    return holds


def trained_text(labels: Sequence[int], count: int) -> Iterator[Read]:
    """Train a network on so many of our pictures, and let it at others of the same deployment."""
    from lettered import Network  # PyTorch

    for name in ("default, 350x100, light",):
        draw = ours(OURS[name], b"a deployment")
        asked = pairs(draw, count, 3)
        for number in labels:
            network = Network().fit(pairs(draw, number, 4))
            before = cpu_seconds()
            seen = [network.read(png) for png, _ in asked]
            spent = cpu_seconds() - before
            right = sum(one == told.upper() for one, (_, told) in zip(seen, asked, strict=True))
            letters = float(
                np.mean([alike(told.upper(), one) for one, (_, told) in zip(seen, asked, strict=True)])
            )
            yield Read(name, f"CNN, {number:,} labels", count, right, right, letters, spent, number)


def sound(count: int, slow: int, *, only: str = "") -> Iterator[Heard]:
    """Let every listener at English."""
    speaker = Speaker(
        load_voices(("en",), None, espeak_program(), b"a deployment", public=True), b"a deployment"
    )
    for listener in listeners():
        if only in listener.name:
            yield _heard(listener, speaker, slow if listener.most < count else count)


def _heard(listener: Listener, speaker: Speaker, count: int) -> Heard:
    random, right, digits, spent = np.random.default_rng(5), 0, 0, 0.0
    for number in range(count):
        said = "".join(map(str, random.integers(0, 10, SAID)))
        content = speaker.say(said, b"sound %d" % number, "en")
        before = cpu_seconds()
        heard = listener.listen(content)
        spent += cpu_seconds() - before
        right += heard == said
        digits += sum(one == other for one, other in zip(said, heard, strict=False))
    return Heard(listener.name, count, right, digits / SAID / count, spent)


def short_sound(count: int) -> bool:
    """Let the listeners at English; tell whether the ceiling holds, but for the recogniser, which has none.

    It holds only if correlation hears what it is made for, public recordings played one after the other.
    """
    random, correlation, able = np.random.default_rng(8), next(listeners()), 0
    for number in range(FEW):
        said = "".join(map(str, random.integers(0, 10, SAID)))
        able += correlation.listen(_plainly(said, number)) == said
    print(f"{'public recordings, played plainly':<52}{able:4} of {FEW}, at least {FEW - 1}", flush=True)
    holds = able >= FEW - 1
    for found in sound(count, min(count, 10)):
        limit = most(found.asked, SOUND_CEILING)
        recogniser = found.listener.startswith("PocketSphinx")
        holds &= recogniser or found.right <= limit
        print(f"{found.listener:<52}{found.right:4} of {found.asked}, at most {limit}", flush=True)
    return holds


def _plainly(said: str, seed: int) -> bytes:
    """Play public recordings one after the other, each at a rate of its own, over light noise, twice: as we once did."""
    random, voice = np.random.default_rng(seed), public()["en"]
    parts = [np.zeros(RATE // 3)]
    for digit in said:
        take = stretched(voice[int(digit)][0], float(random.uniform(0.9, 1.15)))
        parts += [take * random.uniform(0.75, 1), np.zeros(round(RATE * random.uniform(0.35, 0.5)))]
    once = np.concatenate(parts)
    once += random.normal(0, 0.014, len(once))
    return write_wav(np.concatenate([once, np.zeros(round(1.2 * RATE)), once]).astype(np.float32))


def clarity(each: int) -> Iterator[dict[str, Any]]:
    """Measure, for each voice, how well what is heard keeps what is said (STOI, Taal and others 2011), time and size."""
    from pystoi import stoi

    for language in LANGUAGES:
        voices = load_voices((language,), None, espeak_program(), b"a deployment")
        speaker, random = Speaker(voices, b"a deployment"), np.random.default_rng(6)
        kept, sizes, spent = [], [], []
        for number in range(each):
            said = "".join(map(str, random.integers(0, 10, SAID)))
            before = time.process_time()
            sizes.append(len(speaker.say(said, b"%d" % number, language)))
            spent.append(time.process_time() - before)
            once = speaker.once(said, b"%d" % number, language)
            kept.append(float(stoi(once.clean, once.heard, RATE)))
        yield {
            "language": language,
            "sounds": each,
            "stoi_least": round(min(kept), 3),
            "stoi_mean": round(float(np.mean(kept)), 3),
            "milliseconds": round(1000 * float(np.median(spent)), 2),
            "most_bytes": max(sizes),
        }


def sheets(folder: Path) -> None:
    """Draw contact sheets of the default, in both themes and sizes."""
    for name, file in (
        ("default, 600x200, light", "text-600-light.png"),
        ("default, 600x200, dark", "text-600-dark.png"),
        ("default, 350x100, light", "text-350-light.png"),
        ("default, 350x100, dark", "text-350-dark.png"),
    ):
        pngs = [png for png, _ in pairs(ours(OURS[name], b"a sheet"), 8, 9)]
        (folder / file).write_bytes(contact_sheet(pngs, columns=2))


def measured(read: Read, kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put a read in its place among those that were measured before."""
    print(
        f"{read.picture:<34}{read.reader:<18}{read.once / read.asked:7.1%}{read.thrice / read.asked:7.1%}"
        f"{read.letters:7.1%}{read.cpu_seconds / read.asked * 1000:8.0f} ms",
        flush=True,
    )
    return _placed(asdict(read), kept, "picture", "reader")


def listened(heard: Heard, kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put what was heard in its place among what was measured before."""
    print(f"{heard.listener:<52}{heard.right:4} of {heard.asked}{heard.digits:7.1%}", flush=True)
    return _placed(asdict(heard), kept, "listener")


def _placed(found: dict[str, Any], kept: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    at = [[one[name] for name in names] for one in kept]
    key = [found[name] for name in names]
    if key in at:
        kept[at.index(key)] = found
    else:
        kept.append(found)
    return kept
