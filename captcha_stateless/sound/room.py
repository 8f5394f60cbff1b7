"""What is done to speech so that no digit is twice the same: warp, tilt and room, each from choices of a seed."""

import math

import numpy as np

from captcha_stateless.seeded import Draws
from captcha_stateless.sound.wav import RATE, Samples

#: How fast a digit may be said, as multiples of its recording, and how far its pace may sway around that.
RATES = (0.85, 1.15)
_SWAY = 0.12
#: Choices that :func:`warped` and :func:`Room` take.
WARP_CHOICES = 3
ROOM_CHOICES = 16
#: Echoes of a small room: how many, how late in seconds, and the loudest against the voice.
_ECHOES = 7
_LATE = (0.006, 0.07)
_LOUDEST = 0.2
#: How much darker or brighter a room is: the share of its neighbour that is added to each sample.
_TILT = (-0.25, 0.25)
_STEPS = 1 << 10


def between(draws: Draws, bounds: tuple[float, float]) -> float:
    """Draw a number between bounds."""
    low, high = bounds
    return low + (high - low) * draws.below(_STEPS) / (_STEPS - 1)


def warped(samples: Samples, draws: Draws) -> Samples:
    """Play samples at a rate, and at a pace that sways around it as they go; pitch follows."""
    rate, sway = between(draws, RATES), between(draws, (-_SWAY, _SWAY))
    phase = between(draws, (0, 2 * math.pi))
    length = max(2, int(len(samples) / rate))
    share = np.linspace(0, 1, length)
    # The integral of a pace of 1 + sway * cos(2 pi share + phase), from the first sample to the last.
    place = share + sway / (2 * math.pi) * (np.sin(2 * math.pi * share + phase) - math.sin(phase))
    return np.asarray(np.interp(place * (len(samples) - 1), np.arange(len(samples)), samples), np.float32)


class Room:
    """A small room: few early echoes, and a tilt of its tone."""

    def __init__(self, draws: Draws) -> None:
        """Choose its echoes."""
        self._tilt = np.float32(between(draws, _TILT))
        self._echoes = []
        for _ in range(_ECHOES):
            late, share = between(draws, _LATE), between(draws, (-1, 1))
            loudness = share * _LOUDEST * math.exp(-late / _LATE[1])
            self._echoes.append((round(late * RATE), np.float32(loudness)))

    def heard(self, samples: Samples) -> Samples:
        """Return what of samples is heard in it, as long as they are and as loud."""
        tilted = samples.copy()
        tilted[1:] += self._tilt * samples[:-1]
        result = tilted.copy()
        for late, loudness in self._echoes:
            result[late:] += loudness * tilted[:-late]
        level = np.sqrt(np.mean(samples**2) / max(float(np.mean(result**2)), 1e-12))
        return np.asarray(result * np.float32(level), np.float32)
