"""Readers: programs that anybody installs with their weights, let at pictures of text, each in four preparations."""

import io
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from score import cpu_seconds

from captcha_stateless.settings import Settings

TESSERACT = shutil.which("tesseract")
#: What may be read: letters count in either case.
LETTERS = "".join(sorted({letter.upper() for letter in Settings().text_alphabet}))
#: What a line's middle must differ from the ground, in luminance of 0 to 1, to be ink.
_INK = 0.35


Prepared = Callable[[bytes], bytes]
Reader = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Read:
    """How a reader did with one sort of picture: in one try (its best preparation), in the best three, and by letters."""

    picture: str
    reader: str
    asked: int
    once: int
    thrice: int
    letters: float
    cpu_seconds: float
    labels: int = 0


def raw(png: bytes) -> bytes:
    """Take the picture as it is."""
    return png


def inverted(png: bytes) -> bytes:
    """Take dark for light, and light for dark: readers are used to one of them."""
    return _saved(ImageOps.invert(Image.open(io.BytesIO(png)).convert("L")))


def cropped(png: bytes) -> bytes:
    """Cut to where most of the ink is, dark on light."""
    ink = inked(png)
    rows, columns = (np.flatnonzero(ink.mean(axis) > 0.03) for axis in (1, 0))
    if not (len(rows) and len(columns)):
        return png
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _saved(ImageOps.expand(Image.fromarray(np.where(box, 0, 255).astype(np.uint8)), 8, 255))


def filled(png: bytes) -> bytes:
    """Fill what contours enclose, with gaps of two pixels closed: written for our drawing."""
    from scipy import ndimage  # in the optional group, as every reader is

    ink = ndimage.binary_dilation(inked(png), iterations=2)
    regions, count = ndimage.label(~ink)
    areas = ndimage.sum(~ink, regions, range(count + 1))
    keep = (areas > 0.004 * ink.size) & (areas < 0.12 * ink.size)
    keep[0] = False
    solid = ndimage.binary_dilation(keep[regions], iterations=3)
    return _saved(Image.fromarray(np.where(solid, 0, 255).astype(np.uint8)))


#: What each reader is shown of a picture: what its tries may be spent on, of which there are three.
PREPARATIONS: tuple[Prepared, ...] = (raw, inverted, cropped, filled)
TRIES = 3


def inked(png: bytes) -> NDArray[np.bool_]:
    """Tell ink from ground, whichever is darker, (height, width)."""
    grey = np.asarray(Image.open(io.BytesIO(png)).convert("L"), np.float32) / 255
    return np.abs(grey - np.median(grey)) > _INK * (grey.max() - grey.min())


def readers() -> Iterator[tuple[str, Reader]]:
    """Make every reader; those that are heavy to load are loaded when they are first asked."""
    yield "ddddocr", lambda png: _ddddocr(False).classification(png)
    yield "ddddocr, beta", lambda png: _ddddocr(True).classification(png)
    yield "RapidOCR", _rapidocr
    if TESSERACT:
        yield "Tesseract", _tesseract


def attacked(picture: str, pairs: Sequence[tuple[bytes, str]], name: str, reader: Reader) -> Read:
    """Let a reader at pictures of one sort, whose texts the judge knows."""
    hits = np.zeros((len(pairs), len(PREPARATIONS)), bool)
    letters, before = [], cpu_seconds()
    for number, (png, text) in enumerate(pairs):
        seen = [plain(reader(prepare(png))) for prepare in PREPARATIONS]
        hits[number] = [one == plain(text) for one in seen]
        letters.append(alike(plain(text), seen[0]))
    spent = (cpu_seconds() - before) / len(PREPARATIONS)
    once = int(hits.sum(0).max())
    thrice = max(int(hits[:, some].any(1).sum()) for some in combinations(range(len(PREPARATIONS)), TRIES))
    return Read(picture, name, len(pairs), once, thrice, float(np.mean(letters)), spent)


def plain(text: str) -> str:
    """Bring what is read to letters and digits in one case, as the server does."""
    return "".join(character for character in text.upper() if character.isalnum())


def alike(text: str, seen: str) -> float:
    """Tell the share of letters that are read: one less the edits that are needed, by Levenshtein's distance."""
    row = np.arange(len(seen) + 1)
    for number, letter in enumerate(text, 1):
        before, row[0] = row.copy(), number
        for place, other in enumerate(seen, 1):
            row[place] = min(before[place] + 1, row[place - 1] + 1, before[place - 1] + (letter != other))
    return max(0.0, 1 - float(row[-1]) / max(1, len(text)))


@cache
def _ddddocr(beta: bool) -> Any:
    import ddddocr

    return ddddocr.DdddOcr(show_ad=False, beta=beta)


@cache
def _rapid() -> Any:
    from rapidocr_onnxruntime import RapidOCR

    return RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)


def _rapidocr(png: bytes) -> str:
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    found, _ = _rapid()(picture, use_det=False, use_cls=False, use_rec=True)
    return str(found[0][0]) if found else ""


def _tesseract(png: bytes) -> str:
    assert TESSERACT
    command = [
        TESSERACT,
        "stdin",
        "stdout",
        "--psm",
        "7",
        "-c",
        f"tessedit_char_whitelist={LETTERS}{LETTERS.lower()}",
    ]
    done = subprocess.run(command, input=png, capture_output=True, check=False, timeout=60)
    return done.stdout.decode(errors="replace")


def _saved(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
