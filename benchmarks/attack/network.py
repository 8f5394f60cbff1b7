"""Trained attackers in numpy: a softmax, and a small network over histograms of oriented gradients."""

import itertools
from typing import Self

import numpy as np
from api import Attacker, Service, grey
from bank import ALPHABET, same_class
from cheap import Picture, ink
from numpy.typing import NDArray
from PIL import Image

Table = NDArray[np.float32]
_SIDE, _CELL, _BINS = 64, 8, 9


class Softmax:
    """Layers of rectified units and a softmax, trained by Adam (Kingma and Ba 2015) with decay and dropped inputs."""

    def __init__(self, *hidden: int, epochs: int = 40, dropped: float = 0.0) -> None:
        """Name the sizes of the layers between."""
        self._hidden, self._epochs, self._dropped = hidden, epochs, dropped

    def fit(self, inputs: NDArray[np.floating], classes: list[int], seed: int = 0) -> Self:
        """Train on rows of inputs and their classes."""
        random = np.random.default_rng(seed)
        rows, wanted = inputs.astype(np.float32), np.array(classes)
        sizes = [rows.shape[1], *self._hidden, len(ALPHABET)]
        self.weights: list[Table] = []
        for above, below in itertools.pairwise(sizes):
            self.weights += [
                (random.normal(size=(above, below)) * (2 / above) ** 0.5).astype(np.float32),
                np.zeros(below, np.float32),
            ]
        moments = [(np.zeros_like(weight), np.zeros_like(weight)) for weight in self.weights]
        step, batches = 0, max(1, len(rows) // 64)
        for epoch in range(self._epochs):
            rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * epoch / self._epochs))
            for batch in np.array_split(random.permutation(len(rows)), batches):
                step += 1
                kept = random.random((len(batch), rows.shape[1])) >= self._dropped
                gradients = self._gradients(rows[batch] * kept / (1 - self._dropped), wanted[batch])
                for weight, gradient, (mean, square) in zip(self.weights, gradients, moments, strict=True):
                    mean += 0.1 * (gradient - mean)
                    square += 0.001 * (gradient**2 - square)
                    least = np.sqrt(square / (1 - 0.999**step)) + 1e-8
                    weight -= rate * (mean / (1 - 0.9**step) / least + 1e-3 * weight)
        return self

    def log_probabilities(self, inputs: NDArray[np.floating]) -> list[NDArray[np.float64]]:
        """Return a log-probability for each character, for each row."""
        scores = self._layers(inputs.astype(np.float32))[-1].astype(np.float64)
        return list(scores - np.logaddexp.reduce(scores, 1, keepdims=True))

    def _layers(self, rows: Table) -> list[Table]:
        layers = [rows]
        for at in range(0, len(self.weights), 2):
            layers.append(layers[-1] @ self.weights[at] + self.weights[at + 1])
            if at + 2 < len(self.weights):
                np.maximum(layers[-1], 0, out=layers[-1])
        return layers

    def _gradients(self, rows: Table, wanted: NDArray[np.intp]) -> list[Table]:
        layers = self._layers(rows)
        scores = layers[-1] - layers[-1].max(1, keepdims=True)
        error = np.exp(scores)
        error /= error.sum(1, keepdims=True)
        error[np.arange(len(rows)), wanted] -= 1
        error /= len(rows)
        gradients: list[Table] = []
        for at in range(len(self.weights) - 2, -1, -2):
            under = layers[at // 2]
            gradients = [under.T @ error, error.sum(0), *gradients]
            error = (error @ self.weights[at].T) * (under > 0)
        return gradients


class Hog(Attacker):
    """Oriented gradients, and a network of one hidden layer that a laptop trains in a minute."""

    def __init__(self, labels: int) -> None:
        """Name how many labelled tiles it learns from."""
        self.labels, self.name = labels, f"HOG and network, {labels:,} labels"

    def fit(self, service: Service, seed: int) -> Self:
        """Learn."""
        pngs, glyphs = zip(*service.tiles(self.labels, seed), strict=True)
        features = np.stack([gradients(png) for png in pngs])
        self._mean, self._spread = features.mean(0), features.std(0) + 1e-6
        network = Softmax(256, epochs=60 if self.labels < 5_000 else 25, dropped=0.3)
        self._network = network.fit(
            (features - self._mean) / self._spread, [ALPHABET.index(glyph) for glyph in glyphs]
        )
        return self

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Compare classes."""
        features = np.stack([gradients(png) for png in (reference, *nine)])
        wanted, *others = self._network.log_probabilities((features - self._mean) / self._spread)
        return np.array([same_class(wanted, other) for other in others])


def prepared(png: bytes, side: int = _SIDE) -> Picture:
    """Return ink, on one size, whatever the colours."""
    image = Image.fromarray((ink(grey(png)) * 255).astype(np.uint8))
    return np.asarray(image if image.width == side else image.resize((side, side)), np.float32) / 255


def gradients(png: bytes) -> Table:
    """Return histograms of oriented gradients in cells of 8 pixels, and of 16 (Dalal and Triggs 2005)."""
    picture = prepared(png)
    down, across = np.gradient(picture)
    strength = np.hypot(down, across)
    sector = ((np.arctan2(down, across) / np.pi % 1) * _BINS).astype(np.intp) % _BINS
    layers = np.zeros((_BINS, _SIDE, _SIDE), np.float32)
    np.put_along_axis(layers, sector[None], strength[None], 0)
    cells = _SIDE // _CELL
    fine = layers.reshape(_BINS, cells, _CELL, cells, _CELL).sum((2, 4))
    coarse = fine.reshape(_BINS, cells // 2, 2, cells // 2, 2).sum((2, 4))
    local = np.sqrt((fine**2).sum(0, keepdims=True)) + 0.5
    lines = picture.reshape(16, 4, 16, 4).mean((1, 3))
    return np.concatenate([(fine / local).ravel(), coarse.ravel() / 8, lines.ravel()]).astype(np.float32)
