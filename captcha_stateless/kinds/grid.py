"""Nine pictures and an expected one: which of the nine show the same character?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from captcha_stateless.draws import Draws
from captcha_stateless.errors import BadAnswer, BadRequest, Misconfigured
from captcha_stateless.kinds.base import Kind
from captcha_stateless.model import Challenge, Params
from captcha_stateless.render import TileRenderer, classic_typeface, default_typefaces, typefaces_in
from captcha_stateless.settings import Settings
from captcha_stateless.stages import CLASSIC, HUMANE, Ladder

TILES = 9

NOT_AN_ARRAY = "answer must be an array"
WRONG_LENGTH = "invalid answer length"
NOT_BOOLEANS = "answer must hold true and false only"


class Tiles(Protocol):
    """What draws the pictures of one profile."""

    def tiles(self, glyphs: Sequence[str], seed: bytes) -> list[bytes]:
        """Draw one PNG a glyph; the first is the reference."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One sort of grid: what it draws with, how long its run is, and how many of the nine may match."""

    ladder: Ladder
    alphabet: str
    matches: range
    renderer: Tiles

    @property
    def masks(self) -> list[int]:
        """Every permitted set of matches, as nine bits; each is drawn as often as the others."""
        return [mask for mask in range(1 << TILES) if mask.bit_count() in self.matches]


class Grid(Kind):
    """Draws grids of the profiles it is given."""

    name: ClassVar[str] = "grid"

    def __init__(self, profiles: dict[str, Profile], default: str) -> None:
        self._profiles = profiles
        self._masks = {name: profile.masks for name, profile in profiles.items()}
        self._default = default

    @classmethod
    def from_settings(cls, settings: Settings, secret: bytes) -> Self:
        """Make both profiles ready; ``humane`` takes the alphabet, the typefaces and the tile size of the settings.

        Raises:
            Misconfigured: when the alphabet is too small or cannot be drawn.
        """
        alphabet = settings.alphabet
        if len(set(alphabet)) != len(alphabet) or len(alphabet) < 2:
            raise Misconfigured("CAPTCHA_ALPHABET must hold at least two characters, each once")
        size = settings.tile_size
        faces = typefaces_in(settings.typefaces) if settings.typefaces else default_typefaces()
        humane = TileRenderer(alphabet=alphabet, typefaces=faces, family="filled", size=size, secret=secret)
        classic = TileRenderer(
            alphabet="1l", typefaces=(classic_typeface(),), family="classic", size=size, secret=secret
        )
        profiles = {
            "humane": Profile(HUMANE, alphabet, range(2, 7), humane),
            "classic": Profile(CLASSIC, "1l", range(TILES + 1), classic),
        }
        return cls(profiles, settings.profile)

    def plan(self, wanted: Params) -> Params:
        """Complete the params: ``profile`` is the default one unless asked for."""
        profile = wanted.get("profile", self._default)
        if profile not in self._profiles:
            raise BadRequest(f"profile must be one of {', '.join(self._profiles)}")
        return {"profile": profile}

    def ladder(self, params: Params) -> Ladder:
        """Tell the profile's ladder."""
        return self._profile(params).ladder

    def draw(self, seed: bytes, params: Params) -> Challenge:
        """Choose the expected character, the set of matches, and another character for each other tile."""
        profile = self._profile(params)
        draws = Draws(seed, "grid", choices=2 + TILES)
        expected = draws.pick(profile.alphabet)
        others = profile.alphabet.replace(expected, "")
        mask = draws.pick(self._masks[str(params["profile"])])
        glyphs = [expected if mask >> tile & 1 else draws.pick(others) for tile in range(TILES)]
        answer = mask.to_bytes(2, "big")
        return Challenge(self.name, seed, (answer,), params, shown=(expected, *glyphs))

    def render(self, challenge: Challenge) -> tuple[bytes, ...]:
        """Draw ten PNGs: the expected one, then the nine."""
        return tuple(self._profile(challenge.params).renderer.tiles(challenge.shown, challenge.seed))

    def normal(self, answer: object, params: Params) -> bytes:
        """Take nine booleans, true where a tile shows the expected character."""
        if not isinstance(answer, list):
            raise BadAnswer(NOT_AN_ARRAY)
        if len(answer) != TILES:
            raise BadAnswer(WRONG_LENGTH)
        if not all(isinstance(tile, bool) for tile in answer):
            raise BadAnswer(NOT_BOOLEANS)
        return sum(1 << tile for tile, chosen in enumerate(answer) if chosen).to_bytes(2, "big")

    def tell(self, challenge: Challenge) -> list[bool]:
        """Word the answer as nine booleans."""
        mask = int.from_bytes(challenge.answers[0], "big")
        return [bool(mask >> tile & 1) for tile in range(TILES)]

    def _profile(self, params: Params) -> Profile:
        return self._profiles[str(params["profile"])]
