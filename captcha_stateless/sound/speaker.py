"""The speaker: joins digits to one WAV, in many voices, at varied paces, in a room full of talk."""

import hashlib
from typing import NamedTuple

import numpy as np

from captcha_stateless.seeded import Draws
from captcha_stateless.sound.room import ROOM_CHOICES, WARP_CHOICES, Room, between, warped
from captcha_stateless.sound.voices import Voice, Voices
from captcha_stateless.sound.wav import RATE, Samples, write_wav

#: Shortest and longest silence between digits, in seconds: without gaps the ear joins them to words.
GAP_SECONDS = (0.3, 0.55)
#: Silence before, between the two times that it is said, and after.
PAUSE_SECONDS = (0.3, 0.5)
BETWEEN_SECONDS = 1.2
#: How loud a digit is said.
_VOLUMES = (0.8, 1.0)
#: Seconds between the beginnings of two bits of talk, and its loudness against a digit's, both as root mean square.
_TALK_SECONDS = (0.08, 0.2)
TALK = 0.29
#: The loudness of a take, which the talk is measured by.
_LOUDNESS = 0.18
#: Root mean square of the noise under everything: 22 dB under the speech.
_NOISE = 0.014
_NOISE_SAMPLES = 1 << 16
_CHOICES_A_DIGIT = WARP_CHOICES + 3
_CHOICES_A_BIT = WARP_CHOICES + 3
_CHOICES_MORE = ROOM_CHOICES + 3


class Said(NamedTuple):
    """What was said once: the voice alone, as it is heard in no room, and with all that lies under it."""

    clean: Samples
    heard: Samples


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
        once = self.once(digits, seed, language).heard
        # The very same again: a second drawing of what lies under it would let a machine average it away.
        between_times = np.resize(self._noise, int(RATE * BETWEEN_SECONDS))
        return write_wav(np.concatenate([once, *[between_times, once] * (times - 1)]))

    def once(self, digits: str, seed: bytes, language: str) -> Said:
        """Say digits once, as samples; raises as :meth:`say`."""
        voice = self._voices[language]
        draws = Draws(seed, "voice", choices=_CHOICES_A_DIGIT * len(digits) + _CHOICES_MORE)
        room = Room(draws)
        parts = [_silence(between(draws, PAUSE_SECONDS))]
        for digit in digits:
            take = warped(draws.pick(voice[int(digit)]), draws)
            parts += [take * np.float32(between(draws, _VOLUMES)), _silence(between(draws, GAP_SECONDS))]
        clean = np.concatenate([*parts[:-1], _silence(between(draws, PAUSE_SECONDS))])
        under = _talk(voice, seed, len(clean)) + self._under(len(clean), draws)
        return Said(clean, np.clip(room.heard(clean) + under, -1, 1))

    def _under(self, length: int, draws: Draws) -> Samples:
        return np.resize(np.roll(self._noise, -draws.below(_NOISE_SAMPLES)), length)


def _talk(voice: Voice, seed: bytes, length: int) -> Samples:
    """Let a crowd talk: the voice's own digits, backwards, over each other, so that nothing is understood."""
    bits = int(length / RATE / _TALK_SECONDS[0]) + 1
    draws = Draws(seed, "talk", choices=bits * _CHOICES_A_BIT)
    talk, begins = np.zeros(length, np.float32), 0
    while begins < length:
        bit = warped(draws.pick(draws.pick(voice)), draws)[::-1][: length - begins]
        talk[begins : begins + len(bit)] += bit
        begins += round(between(draws, _TALK_SECONDS) * RATE)
    level = _LOUDNESS * TALK / max(float(np.sqrt(np.mean(talk**2))), 1e-9)
    return np.asarray(talk * np.float32(level), np.float32)


def _silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def _noise(secret: bytes) -> Samples:
    """Make 8 s of noise from the secret, softer towards high pitch, as speech is."""
    digest = hashlib.shake_256(b"captcha_stateless noise\x00" + secret).digest(_NOISE_SAMPLES)
    white = np.frombuffer(digest, np.uint8) - 127.5
    soft = white + np.roll(white, 1)
    return np.asarray(soft * (_NOISE / np.sqrt(np.mean(soft**2))), np.float32)
