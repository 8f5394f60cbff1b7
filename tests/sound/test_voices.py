"""Voices: from a folder, from the package, from eSpeak NG, or from nowhere."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from captcha_stateless.errors import Misconfigured
from captcha_stateless.sound import Speaker, espeak_program, load_voices
from captcha_stateless.sound.voices import DIGITS
from tests.needs import program
from tests.sound.test_wav import wav

TEN_LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "it", "pt", "ru", "tr")


def folder_of(path: Path, language: str, *, takes: int = 1) -> Path:
    for digit in DIGITS:
        if takes == 1:
            (path / language).mkdir(exist_ok=True)
            (path / language / f"{digit}.wav").write_bytes(wav(seconds=0.2))
        else:
            (path / language / digit).mkdir(parents=True)
            for take in range(takes):
                (path / language / digit / f"{take}.wav").write_bytes(wav(seconds=0.2 + take / 100))
    return path


def test_the_package_speaks_english_where_public_recordings_may_be_used() -> None:
    assert list(load_voices(("en",), None, None, public=True)) == ["en"]


def test_public_recordings_are_not_used_unasked() -> None:
    assert load_voices(("en",), None, None) == {}


def test_what_nobody_else_has_goes_before_public_recordings() -> None:
    espeak = program("espeak-ng")

    voice = load_voices(("en",), None, espeak, public=True)["en"]

    assert len(voice[0]) > 1


def test_another_package_of_that_name_holds_no_recordings(tmp_path: Path) -> None:
    (tmp_path / "captcha" / "data").mkdir(parents=True)
    (tmp_path / "captcha" / "__init__.py").touch()
    script = "from captcha_stateless.sound import load_voices; print(dict(load_voices(('en',), None, None, public=True)))"

    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )

    assert (done.stdout, done.stderr) == ("{}\n", "")


def test_without_recordings_there_is_no_voice() -> None:
    assert load_voices(("xx", "de"), None, None) == {}


@pytest.mark.parametrize("language", TEN_LANGUAGES)
def test_espeak_says_ten_different_digits(language: str) -> None:
    voice = load_voices((language,), None, program("espeak-ng"))[language]

    assert espeak_program() == program("espeak-ng")
    assert len({take[0].tobytes() for take in voice}) == 10
    assert all(0.1 < len(take) / 8_000 < 1 for takes in voice for take in takes)


@pytest.mark.parametrize("language", TEN_LANGUAGES)
def test_espeak_has_many_voices_for_each_digit(language: str) -> None:
    """Arabic digits are long, and some voices run them together when they are said faster."""
    voice = load_voices((language,), None, program("espeak-ng"))[language]

    assert len({len(takes) for takes in voice}) == 1
    assert len({take.tobytes() for take in voice[7]}) >= 8


def test_another_secret_chooses_other_voices() -> None:
    one, other = (load_voices(("en",), None, program("espeak-ng"), secret)["en"] for secret in (b"1", b"2"))

    shared = {take.tobytes() for take in one[3]} & {take.tobytes() for take in other[3]}

    assert len(shared) <= 2


@pytest.mark.parametrize("language", TEN_LANGUAGES)
def test_six_digits_of_any_language_said_once_take_60_kilobytes_at_most(language: str) -> None:
    speaker = Speaker(load_voices((language,), None, program("espeak-ng")), b"secret")

    sizes = [len(speaker.say(digit * 6, b"seed", language, times=1)) for digit in DIGITS]

    assert max(sizes) <= 60_000


def test_a_language_that_espeak_does_not_know_is_left_out() -> None:
    assert load_voices(("xx",), None, program("espeak-ng")) == {}


def test_a_program_that_is_not_there_or_fails_is_no_voice() -> None:
    assert load_voices(("de",), None, "/nonexistent/espeak-ng") == {}
    assert load_voices(("de",), None, "/bin/false") == {}


def test_an_operators_recordings_go_first(tmp_path: Path) -> None:
    voice = load_voices(("en",), folder_of(tmp_path, "en"), None)["en"]

    assert len({take[0].tobytes() for take in voice}) == 1


def test_an_operator_may_record_several_takes(tmp_path: Path) -> None:
    voice = load_voices(("nl",), folder_of(tmp_path, "nl", takes=3), None)["nl"]

    assert [len(takes) for takes in voice] == [3] * 10


def test_every_take_is_as_loud_as_the_others() -> None:
    voice = load_voices(("en",), None, program("espeak-ng"))["en"]

    loudness = [float(np.sqrt(np.mean(take**2))) for takes in voice for take in takes]

    assert max(loudness) < 1.6 * min(loudness)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no folder of recordings"):
        load_voices(("en",), tmp_path / "none", None)


def test_a_missing_digit_is_told(tmp_path: Path) -> None:
    (folder_of(tmp_path, "en") / "en" / "7.wav").unlink()

    with pytest.raises(Misconfigured, match=r"7\.wav"):
        load_voices(("en",), tmp_path, None)


@pytest.mark.parametrize("content", [b"no recording", wav(seconds=0)])
def test_a_file_that_is_no_recording_is_told_by_name(tmp_path: Path, content: bytes) -> None:
    (folder_of(tmp_path, "en") / "en" / "3.wav").write_bytes(content)

    with pytest.raises(Misconfigured, match=r"3\.wav"):
        load_voices(("en",), tmp_path, None)


def test_silence_is_no_recording(tmp_path: Path) -> None:
    silent = wav(seconds=0.2)
    (folder_of(tmp_path, "en") / "en" / "3.wav").write_bytes(silent[:44] + bytes(len(silent) - 44))

    with pytest.raises(Misconfigured, match="silent"):
        load_voices(("en",), tmp_path, None)


def test_languages_keep_the_order_of_the_settings(tmp_path: Path) -> None:
    folder_of(tmp_path, "fr")

    assert Speaker(load_voices(("fr", "en"), tmp_path, None, public=True), b"").languages == ("fr", "en")
