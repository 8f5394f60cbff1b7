"""WAV files: read at any rate, written as documented."""

import io
import math
import struct
import wave

import numpy as np
import pytest

from captcha_stateless.errors import Misconfigured
from captcha_stateless.sound.wav import RATE, read_wav, stretched, write_wav


def wav(*, rate: int = 8_000, width: int = 2, channels: int = 1, seconds: float = 0.5) -> bytes:
    """Make a 440 Hz tone at half of full scale."""
    file = io.BytesIO()
    level = (1 << (8 * width - 1)) - 1
    with wave.open(file, "wb") as out:
        out.setparams((channels, width, rate, 0, "NONE", ""))
        for number in range(int(seconds * rate)):
            value = int(level * 0.5 * math.sin(2 * math.pi * 440 * number / rate))
            sample = (
                struct.pack("<B", value + 128) if width == 1 else value.to_bytes(width, "little", signed=True)
            )
            out.writeframesraw(sample * channels)
    return file.getvalue()


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100])
@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_common_form_reads_as_the_same_tone(rate: int, width: int, channels: int) -> None:
    samples = read_wav(wav(rate=rate, width=width, channels=channels))

    spectrum = np.abs(np.fft.rfft(samples))
    assert abs(len(samples) - RATE // 2) <= 1
    assert abs(int(spectrum.argmax()) * RATE / len(samples) - 440) < 3
    assert 0.35 < np.abs(samples).max() < 0.55


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"x" * 100, wav()[:40], wav(width=3), wav(seconds=3.5), wav(seconds=0)]
)
def test_what_is_no_short_pcm_is_refused(content: bytes) -> None:
    with pytest.raises(Misconfigured):
        read_wav(content)


@pytest.mark.parametrize("length", [1_000, 1_001])
def test_what_is_written_opens_elsewhere_and_reads_back(length: int) -> None:
    samples = np.linspace(-1, 1, length).astype(np.float32)

    content = write_wav(samples)

    with wave.open(io.BytesIO(content)) as file:
        assert file.getparams()[:4] == (1, 1, RATE, length)
    assert struct.unpack("<I", content[4:8])[0] == len(content) - 8
    assert np.abs(read_wav(content) - samples).max() < 0.02


def test_twice_the_rate_is_half_the_length() -> None:
    assert len(stretched(np.zeros(1_000, np.float32), 2)) == 500
