"""The other doors than the grid: sound listened to, text read by who learned it, and what CI lets at both."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hearing import SAID, Listener, listeners, public, speaker
from pictures import OURS, ours, pairs
from reading import Read, alike, attacked, readers
from score import cpu_seconds, most

from captcha_stateless.render import contact_sheet
from captcha_stateless.sound.wav import RATE, stretched, write_wav

#: Pictures of the default's four forms, of each other form, and those that take Tesseract's time.
MANY, SOME, FEW = 120, 25, 10
#: Pictures that a network is asked after it has learned.
ASKED = 120
#: Sounds: of none of 120 heard, less than 5% can be heard (99%). And those whose clearness is measured.
SOUNDS, CLEAR_SOUNDS = 120, 20
#: Of the default's pictures and of English: the share of texts, and of sounds, that anything may have at once.
TEXT_CEILING, SOUND_CEILING = 0.10, 0.05
#: Of every sound: how much of what is said is kept, at least, and its bytes, at most.
STOI_FLOOR, MOST_BYTES = 0.75, 120_000


@dataclass(frozen=True, slots=True)
class Heard:
    """How a listener did: sounds of which all six digits were right, and digits in their places."""

    language: str
    listener: str
    asked: int
    right: int
    digits: float
    cpu_seconds: float


def short_text(count: int) -> bool:
    """Let the readers at the sizes that are served; tell whether the ceiling holds.

    A reader that reads nothing at all would prove nothing, so it holds only if the best of them reads the clear look.
    """
    asked = pairs(ours(OURS["`clear`, 600x200"], b"short"), FEW, 2)
    able = max(attacked("clear", asked, reader, read).once for reader, read in readers())
    print(f"{'clear, 600x200':<28}{'the best':<16}{able:4} of {FEW}, at least {FEW // 2}", flush=True)
    holds = able >= FEW // 2
    for name in ("default, 600x200, light", "default, 350x100, dark"):
        asked = pairs(ours(OURS[name], b"short"), count, 2)
        for reader, read in readers():
            found = attacked(name, asked, reader, read)
            holds &= found.once <= most(count, TEXT_CEILING)
            print(
                f"{name:<28}{reader:<16}{found.once:4} of {count}, at most {most(count, TEXT_CEILING)}",
                flush=True,
            )
    return holds


def trained_text(name: str, labels: int) -> dict[str, Any]:
    """Train a network on so many of our pictures, and let it at others of the same deployment."""
    from lettered import SEEN, Network  # PyTorch is in the optional group `train`

    draw = ours(OURS[name], b"a deployment")
    asked = pairs(draw, ASKED, 3)
    network = Network().fit(pairs(draw, labels, 4))
    before = cpu_seconds()
    seen = [network.read(png) for png, _ in asked]
    spent = cpu_seconds() - before
    told = [text.upper() for _, text in asked]
    right = sum(one == text for one, text in zip(seen, told, strict=True))
    letters = float(np.mean([alike(text, one) for one, text in zip(seen, told, strict=True)]))
    read = Read(name, f"CNN, {labels:,} labels", ASKED, right, right, letters, spent, labels)
    return {**asdict(read), "learned_cpu_seconds": round(network.cpu_seconds), "looks": SEEN}


def heard(listener: Listener, language: str) -> dict[str, Any]:
    """Let a listener at a language."""
    random, right, digits, spent = np.random.default_rng(5), 0, 0, 0.0
    spoken = speaker(language)
    for number in range(SOUNDS):
        said = "".join(map(str, random.integers(0, 10, SAID)))
        content = spoken.say(said, b"sound %d" % number, language)
        before = cpu_seconds()
        guess = listener.listen(content)
        spent += cpu_seconds() - before
        right += guess == said
        digits += sum(one == other for one, other in zip(said, guess, strict=False))
    return asdict(Heard(language, listener.name, SOUNDS, right, digits / SAID / SOUNDS, spent))


def short_sound(count: int) -> bool:
    """Let the listeners at English; tell whether the ceiling holds, but for the recogniser, which has none.

    It holds only if correlation hears what it is made for, public recordings played one after the other.
    """
    random, correlation, able = np.random.default_rng(8), next(listeners("en")), 0
    for number in range(FEW):
        said = "".join(map(str, random.integers(0, 10, SAID)))
        able += correlation.listen(_plainly(said, number)) == said
    print(f"{'public recordings, played plainly':<52}{able:4} of {FEW}, at least {FEW - 1}", flush=True)
    holds, limit, spoken = able >= FEW - 1, most(count, SOUND_CEILING), speaker("en")
    for listener in listeners("en"):
        right = 0
        for number in range(count):
            said = "".join(map(str, random.integers(0, 10, SAID)))
            right += listener.listen(spoken.say(said, b"short %d" % number, "en")) == said
        holds &= listener.recognises or right <= limit
        print(f"{listener.name:<52}{right:4} of {count}, at most {limit}", flush=True)
    clear = clarity("en")
    holds &= clear["stoi_least"] >= STOI_FLOOR and clear["most_bytes"] <= MOST_BYTES
    print(
        f"STOI {clear['stoi_least']}, at least {STOI_FLOOR}; {clear['most_bytes']:,} bytes, at most {MOST_BYTES:,}"
    )
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


def clarity(language: str) -> dict[str, Any]:
    """Measure how well what is heard keeps what is said (STOI, Taal and others 2011), time and size."""
    from pystoi import stoi

    spoken, random = speaker(language), np.random.default_rng(6)
    kept, sizes, spent = [], [], []
    for number in range(CLEAR_SOUNDS):
        said = "".join(map(str, random.integers(0, 10, SAID)))
        before = time.process_time()
        sizes.append(len(spoken.say(said, b"%d" % number, language)))
        spent.append(time.process_time() - before)
        once = spoken.once(said, b"%d" % number, language)
        kept.append(float(stoi(once.clean, once.heard, RATE)))
    return {
        "language": language,
        "sounds": CLEAR_SOUNDS,
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
