"""Attackers that compare pictures and know nothing else: what a script from a search engine does."""

import numpy as np
from api import Attacker, grey
from numpy.typing import NDArray
from PIL import Image
from score import contrasted

Picture = NDArray[np.float32]


class Guess(Attacker):
    """Guesses."""

    name = "guess"

    def __init__(self) -> None:
        """Seed the guesses."""
        self._random = np.random.default_rng(0)

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Say anything."""
        return self._random.normal(size=9)


class Similar(Attacker):
    """Asks how much each tile is like the reference."""

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Compare each with the reference."""
        wanted = grey(reference)
        return contrasted(np.array([self.alike(wanted, grey(png)) for png in nine]))

    def alike(self, wanted: Picture, tile: Picture) -> float:
        """Return more for what is more alike."""
        raise NotImplementedError


class InkBox(Similar):
    """Box, share and centre of the ink."""

    name = "ink box"

    def alike(self, wanted: Picture, tile: Picture) -> float:
        """Compare five numbers."""
        return -float(np.abs(box(wanted) - box(tile)).sum())


class EdgeCorrelation(Similar):
    """The best correlation of edges over all shifts: what broke the original in full."""

    name = "edge correlation"

    def alike(self, wanted: Picture, tile: Picture) -> float:
        """Correlate gradients over all shifts."""
        return best_shift(edges(wanted), edges(tile))


class PixelCorrelation(Similar):
    """The best correlation of ink over all shifts."""

    name = "ink correlation"

    def alike(self, wanted: Picture, tile: Picture) -> float:
        """Correlate ink over all shifts."""
        return best_shift(ink(wanted), ink(tile))


class PerceptualHash(Similar):
    """The difference hash of the ink, 8 by 8 bits (Krawetz, "Kind of like that", 2013)."""

    name = "perceptual hash"

    def alike(self, wanted: Picture, tile: Picture) -> float:
        """Count equal bits."""
        return float((difference_hash(ink(wanted)) == difference_hash(ink(tile))).sum())


class TurnedCorrelation(Similar):
    """The best correlation of ink over shifts, turns of up to 25 degrees and three sizes."""

    name = "correlation over rotations"

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Turn the reference once, and compare each tile with all turns."""
        poses = [
            posed(ink(grey(reference)), degrees, size)
            for degrees in range(-25, 26, 5)
            for size in (0.9, 1.0, 1.1)
        ]
        wanted, tiles = spectra(poses), spectra([ink(grey(png)) for png in nine])
        return contrasted(np.array([np.fft.irfft2(wanted * np.conj(tile)).max() for tile in tiles]))


def ink(picture: Picture) -> Picture:
    """Return 1 where a pixel is as far from the ground as any, 0 where it is the ground: the commonest tone."""
    counts, steps = np.histogram(picture, 32, (0, 1))
    ground = steps[counts.argmax()] + 1 / 64
    far = np.abs(picture - ground)
    return (far / max(float(far.max()), 1e-6)).astype(np.float32)


def edges(picture: Picture) -> Picture:
    """Return the length of the gradient."""
    down, across = np.gradient(picture)
    return np.hypot(down, across)


def box(picture: Picture) -> NDArray[np.float64]:
    """Return width, height, share and centre of what is inked."""
    inked = ink(picture) > 0.5
    rows, columns = np.nonzero(inked)
    size = len(picture)
    return np.array(
        [np.ptp(rows) / size, np.ptp(columns) / size, inked.mean(), rows.mean() / size, columns.mean() / size]
    )


def best_shift(one: Picture, other: Picture) -> float:
    """Return the greatest normalised correlation of two pictures over all shifts."""
    one, other = one - one.mean(), other - other.mean()
    spectrum = np.fft.rfft2(one) * np.conj(np.fft.rfft2(other))
    norm = float(np.sqrt((one**2).sum() * (other**2).sum())) + 1e-9
    return float(np.fft.irfft2(spectrum, one.shape).max()) / norm


def spectra(pictures: list[Picture]) -> NDArray[np.complexfloating]:
    """Return the spectra of pictures at half size, of mean 0 and length 1."""
    stack = np.stack(pictures)
    halves = stack[:, : stack.shape[1] // 2 * 2, : stack.shape[2] // 2 * 2]
    halves = halves.reshape(len(stack), halves.shape[1] // 2, 2, halves.shape[2] // 2, 2).mean((2, 4))
    halves -= halves.mean((1, 2), keepdims=True)
    halves /= np.sqrt((halves**2).sum((1, 2), keepdims=True)) + 1e-9
    return np.fft.rfft2(halves)


def difference_hash(picture: Picture) -> NDArray[np.bool_]:
    """Return 64 bits: is a pixel darker than its neighbour?"""
    small = np.asarray(Image.fromarray((picture * 255).astype(np.uint8)).resize((9, 8)), np.int16)
    return small[:, 1:] > small[:, :-1]


def posed(picture: Picture, degrees: float, size: float) -> Picture:
    """Turn and size a picture about its middle."""
    image = Image.fromarray((picture * 255).astype(np.uint8))
    side = image.width
    large = image.resize((round(side * size),) * 2, Image.Resampling.BILINEAR).rotate(
        degrees, Image.Resampling.BILINEAR
    )
    room = (large.width - side) // 2
    return np.asarray(large.crop((room, room, room + side, room + side)), np.float32) / 255
