"""The speaker: how digits are joined, and what lies under them."""

import io
import wave
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from captcha_stateless.seeded import Draws
from captcha_stateless.sound import Speaker, espeak_program, load_voices, voices
from captcha_stateless.sound.room import RATES, ROOM_CHOICES, WARP_CHOICES, Room, warped
from captcha_stateless.sound.speaker import GAP_SECONDS, TALK
from captcha_stateless.sound.wav import RATE

SPEAKER = Speaker(load_voices(("en",), None, espeak_program(), b"secret", public=True), b"secret")
SEEDS = [b"seed %d" % number for number in range(50)]


def samples(content: bytes) -> NDArray[np.float64]:
    with wave.open(io.BytesIO(content)) as file:
        return (np.frombuffer(file.readframes(file.getnframes()), np.uint8).astype(float) - 128) / 128


def silences(sound: NDArray[np.float32]) -> list[float]:
    """Measure the pauses inside, in seconds."""
    loud = np.flatnonzero(np.abs(sound) > 1e-4)
    return [float(gap) / RATE for gap in np.diff(loud) if gap / RATE > 0.2]


def loudness(sound: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(sound**2)))


def test_the_same_seed_sounds_the_same() -> None:
    """On another replica, which made its voices by itself."""
    voices._spoken.cache_clear()
    other = Speaker(load_voices(("en",), None, espeak_program(), b"secret", public=True), b"secret")

    assert other.say("123456", b"seed", "en") == SPEAKER.say("123456", b"seed", "en")


def test_another_seed_sounds_different() -> None:
    assert len({SPEAKER.say("123456", seed, "en") for seed in SEEDS}) == len(SEEDS)


def test_no_digit_is_twice_the_same() -> None:
    """Not its length, nor its sound at any speed: the nearest of a hundred is another one."""
    spoken = [SPEAKER.once("777777", seed, "en").clean for seed in SEEDS[:10]]
    parts = [part for sound in spoken for part in digits_in(sound)]

    assert len({len(part) for part in parts}) > 50
    likeness = [alike(one, other) for one, other in pairwise(parts)]
    assert np.median(likeness) < 0.6


def digits_in(sound: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    loud = np.flatnonzero(np.abs(sound) > 1e-4)
    cuts = np.flatnonzero(np.diff(loud) > 0.2 * RATE)
    return [
        sound[a : b + 1] for a, b in zip([loud[0], *loud[cuts + 1]], [*loud[cuts], loud[-1]], strict=True)
    ]


def alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Correlate two digits, brought to one length, at the shift that suits them best."""
    stretched = np.interp(np.linspace(0, len(other) - 1, len(one)), np.arange(len(other)), other)
    fit = np.correlate(one, stretched, "full") / (np.linalg.norm(one) * np.linalg.norm(stretched))
    return float(np.abs(fit).max())


def test_six_digits_said_twice_take_120_kilobytes_at_most() -> None:
    sizes = [len(SPEAKER.say("777777", seed, "en")) for seed in SEEDS]

    assert max(sizes) <= 120_000


def test_it_is_said_twice_and_the_second_time_is_the_first_again() -> None:
    once, twice = (samples(SPEAKER.say("123456", b"seed", "en", times=times)) for times in (1, 2))

    assert np.array_equal(twice[: len(once)], once)
    assert np.array_equal(twice[-len(once) :], once)
    assert len(twice) > 2 * len(once)


def test_pauses_are_of_varied_length() -> None:
    gaps = [gap for seed in SEEDS for gap in silences(SPEAKER.once("000000", seed, "en").clean)]

    assert len(gaps) == 5 * len(SEEDS)
    assert min(gaps) >= GAP_SECONDS[0] - 0.01
    assert max(gaps) - min(gaps) > 0.2


def test_under_the_voice_lies_talk_that_is_quieter_than_it() -> None:
    said = SPEAKER.once("123456", b"seed", "en")
    pause = said.clean == 0

    under, voice = loudness(said.heard[pause]), loudness(said.heard[~pause])

    assert 0.15 < under / voice < 2 * TALK


def test_talk_is_under_the_pauses_and_the_voice_alike() -> None:
    """A stretch without any would tell where the digits are."""
    said = SPEAKER.once("123456", b"seed", "en")
    step = RATE // 5
    pieces = [said.heard[at : at + step] for at in range(0, len(said.heard) - step, step)]

    assert min(loudness(piece) for piece in pieces) > 0.02


def test_it_is_never_louder_than_a_file_can_hold() -> None:
    for seed in SEEDS:
        heard = SPEAKER.once("123456", seed, "en").heard

        assert np.abs(heard).max() <= 1
        assert np.mean(np.abs(heard) == 1) < 0.001


def test_a_warp_changes_the_length_within_its_bounds() -> None:
    take = np.sin(np.arange(4_000) / 5).astype(np.float32)

    lengths = [len(warped(take, Draws(seed, "test", choices=WARP_CHOICES))) for seed in SEEDS]

    assert 4_000 / RATES[1] - 1 <= min(lengths) < 4_000 < max(lengths) <= 4_000 / RATES[0] + 1


def test_a_warp_sways_and_keeps_both_ends() -> None:
    ramp = np.linspace(0, 1, 4_000, dtype=np.float32)

    played = warped(ramp, Draws(b"seed", "test", choices=WARP_CHOICES))
    pace = np.diff(played) * len(played)

    assert (played[0], played[-1]) == pytest.approx((0, 1), abs=1e-3)
    assert pace.min() > 0.8
    assert pace.max() < 1.2


def test_a_room_keeps_the_loudness_and_the_length() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 8_000).astype(np.float32)

    heard = Room(Draws(b"seed", "test", choices=ROOM_CHOICES)).heard(noise)

    assert len(heard) == len(noise)
    assert loudness(heard) == pytest.approx(loudness(noise), rel=1e-3)
    assert not np.allclose(heard, noise, atol=0.01)


def test_silence_stays_silent_in_a_room() -> None:
    heard = Room(Draws(b"seed", "test", choices=ROOM_CHOICES)).heard(np.zeros(800, np.float32))

    assert not heard.any()


def test_a_language_without_voice_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        SPEAKER.say("1", b"seed", "xx")
