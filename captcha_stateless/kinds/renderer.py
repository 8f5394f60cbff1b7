"""What visitors see and hear of challenges: drawn from the seed, by the kind, the same on every replica."""

from collections.abc import Mapping
from functools import partial

from captcha_stateless.kinds.base import Kind
from captcha_stateless.kinds.batch import Batch
from captcha_stateless.model import Challenge, Claims, Params, Sealed
from captcha_stateless.telemetry.events import Events
from captcha_stateless.tokens.digests import keyed_hash

_SEED_BYTES = 16


class Renderer:
    """Lets each kind render its own challenges, and times it."""

    def __init__(self, kinds: Mapping[str, Kind], *, mark_key: bytes, events: Events) -> None:
        """Take the kinds; ``mark_key`` hashes seeds to the names that caches see."""
        self._kinds, self._mark_key, self._events = kinds, mark_key, events
        self._together = {name: Batch(partial(self._rendered, kind)) for name, kind in kinds.items()}

    def draw(self, claims: Claims) -> Challenge:
        """Draw a token's challenge again, from its seed."""
        return self._kinds[claims.kind].draw(claims.seed, claims.params)

    def prepare(self, kind: str, wanted: Params) -> None:
        """Draw one that nobody sees, so that what is slow the first time has been done."""
        self._kinds[kind].render(self._kinds[kind].draw(bytes(_SEED_BYTES), self._kinds[kind].plan(wanted)))

    def redraw(self, claims: Claims) -> tuple[bytes, ...]:
        """Render what was shown with a token, from its seed: the same to the pixel on every replica."""
        with self._events.took("render"):
            return self._kinds[claims.kind].render(self.draw(claims))

    def picture(self, sealed: Sealed) -> tuple[bytes, ...]:
        """Render what a visitor sees or hears of a challenge."""
        with self._events.took("render"):
            return self._kinds[sealed.claims.kind].render(sealed.challenge or self.draw(sealed.claims))

    async def drawn(self, sealed: Sealed) -> tuple[bytes, ...]:
        """Render what a visitor sees, together with all that is asked for in the same turn of the event loop."""
        return await self._together[sealed.claims.kind](sealed.challenge or self.draw(sealed.claims))

    def _rendered(self, kind: Kind, challenges: list[Challenge]) -> list[tuple[bytes, ...]]:
        with self._events.took("render", len(challenges)):
            return kind.render_all(challenges)

    def languages(self, kind: str) -> tuple[str, ...]:
        """Tell the languages in which challenges of a kind can be heard, the default one first."""
        return self._kinds[kind].languages

    def speak(self, claims: Claims, language: str) -> bytes:
        """Say a token's challenge, as a WAV file; takes milliseconds, so call it from a thread.

        Raises:
            BadRequest: when it cannot be heard, or not in this language.
        """
        with self._events.took("speak"):
            return self._kinds[claims.kind].speak(self.draw(claims), language)

    def notice(self, kind: str, text: str, wanted: Params) -> bytes:
        """Draw a word that is no challenge, as a picture of that kind would be.

        Raises:
            BadRequest: when the kind draws no words, or not of that sort.
        """
        return self._kinds[kind].notice(text, self._kinds[kind].plan(wanted))

    def mark(self, claims: Claims) -> str:
        """Name what a token draws, for caches: equal for equal drawings, and no help in finding the seed."""
        return keyed_hash(self._mark_key, b"mark", claims.seed).hex()
