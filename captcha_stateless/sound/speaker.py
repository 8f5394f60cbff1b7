"""The speaker: joins recorded digits to one WAV, at varied rates, with gaps, over light noise."""

import hashlib

import numpy as np

from captcha_stateless.seeded import Draws
from captcha_stateless.sound.voices import Voices
from captcha_stateless.sound.wav import RATE, Samples, stretched, write_wav

#: Shortest and longest silence between digits, in seconds: without gaps the ear joins them to words.
GAP_SECONDS = (0.35, 0.5)
#: Silence before, between the two times that it is said, and after.
PAUSE_SECONDS = 0.3
BETWEEN_SECONDS = 1.2
#: How fast a digit may be said, as multiples of its recording, and how loud.
_RATES = (0.9, 1.15)
_VOLUMES = (0.75, 1.0)
#: Root mean square of the noise: 22 dB under the speech.
_NOISE = 0.014
_NOISE_SAMPLES = 1 << 16
_STEPS = 1 << 10
_CHOICES_A_DIGIT, _CHOICES_MORE = 4, 1


class Speaker:
    """Says digits in the languages that it has voices for: the same seed says the same, to the byte."""

    def __init__(self, voices: Voices, secret: bytes) -> None:
        self._voices = voices
        self._noise = _noise(secret)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that it speaks, the deployment's first choice first."""
        return tuple(self._voices)

    def say(self, digits: str, seed: bytes, language: str, *, times: int = 2) -> bytes:
        """Say digits as a WAV file (mono, 8,000 Hz, 8 bit), ``times`` times over.

        Raises:
            KeyError: when it does not speak the language.
        """
        voice = self._voices[language]
        draws = Draws(seed, "voice", choices=_CHOICES_A_DIGIT * len(digits) + _CHOICES_MORE)
        parts = [_silence(PAUSE_SECONDS)]
        for digit in digits:
            take = stretched(draws.pick(voice[int(digit)]), _between(draws, _RATES))
            parts += [take * np.float32(_between(draws, _VOLUMES)), _silence(_between(draws, GAP_SECONDS))]
        once = np.concatenate([*parts[:-1], _silence(PAUSE_SECONDS)])
        # The very same again: a second drawing of the noise would let a machine average it away.
        once = np.clip(once + self._under(len(once), draws), -1, 1)
        between = np.resize(self._noise, int(RATE * BETWEEN_SECONDS))
        return write_wav(np.concatenate([once, *[between, once] * (times - 1)]))

    def _under(self, length: int, draws: Draws) -> Samples:
        return np.resize(np.roll(self._noise, -draws.below(_NOISE_SAMPLES)), length)


def _between(draws: Draws, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return low + (high - low) * draws.below(_STEPS) / (_STEPS - 1)


def _silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def _noise(secret: bytes) -> Samples:
    """Make 8 s of noise from the secret, softer towards high pitch, as speech is."""
    digest = hashlib.shake_256(b"captcha_stateless noise\x00" + secret).digest(_NOISE_SAMPLES)
    white = np.frombuffer(digest, np.uint8) - 127.5
    soft = white + np.roll(white, 1)
    return np.asarray(soft * (_NOISE / np.sqrt(np.mean(soft**2))), np.float32)
