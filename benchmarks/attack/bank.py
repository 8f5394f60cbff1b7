"""Attackers with a bank of templates: every character of public typefaces, in many poses, as ink, as edges or as contours."""

from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from api import Attacker, grey
from cheap import Picture, edges, ink
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from captcha_stateless.render import default_typefaces
from captcha_stateless.settings import Settings

ALPHABET = Settings().alphabet
_SIDE = 32
_SHIFTS = range(-3, 4)
_DEGREES = range(-24, 25, 6)
_DIMENSIONS = 160
_FILLS = (0.56, 0.66, 0.76)


class Bank(Attacker):
    """Names each tile by its best template, and compares with the reference's name."""

    #: How far a class's best template must lead, in correlation, to count as one unit of log-odds.
    _UNIT = 0.03

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Compare classes."""
        wanted = self.classes(grey(reference))
        return np.array([same_class(wanted, self.classes(grey(png))) for png in nine])

    def classes(self, picture: Picture) -> NDArray[np.float64]:
        """Return a log-probability for each character."""
        templates, owners, basis = bank(self.sketch)
        seen = small(self.look(picture))
        windows = np.stack([np.roll(seen, shift, (0, 1)).ravel() for shift in product(_SHIFTS, _SHIFTS)])
        windows -= windows.mean(1, keepdims=True)
        windows /= np.linalg.norm(windows, axis=1, keepdims=True) + 1e-9
        best = (windows @ basis @ templates.T).max(0)
        scores = (
            np.array([best[owners == owner].max() for owner in range(len(ALPHABET))], np.float64) / self._UNIT
        )
        return scores - np.logaddexp.reduce(scores)

    sketch: str

    def look(self, picture: Picture) -> Picture:
        """Bring a tile to the form of the templates."""
        raise NotImplementedError


class TemplateBank(Bank):
    """Filled templates against ink."""

    name, sketch = "template bank", "filled"

    def look(self, picture: Picture) -> Picture:
        """Look at ink."""
        return ink(picture)


class EdgeBank(Bank):
    """Contours of templates against edges."""

    name, sketch = "edge-template bank", "edges"

    def look(self, picture: Picture) -> Picture:
        """Look at edges."""
        return edges(picture)


class ContourBank(Bank):
    """Contours of templates against ink, which is what an outlined glyph is made of."""

    name, sketch = "contour-template bank", "contour"

    def look(self, picture: Picture) -> Picture:
        """Look at ink."""
        return ink(picture)


def same_class(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the log-odds that two tiles show the same character: half do, where one in twelve would by chance."""
    same = min(float(np.logaddexp.reduce(one + other)), -1e-9)
    return same - float(np.log(-np.expm1(same))) + float(np.log(len(ALPHABET) - 1))


def small(picture: Picture) -> Picture:
    """Shrink to the templates' size."""
    image = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32) / 255


@cache
def bank(sketch: str) -> tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.float32]]:
    """Return templates of mean 0 and length 1, a row each, in a basis of few dimensions; each one's character; that basis."""
    rows, owners = [], []
    for file in default_typefaces():
        for owner, glyph in enumerate(ALPHABET):
            for mask in poses(file, glyph):
                rows.append(small(sketched(mask, sketch)).ravel())
                owners.append(owner)
    table = np.stack(rows)
    table -= table.mean(1, keepdims=True)
    table /= np.linalg.norm(table, axis=1, keepdims=True) + 1e-9
    # The directions in which templates differ most: with all 1,024 pixels a stage takes five times as long.
    basis = np.linalg.eigh(table.T @ table)[1][:, -_DIMENSIONS:]
    return table @ basis, np.array(owners), basis


def poses(file: Path, glyph: str) -> list[Image.Image]:
    """Return a glyph's coverage, 128 pixels square, sized and turned."""
    return [
        upright(file, glyph, fill).rotate(degrees, Image.Resampling.BILINEAR)
        for fill in _FILLS
        for degrees in _DEGREES
    ]


@cache
def upright(file: Path, glyph: str, fill: float) -> Image.Image:
    """Return a glyph's coverage in the middle of 128 pixels square, its longer side a share of it."""
    face = ImageFont.truetype(str(file), 128)
    left, top, right, bottom = face.getbbox(glyph)
    large = Image.new("L", (int(right - left), int(bottom - top)))
    ImageDraw.Draw(large).text((-left, -top), glyph, font=face, fill=255)
    factor = 128 * fill / max(large.size)
    fitted = large.resize((max(1, round(large.width * factor)), max(1, round(large.height * factor))))
    canvas = Image.new("L", (128, 128))
    canvas.paste(fitted, ((128 - fitted.width) // 2, (128 - fitted.height) // 2))
    return canvas


def sketched(mask: Image.Image, sketch: str) -> Picture:
    """Turn coverage into what a tile's look is compared with."""
    if sketch == "filled":
        return np.asarray(mask, np.float32) / 255
    soft = np.asarray(mask.filter(ImageFilter.GaussianBlur(1.6)), np.float32) / 255
    if sketch == "edges":
        return np.clip(edges(soft) * 4, 0, 1)
    return np.clip(1 - np.abs(soft - 0.5) * 2.5, 0, 1)
