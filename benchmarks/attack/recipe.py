"""The attacker who has read our source: he knows that a glyph's inside is a region that no line crosses."""

from collections.abc import Iterator
from functools import cache

import numpy as np
from api import Attacker, grey
from bank import ALPHABET, same_class, upright
from cheap import Picture, ink
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from captcha_stateless.render import default_typefaces

_SIDE = 32
_UNIT = 0.035
_DEGREES = range(-30, 31, 6)
_SQUEEZES = (0.88, 1.0, 1.14)


class Recipe(Attacker):
    """Finds every region that lines enclose, and asks of which character's inside it has the shape."""

    name = "knows the recipe"

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Compare classes."""
        wanted = classes(grey(reference))
        return np.array([same_class(wanted, classes(grey(png))) for png in nine])


def classes(picture: Picture) -> NDArray[np.float64]:
    """Return a log-probability for each character, by the best of the regions."""
    templates, owners = insides()
    lines = ink(picture) >= 0.4
    found = [*regions(~lines), *regions(~thickened(lines))]
    if not found:
        return np.full(len(ALPHABET), -np.log(len(ALPHABET)))
    shapes = np.stack([normal(region).ravel() for region in found])
    shapes -= shapes.mean(1, keepdims=True)
    shapes /= np.linalg.norm(shapes, axis=1, keepdims=True)
    best = (shapes @ templates.T).max(0)
    scores = np.array([best[owners == owner].max() for owner in range(len(ALPHABET))], np.float64) / _UNIT
    return scores - np.logaddexp.reduce(scores)


def thickened(lines: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Make lines a pixel wider on each side, which closes the gaps that they have."""
    return np.asarray(Image.fromarray((lines * 255).astype(np.uint8)).filter(ImageFilter.MaxFilter(3))) > 127


def regions(free: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return the connected regions of ``free`` that may be a glyph's inside: large, and away from the edge."""
    labels = connected(free)
    found = []
    large = np.bincount(labels.ravel()) > 0.015 * free.size
    for label in np.flatnonzero(large[1:]) + 1:
        region = labels == label
        rows, columns = np.nonzero(region)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        edge = region[0].any() or region[-1].any() or region[:, 0].any() or region[:, -1].any()
        if not edge and max(height, width) > 0.3 * len(free):
            found.append(region)
    return found


def connected(free: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Label regions of four-connected pixels from 1 up, joining the runs of each row to those above that they touch."""
    rows, bounds = np.nonzero(np.diff(np.pad(free, ((0, 0), (1, 1))).astype(np.int8)))
    runs = list(zip(rows[::2].tolist(), bounds[::2].tolist(), bounds[1::2].tolist(), strict=True))
    parents = list(range(len(runs)))
    for one, other in touching(runs):
        parents[root(parents, other)] = root(parents, one)
    labels = np.zeros(free.shape, np.intp)
    for number, (row, start, end) in enumerate(runs):
        labels[row, start:end] = root(parents, number) + 1
    return labels


def touching(runs: list[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Tell which runs, (row, start, end) in order, lie above one another."""
    above = 0
    for number, (row, start, end) in enumerate(runs):
        while runs[above][0] < row - 1 or (runs[above][0] == row - 1 and runs[above][2] <= start):
            above += 1
        other = above
        while runs[other][0] == row - 1 and runs[other][1] < end:
            yield other, number
            other += 1


def root(parents: list[int], number: int) -> int:
    """Follow a run to the one that stands for its region, and shorten the way."""
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number


def normal(region: NDArray[np.bool_]) -> Picture:
    """Bring a shape to one size and place: its middle in the middle, its area a fifth of the square."""
    rows, columns = np.nonzero(region)
    factor = np.sqrt(region.sum() / (0.2 * _SIDE**2))
    across = (1.0 * factor, 0.0, columns.mean() + 0.5 - factor * _SIDE / 2)
    down = (0.0, 1.0 * factor, rows.mean() + 0.5 - factor * _SIDE / 2)
    image = Image.fromarray((region * 255).astype(np.uint8))
    shape = image.transform(
        (_SIDE, _SIDE), Image.Transform.AFFINE, (*across, *down), Image.Resampling.BILINEAR
    )
    return np.asarray(shape, np.float32) / 255


@cache
def insides() -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return normal insides of every character of public typefaces, turned and squeezed; and each one's character."""
    rows, owners = [], []
    for file in default_typefaces():
        for owner, glyph in enumerate(ALPHABET):
            thin = upright(file, glyph, 0.66).filter(ImageFilter.MinFilter(3))
            for squeeze in _SQUEEZES:
                narrow = thin.resize((round(128 * squeeze), round(128 / squeeze)))
                for degrees in _DEGREES:
                    turned = np.asarray(narrow.rotate(degrees, Image.Resampling.BILINEAR, expand=True)) > 127
                    rows.append(normal(turned).ravel())
                    owners.append(owner)
    table = np.stack(rows)
    table -= table.mean(1, keepdims=True)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    return table, np.array(owners)
