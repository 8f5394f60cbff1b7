"""Recordings to speech to WAV: pure functions of what is said and of a seed; the recordings come as dependencies."""

from captcha_stateless.sound.speaker import Speaker
from captcha_stateless.sound.voices import Voices, espeak_program, load_voices

__all__ = ["Speaker", "Voices", "espeak_program", "load_voices"]
