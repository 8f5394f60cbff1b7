"""WAV files: read to samples at one rate, written as 8-bit PCM."""

import io
import struct
import wave
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from captcha_stateless.errors import Misconfigured

#: Samples, -1 to 1, at RATE.
Samples: TypeAlias = NDArray[np.float32]

#: Samples a second: a telephone's, which speech needs no more than; a second is 8,000 bytes.
RATE = 8_000

#: Longest recording that is read: a digit takes a third of a second.
LONGEST_SECONDS = 3

_DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype(np.uint8), 2: np.dtype("<i2"), 4: np.dtype("<i4")}


def read_wav(content: bytes, *, seconds: int = LONGEST_SECONDS) -> Samples:
    """Read a PCM file of any rate, with 8, 16 or 32 bits and any number of channels.

    Raises:
        Misconfigured: when it is something else, or longer than so many seconds.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            frames = file.readframes((seconds + 1) * rate)
        samples = np.frombuffer(frames, _DTYPES[width]).reshape(-1, channels).mean(1)
    except (wave.Error, EOFError, KeyError, ValueError):
        raise Misconfigured("a recording must be a WAV file of 8, 16 or 32 bit PCM") from None
    if not 0 < len(samples) <= seconds * rate:
        raise Misconfigured(f"a recording must be of 1 digit and {seconds} s at most")
    level = 2.0 ** (8 * width - 1)
    return _at_rate(((samples - (level if width == 1 else 0)) / level).astype(np.float32), rate)


def write_wav(samples: Samples) -> bytes:
    """Write samples as mono 8-bit PCM with its 44-byte header (RIFF, as Microsoft and IBM published it in 1991)."""
    data = (np.clip(samples, -1, 1) * 127 + 128).astype(np.uint8).tobytes()
    padded = len(data) + len(data) % 2
    head = struct.pack("<4sI8sIHHIIHH", b"RIFF", 36 + padded, b"WAVEfmt ", 16, 1, 1, RATE, RATE, 1, 8)
    return b"".join((head, struct.pack("<4sI", b"data", len(data)), data, b"\x80" * (padded - len(data))))


def stretched(samples: Samples, rate: float) -> Samples:
    """Play samples ``rate`` times as fast."""
    played = np.interp(np.arange(0, len(samples), rate), np.arange(len(samples)), samples)
    return np.asarray(played, np.float32)


def _at_rate(samples: Samples, rate: int) -> Samples:
    """Bring samples from ``rate`` to RATE; what lies above half of RATE is averaged away first."""
    step = rate / RATE
    if step > 1:
        taps = round(step)
        samples = np.convolve(samples, np.full(taps, 1 / taps), "same").astype(np.float32)
    return stretched(samples, step)
