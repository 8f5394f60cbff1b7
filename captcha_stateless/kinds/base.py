"""The contract of a kind of challenge: draw and render, normal and check."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from captcha_stateless.errors import BadRequest
from captcha_stateless.kinds.stages import Ladder
from captcha_stateless.model import Challenge, Claims, Params
from captcha_stateless.settings import Settings
from captcha_stateless.tokens.digests import keyed_hash, same

#: How a visitor meets a challenge: tiles to choose among, a line to read, a sound to hear, or work that a device does unseen.
Face = Literal["tiles", "line", "sound", "work"]


class Kind(ABC):
    """Draws challenges of one kind and knows what an answer to them looks like; it never sees a token or a clock."""

    name: ClassVar[str]
    face: ClassVar[Face]

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings, secret: bytes) -> Self:
        """Make the kind ready to draw; ``secret`` is what outsiders who have the source do not have.

        Raises:
            Misconfigured: when it cannot draw what the settings ask for.
        """

    @abstractmethod
    def plan(self, wanted: Params) -> Params:
        """Complete what a caller asks for to the params that are sealed.

        Raises:
            BadRequest: when there is no such challenge.
        """

    def harder(self, params: Params, steps: int) -> Params:
        """Raise the difficulty of what was planned by so many steps, as far as it goes; some kinds have one only."""
        return params

    @abstractmethod
    def ladder(self, params: Params) -> Ladder:
        """Tell how many stages a run has and how long each may take."""

    @abstractmethod
    def draw(self, seed: bytes, params: Params) -> Challenge:
        """Choose what is shown and what is right: always the same for the same seed and params."""

    @abstractmethod
    def render(self, challenge: Challenge) -> tuple[bytes, ...]:
        """Turn the choices into files that a visitor sees or hears."""

    def render_all(self, challenges: Sequence[Challenge]) -> list[tuple[bytes, ...]]:
        """Render several challenges, each as :meth:`render` does: some kinds draw two for less than twice one."""
        return [self.render(challenge) for challenge in challenges]

    @abstractmethod
    def normal(self, answer: object, params: Params) -> bytes:
        """Bring an answer, fresh from JSON or a form, to the form in which answers are compared.

        Raises:
            BadAnswer: when it has not the form of an answer to such a challenge; nothing is spent then.
        """

    @abstractmethod
    def tell(self, challenge: Challenge) -> object:
        """Word a right answer as a client would send it; for the holder of the keys only.

        Raises:
            BadRequest: when finding one would take long.
        """

    def price(self, params: Params) -> int:
        """Tell how many common answers one :meth:`check` costs as much as; above 1 it must not run between other requests."""
        return 1

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which a challenge of this kind can be heard; most kinds have none."""
        return ()

    def speak(self, challenge: Challenge, language: str) -> bytes:
        """Say a challenge, as a WAV file.

        Raises:
            BadRequest: when it cannot be heard, or not in this language.
        """
        raise BadRequest("this challenge cannot be heard")

    def notice(self, text: str, params: Params) -> bytes:
        """Draw a word that is no challenge, as one PNG.

        Raises:
            BadRequest: when this kind draws no words.
        """
        raise BadRequest("this kind draws no words")

    def digests(self, key: bytes, jti: bytes, challenge: Challenge) -> tuple[bytes, ...]:
        """Hash the accepted answers, bound to the token that they answer; none where no answer is known beforehand."""
        return tuple(keyed_hash(key, jti, answer) for answer in challenge.answers)

    def check(self, key: bytes, claims: Claims, normal: bytes) -> bool:
        """Judge an answer in its normal form against the sealed digests, in constant time for all kinds alike.

        A kind that knows no answer beforehand overrides this, and judges by the sealed seed and params alone.
        """
        given = keyed_hash(key, claims.jti, normal)
        verdicts = [same(given, digest) for digest in claims.digests]
        return any(verdicts)
