"""What text and audio share: digits drawn from the seed and said aloud, and how a typed answer is read."""

import unicodedata
from typing import ClassVar

from captcha_stateless.errors import BadAnswer, BadRequest
from captcha_stateless.kinds.base import Kind
from captcha_stateless.model import Challenge, Params
from captcha_stateless.seeded import Draws
from captcha_stateless.settings import Settings
from captcha_stateless.sound import Speaker, espeak_program, load_voices

#: Said unless more is asked for, and at most: what a person can keep in mind.
DIGITS, MOST_DIGITS = 6, 8

#: No honest answer is longer, however it is spaced.
MAX_ANSWER_CHARACTERS = 64

NOT_TEXT = "answer must be text"
NO_TEXT = "answer must not be empty"
TOO_LONG = f"answer must be {MAX_ANSWER_CHARACTERS} characters at most"


class Spoken(Kind):
    """A kind whose challenges can be heard, as digits that are another right answer, in the speaker's languages."""

    #: Seconds that a visitor has when the caller does not say.
    seconds: ClassVar[int] = 300

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which a challenge can be heard."""
        return self._speaker.languages

    def speak(self, challenge: Challenge, language: str) -> bytes:
        """Say the digits twice, as a WAV file.

        Raises:
            BadRequest: when this challenge was made without digits, or nobody here speaks the language.
        """
        if not challenge.spoken:
            raise BadRequest("this challenge cannot be heard")
        if language not in self.languages:
            raise BadRequest(f"lang must be one of {', '.join(self.languages) or 'none'}")
        return self._speaker.say("".join(challenge.spoken), challenge.seed, language)

    def normal(self, answer: object, params: Params) -> bytes:
        """Take text, typed in any case, with any spaces, and with the digits of any script."""
        return normal_text(answer)


def speaker_from(settings: Settings, secret: bytes) -> Speaker:
    """Make the speaker that the settings ask for.

    Raises:
        Misconfigured: when the operator's recordings cannot be used.
    """
    voices = load_voices(
        settings.audio_languages,
        settings.audio_recordings,
        espeak_program(),
        secret,
        public=settings.audio_public_recordings,
    )
    return Speaker(voices, secret)


def draw_digits(seed: bytes, count: int) -> tuple[str, ...]:
    """Choose the digits that are said for a seed; how they sound is chosen under another label."""
    draws = Draws(seed, "spoken", choices=count)
    return tuple(draws.pick("0123456789") for _ in range(count))


def normal_text(answer: object) -> bytes:
    """Bring typed text to one form: no spaces, one case, one width (NFKC, UAX 15), ASCII digits.

    Raises:
        BadAnswer: when it is no text, or longer than any honest answer.
    """
    if not isinstance(answer, str):
        raise BadAnswer(NOT_TEXT)
    if len(answer) > MAX_ANSWER_CHARACTERS:
        raise BadAnswer(TOO_LONG)
    folded = unicodedata.normalize("NFKC", answer).casefold()
    text = "".join(_plain(character) for character in folded if not character.isspace())
    if not text:
        raise BadAnswer(NO_TEXT)
    return text.encode("utf-8", "surrogatepass")


def _plain(character: str) -> str:
    return str(unicodedata.decimal(character)) if character.isdecimal() else character
