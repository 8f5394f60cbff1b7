"""The attacker who never looks at a pixel: bytes, palettes and chunks of the files, and their order."""

from typing import Self

import numpy as np
from api import Attacker, Service
from bank import ALPHABET, same_class
from network import Softmax
from numpy.typing import NDArray
from score import contrasted


class Sizes(Attacker):
    """Takes files of like size for like characters."""

    name = "metadata: file sizes"

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Compare lengths."""
        return contrasted(-np.array([abs(len(png) - len(reference)) for png in nine], np.float64))


class Palettes(Attacker):
    """Takes files of like palettes for like characters."""

    name = "metadata: palettes"

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Compare the colours in the file's head."""
        return contrasted(-np.array([np.abs(palette(png) - palette(reference)).sum() for png in nine]))


class Learned(Attacker):
    """Learns which lengths and colours go with which character."""

    def __init__(self, labels: int) -> None:
        """Name how many labelled tiles it learns from."""
        self.labels, self.name = labels, "metadata: learned"

    def fit(self, service: Service, seed: int) -> Self:
        """Fit a softmax to what can be read off a file without decoding it."""
        pngs, glyphs = zip(*service.tiles(self.labels, seed), strict=True)
        features = np.stack([described(png) for png in pngs])
        self._mean, self._spread = features.mean(0), features.std(0) + 1e-9
        self._model = Softmax().fit(
            (features - self._mean) / self._spread, [ALPHABET.index(glyph) for glyph in glyphs]
        )
        return self

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Compare classes."""
        files = np.stack([described(png) for png in (reference, *nine)])
        wanted, *others = self._model.log_probabilities((files - self._mean) / self._spread)
        return np.array([same_class(wanted, other) for other in others])


def palette(png: bytes) -> NDArray[np.float64]:
    """Return the 48 numbers of the palette."""
    at = png.index(b"PLTE") + 4
    return np.frombuffer(png[at : at + 48], np.uint8).astype(np.float64)


def described(png: bytes) -> NDArray[np.float64]:
    """Return what a file tells without its pixels: lengths, palette, checksum bytes, how often each value comes."""
    data = np.frombuffer(png[png.index(b"IDAT") + 4 : -16], np.uint8)
    counts = np.bincount(data >> 4, minlength=16) / len(data)
    return np.concatenate([[len(png), len(png) ** 0.5], palette(png), counts])
