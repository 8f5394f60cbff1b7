"""Listeners: attackers of the sound, from those that correlate public recordings to a speech recogniser with a grammar."""

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from itertools import product

import librosa
import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from captcha_stateless.sound import Speaker, Voices, espeak_program, load_voices
from captcha_stateless.sound.wav import RATE, read_wav

Samples = NDArray[np.float32]
#: How many digits are said: the documentation says so.
SAID = 6
#: Templates of one digit shorter than that are none; two digits begin no nearer to each other than that.
_APART_SECONDS = 0.3
_SPEEDS = np.linspace(0.8, 1.3, 26)
_FRAME, _HOP = 256, 80


def public() -> Voices:
    """Read the recordings of the package ``captcha``, which everyone has."""
    return load_voices(("en",), None, None, public=True)


def synthetic(language: str) -> Voices:
    """Have eSpeak NG say the digits as the server does, but by another secret: what whoever read our source can do."""
    return load_voices((language,), None, espeak_program(), b"the attacker's own")


@cache
def speaker(language: str) -> Speaker:
    """Make what is attacked: a deployment's voices of a language."""
    return Speaker(load_voices((language,), None, espeak_program(), b"a deployment"), b"a deployment")


def first(content: bytes) -> Samples:
    """Take what is said the first time, from a file in which it is said twice."""
    samples = read_wav(content, seconds=60)
    return samples[: (len(samples) - int(1.2 * RATE)) // 2]


class Listener:
    """Hears six digits; ``listen`` is given the whole file."""

    name: str
    #: Whether it was made to recognise speech: it is told of, and has no ceiling.
    recognises = False

    def listen(self, content: bytes) -> str:
        """Return what is heard."""
        return chosen(self.scores(first(content)))

    def scores(self, samples: Samples) -> NDArray[np.float64]:
        """Return how well each digit fits each place, (10, places), places 10 ms apart."""
        raise NotImplementedError


class Correlation(Listener):
    """Slides every take at every speed over the sound, and counts how well its waveform fits."""

    def __init__(
        self, name: str, voices: Voices, language: str, speeds: Sequence[float], takes: int = 24
    ) -> None:
        """Take the takes."""
        self.name, self._voices, self._language = name, voices, language
        self._speeds, self._takes = speeds, takes

    @cached_property
    def _templates(self) -> list[tuple[int, Samples]]:
        found = []
        for digit, takes in enumerate(self._voices[self._language]):
            for take, speed in product(takes[: self._takes], self._speeds):
                length = int(len(take) / speed)
                played = np.interp(np.linspace(0, len(take) - 1, length), np.arange(len(take)), take)
                found.append((digit, (played / np.linalg.norm(played)).astype(np.float32)))
        return found

    def scores(self, samples: Samples) -> NDArray[np.float64]:
        """Correlate, normalised by the loudness of what is slid over."""
        best = np.full((10, len(samples) // _HOP + 1), -1.0)
        power = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
        for digit, template in self._templates:
            fit = fftconvolve(samples, template[::-1], "valid")
            under = np.sqrt(np.maximum(power[len(template) :] - power[: -len(template)], 1e-4))
            fit = np.abs(fit) / under
            whole = fit[: len(fit) // _HOP * _HOP].reshape(-1, _HOP).max(1)
            best[digit, : len(whole)] = np.maximum(best[digit, : len(whole)], whole)
        return best


class Warping(Listener):
    """Finds where it is loud, and compares cepstra there by dynamic time warping."""

    def __init__(self, name: str, voices: Voices, language: str, takes: int = 8) -> None:
        """Take the takes."""
        self.name, self._voices, self._language, self._takes = name, voices, language, takes

    @cached_property
    def _templates(self) -> list[tuple[int, NDArray[np.float64]]]:
        return [
            (digit, _cepstra(take))
            for digit, takes in enumerate(self._voices[self._language])
            for take in takes[: self._takes]
        ]

    def listen(self, content: bytes) -> str:
        """Warp every template onto each of the six loudest stretches, and name each by what leaves least over."""
        samples = first(content)
        return "".join(str(self._named(samples[stretch])) for stretch in stretches(samples))

    def _named(self, samples: Samples) -> int:
        heard, costs = _cepstra(samples), np.full(10, np.inf)
        for digit, template in self._templates:
            # The stretch's ends are uncertain, so the template may begin and end within it.
            cost = librosa.sequence.dtw(template, heard, subseq=True, backtrack=False)
            late = cost[-1, heard.shape[1] // 2 :].min() / template.shape[1]
            costs[digit] = min(costs[digit], late)
        return int(costs.argmin())


class Sphinx(Listener):
    """PocketSphinx with its English model and a grammar of six digits."""

    name = "PocketSphinx, a grammar of six digits"
    recognises = True
    _WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

    @cached_property
    def _decoder(self) -> "object":
        from pocketsphinx import Decoder

        decoder = Decoder(samprate=16_000, loglevel="FATAL")
        said = " ".join(["<digit>"] * SAID)
        grammar = f"#JSGF V1.0; grammar digits; public <said> = {said}; <digit> = {' | '.join(self._WORDS)};"
        decoder.add_jsgf_string("digits", grammar)
        decoder.activate_search("digits")
        return decoder

    def listen(self, content: bytes) -> str:
        """Decode it at the rate that the model was made for."""
        samples = first(content)
        loud = np.interp(np.arange(0, len(samples), 0.5), np.arange(len(samples)), samples)
        decoder = self._decoder
        decoder.start_utt()  # type: ignore[attr-defined]
        decoder.process_raw((loud * 32_000).astype(np.int16).tobytes(), full_utt=True)  # type: ignore[attr-defined]
        decoder.end_utt()  # type: ignore[attr-defined]
        words = decoder.hyp().hypstr.split() if decoder.hyp() else []  # type: ignore[attr-defined]
        return "".join(str(self._WORDS.index(word)) for word in words if word in self._WORDS)


def listeners(language: str) -> Iterator[Listener]:
    """Make every listener to a language; the public recordings and the recogniser know English only."""
    if language == "en":
        yield Correlation("correlation, public recordings at 26 speeds", public(), "en", list(_SPEEDS))
        yield Warping("time warping (MFCC), public recordings", public(), "en")
        yield Sphinx()
    voices = synthetic(language)
    if language in voices:
        # All of them by all speeds would take half a minute for each sound.
        few, name = list(_SPEEDS[1::5]), "correlation, eSpeak NG's voices at 6 speeds"
        yield Correlation(name, voices, language, few, 12)
        yield Warping("time warping (MFCC), eSpeak NG's voices", voices, language)


def chosen(scores: NDArray[np.float64]) -> str:
    """Choose six places that lie apart and fit best, and read them in order."""
    left, apart = scores.copy(), round(_APART_SECONDS * RATE / _HOP)
    found = []
    for _ in range(SAID):
        digit, place = np.unravel_index(int(left.argmax()), left.shape)
        found.append((int(place), str(digit)))
        left[:, max(0, int(place) - apart) : int(place) + apart] = -np.inf
    return "".join(digit for _, digit in sorted(found))


def stretches(samples: Samples) -> list[slice]:
    """Find the six stretches that are loudest, in order: the level is lowered until there are six of a digit's length."""
    level = np.sqrt(np.convolve(samples**2, np.full(400, 1 / 400), "same"))
    more: list[slice] = []
    exact: list[slice] = []
    for share in np.linspace(0.9, 0.08, 42):
        loud = np.concatenate([[False], level > share * level.max(), [False]])
        begins, ends = np.flatnonzero(~loud[:-1] & loud[1:]), np.flatnonzero(loud[:-1] & ~loud[1:])
        joined: list[list[int]] = []
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            if joined and begin - joined[-1][1] < 0.15 * RATE:
                joined[-1][1] = end
            else:
                joined.append([begin, end])
        long = [slice(max(0, begin - 400), end + 400) for begin, end in joined if end - begin > 0.06 * RATE]
        exact = long if len(long) == SAID else exact
        more = long if len(long) > SAID and not more else more
    loudest = sorted(more, key=lambda part: -float(level[part].sum()))[:SAID]
    return exact or sorted(loudest, key=lambda part: part.start)


def _cepstra(samples: Samples) -> NDArray[np.float64]:
    """Return mel-frequency cepstra and how they change, (26, frames), about the mean of the frames that are loud."""
    spoken = np.asarray(samples, np.float32)
    mel = librosa.feature.melspectrogram(y=spoken, sr=RATE, n_fft=_FRAME, hop_length=_HOP, n_mels=26)
    loud = mel.sum(0) > 0.02 * np.quantile(mel.sum(0), 0.95)
    cepstra = librosa.feature.mfcc(S=librosa.power_to_db(mel + 1e-3), n_mfcc=14)[1:]
    cepstra = (cepstra - cepstra[:, loud].mean(1, keepdims=True)) / cepstra[:, loud].std(1, keepdims=True)
    return np.vstack([cepstra, 2 * librosa.feature.delta(cepstra, width=5)]).astype(np.float64)
