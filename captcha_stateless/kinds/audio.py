"""Digits to hear and type, with no picture."""

from typing import ClassVar, Self

from captcha_stateless.errors import BadRequest
from captcha_stateless.kinds.base import Face
from captcha_stateless.kinds.spoken import DIGITS, MOST_DIGITS, Spoken, draw_digits, normal_text, speaker_from
from captcha_stateless.kinds.stages import Ladder
from captcha_stateless.model import Challenge, Params
from captcha_stateless.settings import Settings


class Audio(Spoken):
    """Says six digits twice, in one of the deployment's languages."""

    name: ClassVar[str] = "audio"
    face: ClassVar[Face] = "sound"
    #: Also the most that may be asked for: twenty extensions of it must fit the replay filter's memory.
    seconds: ClassVar[int] = 120

    @classmethod
    def from_settings(cls, settings: Settings, secret: bytes) -> Self:
        """Make the speaker ready.

        Raises:
            Misconfigured: when the operator's recordings cannot be used.
        """
        return cls(speaker_from(settings, secret))

    def plan(self, wanted: Params) -> Params:
        """Complete the params: ``language`` is the deployment's first, ``seconds`` 120 unless asked for."""
        if not self.languages:
            raise BadRequest("there are no recordings here")
        params = {"language": self.languages[0], "seconds": self.seconds, **wanted}
        seconds = params["seconds"]
        known = len(params) == 2 and params["language"] in self.languages
        if not known or type(seconds) is not int or not 10 <= seconds <= self.seconds:
            raise BadRequest(f"language must be one of {', '.join(self.languages)}, seconds from 10 to 120")
        return params

    def harder(self, params: Params, steps: int) -> Params:
        """Say a digit more for each step, up to eight."""
        return {**params, "digits": min(DIGITS + steps, MOST_DIGITS)}

    def ladder(self, params: Params) -> Ladder:
        """Tell the one stage's time."""
        return Ladder((int(params["seconds"]),))

    def draw(self, seed: bytes, params: Params) -> Challenge:
        """Choose the digits."""
        digits = draw_digits(seed, int(params.get("digits", DIGITS)))
        return Challenge(self.name, seed, (normal_text("".join(digits)),), params, digits, digits)

    def render(self, challenge: Challenge) -> tuple[bytes, ...]:
        """Say one WAV."""
        return (self.speak(challenge, str(challenge.params["language"])),)

    def tell(self, challenge: Challenge) -> str:
        """Word the answer as digits."""
        return "".join(challenge.spoken)
