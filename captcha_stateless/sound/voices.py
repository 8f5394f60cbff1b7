"""Voices: ten recorded digits a language, from a folder, from a package, or from a speech program of the system."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import numpy as np

from captcha_stateless.errors import Misconfigured
from captcha_stateless.sound.wav import RATE, Samples, read_wav

DIGITS = "0123456789"

#: For each digit, one or more takes of it.
Voice: TypeAlias = tuple[tuple[Samples, ...], ...]
#: Voices by language (BCP 47, lower case).
Voices: TypeAlias = Mapping[str, Voice]

_MAX_FILE_BYTES = 2_097_152
_MAX_TAKES = 16
_SPEECH_SECONDS = 10
#: A little under eSpeak NG's own 175; slower, six Arabic digits would take more than 60 KB.
_WORDS_A_MINUTE = "165"
#: Quieter than this share of the loudest sample is silence, at the ends of a recording.
_SILENCE = 0.03
#: Kept of it before and after, for the soft beginnings of words such as "three" and "four": 30 ms.
_MARGIN_SAMPLES = 3 * RATE // 100
#: What each take's loudness is brought to, as root mean square of full scale.
_LOUDNESS = 0.18


def espeak_program() -> str | None:
    """Find eSpeak NG on this system: a program that we run, no part of this package."""
    return shutil.which("espeak-ng")


@lru_cache(maxsize=4)
def load_voices(languages: tuple[str, ...], folder: Path | None, espeak: str | None) -> Voices:
    """Read or have spoken the ten digits of each language; one that nothing can say is left out.

    The operator's folder (``<language>/<digit>.wav``, or ``<language>/<digit>/*.wav`` for several takes) goes before the
    package ``captcha`` (English only), and that before eSpeak NG.

    Raises:
        Misconfigured: when the folder holds something else than that.
    """
    if folder is not None and not folder.is_dir():
        raise Misconfigured(f"{folder} is no folder of recordings")
    voices = {language: _voice(language, folder, espeak) for language in languages}
    return {language: voice for language, voice in voices.items() if voice is not None}


def _voice(language: str, folder: Path | None, espeak: str | None) -> Voice | None:
    own = folder / language if folder is not None else None
    if own is not None and own.is_dir():
        return _from_folder(own)
    packaged = _packaged() if language == "en" else None
    if packaged is not None:
        return _from_folder(packaged)
    return _spoken(espeak, language) if espeak is not None else None


def _from_folder(folder: Path) -> Voice:
    return tuple(tuple(_takes(folder, digit)) for digit in DIGITS)


def _takes(folder: Path, digit: str) -> Iterator[Samples]:
    paths = sorted((folder / digit).glob("*.wav"))[:_MAX_TAKES] or [folder / f"{digit}.wav"]
    for path in paths:
        try:
            with path.open("rb") as file:
                yield _trimmed(read_wav(file.read(_MAX_FILE_BYTES)))
        except OSError as error:
            raise Misconfigured(f"cannot read the recording {path} ({error.strerror})") from None
        except Misconfigured as error:
            raise Misconfigured(f"{path}: {error}") from None


def _packaged() -> Path | None:
    """Find the recordings of the package ``captcha``; other packages of that name hold none."""
    found = find_spec("captcha")
    for place in (found and found.submodule_search_locations) or ():
        folder = Path(place) / "data"
        if all((folder / digit).is_dir() for digit in DIGITS):
            return folder
    return None


def _spoken(program: str, language: str) -> Voice | None:
    def take(digit: str) -> tuple[Samples, ...] | None:
        command = [program, "-v", language, "-s", _WORDS_A_MINUTE, "--stdout", digit]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SPEECH_SECONDS, check=True)  # noqa: S603
            return (_trimmed(read_wav(done.stdout)),)
        except (OSError, subprocess.SubprocessError, Misconfigured):
            return None

    with ThreadPoolExecutor() as pool:
        takes = [take for take in pool.map(take, DIGITS) if take is not None]
    return tuple(takes) if len(takes) == len(DIGITS) else None


def _trimmed(samples: Samples) -> Samples:
    """Cut the silence before and after, bring to the common loudness, and fade the ends in and out over 5 ms."""
    loud = np.flatnonzero(np.abs(samples) > _SILENCE * np.abs(samples).max())
    if not len(loud):
        raise Misconfigured("a recording is silent")
    cut = samples[max(0, loud[0] - _MARGIN_SAMPLES) : loud[-1] + _MARGIN_SAMPLES]
    cut = cut - cut.mean()
    fade = np.minimum(1, np.minimum(np.arange(len(cut)), np.arange(len(cut))[::-1]) / (0.005 * RATE))
    return np.asarray(np.clip(cut * fade * (_LOUDNESS / np.sqrt(np.mean(cut**2))), -1, 1), np.float32)
