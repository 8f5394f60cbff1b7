"""The speaker: how digits are joined."""

import io
import wave

import numpy as np
import pytest

from captcha_stateless.sound import Speaker, load_voices
from captcha_stateless.sound.wav import RATE, read_wav

SPEAKER = Speaker(load_voices(("en",), None, None), b"secret")
SEEDS = [b"seed %d" % number for number in range(50)]


def samples(content: bytes) -> "np.typing.NDArray[np.float64]":
    with wave.open(io.BytesIO(content)) as file:
        return (np.frombuffer(file.readframes(file.getnframes()), np.uint8).astype(float) - 128) / 128


def silences(content: bytes) -> list[float]:
    """Measure the pauses inside, in seconds: where the loudness of 20 ms stays near that of the noise."""
    sound = samples(content)
    step = RATE // 50
    level = np.sqrt((sound[: len(sound) // step * step].reshape(-1, step) ** 2).mean(1))
    loud = np.flatnonzero(level > 0.05)
    return [gap * 0.02 for gap in np.diff(loud) if gap * 0.02 > 0.25]


def test_the_same_seed_sounds_the_same() -> None:
    assert SPEAKER.say("123456", b"seed", "en") == SPEAKER.say("123456", b"seed", "en")


def test_another_seed_sounds_different() -> None:
    assert len({SPEAKER.say("123456", seed, "en") for seed in SEEDS}) == len(SEEDS)


def test_six_digits_said_once_take_60_kilobytes_at_most() -> None:
    sizes = [len(SPEAKER.say("777777", seed, "en", times=1)) for seed in SEEDS]

    assert max(sizes) <= 60_000


def test_it_is_said_twice_and_the_second_time_is_the_first_again() -> None:
    once, twice = (samples(SPEAKER.say("123456", b"seed", "en", times=times)) for times in (1, 2))

    assert np.array_equal(twice[: len(once)], once)
    assert np.array_equal(twice[-len(once) :], once)
    assert len(twice) > 2 * len(once)


def test_digits_stand_at_least_0_35_seconds_apart() -> None:
    for seed in SEEDS:
        gaps = silences(SPEAKER.say("000000", seed, "en", times=1))
        assert len(gaps) == 5
        assert min(gaps) >= 0.33


def test_the_rate_varies_from_digit_to_digit() -> None:
    lengths = {len(SPEAKER.say("5", seed, "en", times=1)) for seed in SEEDS}

    assert len(lengths) > 20


def test_there_is_light_noise_everywhere() -> None:
    quiet = samples(SPEAKER.say("1", b"seed", "en", times=1))[: RATE // 5]

    assert 0.005 < np.sqrt(np.mean(quiet**2)) < 0.03


def test_speech_stands_well_above_the_noise() -> None:
    sound = read_wav(SPEAKER.say("8", b"seed", "en", times=1))

    assert np.abs(sound).max() > 10 * np.abs(sound[: RATE // 5]).std()


def test_a_language_without_voice_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        SPEAKER.say("1", b"seed", "xx")
