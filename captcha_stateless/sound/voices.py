"""Voices: ten recorded digits a language, from a folder, from a package, or from a speech program of the system."""

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import numpy as np

from captcha_stateless.errors import Misconfigured
from captcha_stateless.seeded import Draws
from captcha_stateless.sound.wav import RATE, Samples, read_wav

DIGITS = "0123456789"

#: For each digit, one or more takes of it.
Voice: TypeAlias = tuple[tuple[Samples, ...], ...]
#: Voices by language (BCP 47, lower case).
Voices: TypeAlias = Mapping[str, Voice]

_MAX_FILE_BYTES = 2_097_152
_MAX_TAKES = 16
_SPEECH_SECONDS = 10
#: eSpeak NG's voices: which of them say the digits, at which pitch and pace, a secret chooses.
_SPEAKERS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5")
_PITCHES, _WORDS_A_MINUTE = range(25, 80), range(150, 185)
TAKES = 16
#: Longer than that the ten digits are not: in a language that takes longer, Arabic, they are said faster.
_LONGEST_TEN_SECONDS, _MUCH_FASTER = 4.6, 1.6
#: Between two digits that eSpeak NG says as sentences there is a silence of more than that, and within none.
_APART_SECONDS = 0.15
#: Quieter than this share of the loudest sample is silence, at the ends of a recording.
_SILENCE = 0.03
#: Kept of it before and after, for the soft beginnings of words such as "three" and "four": 30 ms.
_MARGIN_SAMPLES = 3 * RATE // 100
#: What each take's loudness is brought to, as root mean square of full scale.
_LOUDNESS = 0.18


def espeak_program() -> str | None:
    """Find eSpeak NG on this system: a program that we run, no part of this package."""
    return shutil.which("espeak-ng")


def load_voices(
    languages: tuple[str, ...],
    folder: Path | None,
    espeak: str | None,
    secret: bytes = b"",
    *,
    public: bool = False,
) -> Voices:
    """Read or have spoken the ten digits of each language; one that nothing can say is left out.

    The operator's folder (``<language>/<digit>.wav``, or ``<language>/<digit>/*.wav`` for several takes) goes before
    eSpeak NG, whose voices the secret chooses, and that before the package ``captcha`` (English only), whose one take of
    each digit is everyone's: it is used only where ``public`` says that this may be.

    Raises:
        Misconfigured: when the folder holds something else than that.
    """
    if folder is not None and not folder.is_dir():
        raise Misconfigured(f"{folder} is no folder of recordings")
    makers = {language: _maker(language, folder, espeak, secret, public) for language in languages}
    return _Voices({language: maker for language, maker in makers.items() if maker is not None})


class _Voices(Mapping[str, Voice]):
    """Voices, of which those that a program says are made when they are first asked for: many a server never speaks."""

    def __init__(self, makers: Mapping[str, Callable[[], Voice]]) -> None:
        self._makers = makers

    def __getitem__(self, language: str) -> Voice:
        return self._makers[language]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def _maker(
    language: str, folder: Path | None, espeak: str | None, secret: bytes, public: bool
) -> Callable[[], Voice] | None:
    own = folder / language if folder is not None else None
    if own is not None and own.is_dir():
        return partial(_as_it_is, _from_folder(own))
    if espeak is not None and _plain(espeak, language):
        return partial(_spoken, espeak, language, secret)
    packaged = _packaged() if language == "en" and public else None
    return partial(_as_it_is, _from_folder(packaged)) if packaged else None


def _as_it_is(voice: Voice) -> Voice:
    return voice


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


@lru_cache(maxsize=64)
def _plain(program: str, language: str) -> tuple[Samples, ...] | None:
    """Have eSpeak NG say the digits in its own voice; None: it cannot."""
    return _cast(program, language, _SPEAKERS[0], _PITCHES[0], _WORDS_A_MINUTE[0])


@lru_cache(maxsize=64)
def _spoken(program: str, language: str, secret: bytes) -> Voice:
    """Have eSpeak NG say the digits in several voices; one that it has not, or that runs them together, is left out."""
    draws = Draws(secret, f"voices {language}", choices=3 * TAKES)
    casts = [(draws.pick(_SPEAKERS), draws.pick(_PITCHES), draws.pick(_WORDS_A_MINUTE)) for _ in range(TAKES)]
    with ThreadPoolExecutor() as pool:
        said = [digits for digits in pool.map(lambda cast: _cast(program, language, *cast), casts) if digits]
    plain = _plain(program, language)
    assert plain is not None  # asked before there was a voice
    return tuple(zip(*(said or [plain]), strict=True))


def _cast(
    program: str, language: str, speaker: str, pitch: int, words_a_minute: int
) -> tuple[Samples, ...] | None:
    digits = _ten(program, language, speaker, pitch, words_a_minute)
    slow = sum(map(len, digits)) / RATE / _LONGEST_TEN_SECONDS
    if slow > 1:
        digits = _ten(program, language, speaker, pitch, round(words_a_minute * min(slow, _MUCH_FASTER)))
    return digits or None


def _ten(program: str, language: str, speaker: str, pitch: int, words_a_minute: int) -> tuple[Samples, ...]:
    voice = ["-v", f"{language}+{speaker}", "-p", str(pitch), "-s", str(words_a_minute)]
    try:
        command = [program, *voice, "--stdout", " ".join(f"{digit}." for digit in DIGITS)]
        done = subprocess.run(command, capture_output=True, timeout=_SPEECH_SECONDS, check=True)  # noqa: S603
        digits = tuple(_trimmed(part) for part in _parts(read_wav(done.stdout, seconds=2 * _SPEECH_SECONDS)))
    except (OSError, subprocess.SubprocessError, Misconfigured):
        return ()
    return digits if len(digits) == len(DIGITS) else ()


def _parts(samples: Samples) -> Iterator[Samples]:
    """Cut samples where they are silent for long."""
    loud = np.flatnonzero(np.abs(samples) > _SILENCE * np.abs(samples).max())
    cuts = np.flatnonzero(np.diff(loud) > _APART_SECONDS * RATE)
    firsts, lasts = [loud[0], *loud[cuts + 1]], [*loud[cuts], loud[-1]]
    for first, last in zip(firsts, lasts, strict=True):
        yield samples[max(0, first - _MARGIN_SAMPLES) : last + _MARGIN_SAMPLES]


def _trimmed(samples: Samples) -> Samples:
    """Cut the silence before and after, bring to the common loudness, and fade the ends in and out over 5 ms."""
    loud = np.flatnonzero(np.abs(samples) > _SILENCE * np.abs(samples).max())
    if not len(loud):
        raise Misconfigured("a recording is silent")
    cut = samples[max(0, loud[0] - _MARGIN_SAMPLES) : loud[-1] + _MARGIN_SAMPLES]
    cut = cut - cut.mean()
    fade = np.minimum(1, np.minimum(np.arange(len(cut)), np.arange(len(cut))[::-1]) / (0.005 * RATE))
    return np.asarray(np.clip(cut * fade * (_LOUDNESS / np.sqrt(np.mean(cut**2))), -1, 1), np.float32)
