"""Nine pictures and an expected one: which of the nine show the same character?"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import mul
from typing import ClassVar, Protocol, Self

from captcha_stateless.errors import BadAnswer, BadRequest, Misconfigured
from captcha_stateless.kinds.base import Face, Kind
from captcha_stateless.kinds.lookalikes import apart
from captcha_stateless.kinds.profiles import HARDER, PROFILES, TILES, Preset
from captcha_stateless.kinds.stages import Ladder
from captcha_stateless.model import Challenge, Params
from captcha_stateless.render import FAMILIES, TileRenderer, classic_typeface, default_typefaces, typefaces_in
from captcha_stateless.seeded import Draws
from captcha_stateless.settings import Settings

#: What the original 1Captcha asks to tell apart: two characters that are the hardest pair of all.
ORIGINAL = "1l"
ORIGINAL_FAMILY = "classic"

_BOOLEANS, _BITS = frozenset({bool}), [1 << tile for tile in range(TILES)]

NOT_AN_ARRAY = "answer must be an array"
WRONG_LENGTH = "invalid answer length"
NOT_BOOLEANS = "answer must hold true and false only"


class Tiles(Protocol):
    """What draws the pictures of one profile."""

    def grids(self, asked: Sequence[tuple[Sequence[str], bytes]]) -> list[list[bytes]]:
        """Draw one PNG a glyph, for the glyphs and the seed of each grid; a grid's first is the reference."""


class Profile:
    """One sort of grid: its preset, and which characters may stand beside each expected one."""

    def __init__(self, preset: Preset, others: Mapping[str, str]) -> None:
        self.family, self.ladder = preset.family, preset.ladder
        self.alphabet, self.others = "".join(others), others
        self.masks = [mask for mask in range(1 << TILES) if mask.bit_count() in preset.matches]


class Drawing:
    """What draws one family; it is made when it is first needed."""

    def __init__(self, make_renderer: Callable[[], Tiles]) -> None:
        self._make_renderer = make_renderer

    @cached_property
    def renderer(self) -> Tiles:
        """Make it: two threads that ask at once make two, of which either will do."""
        return self._make_renderer()


class Grid(Kind):
    """Draws grids of the profiles it is given."""

    name: ClassVar[str] = "grid"
    face: ClassVar[Face] = "tiles"

    def __init__(
        self, profiles: Mapping[str, Profile], drawings: Mapping[str, Drawing], default: Params
    ) -> None:
        """Take the profiles, what draws each family, and the params where nothing is wanted."""
        self._profiles, self._drawings, self._default = profiles, drawings, default

    @classmethod
    def from_settings(cls, settings: Settings, secret: bytes) -> Self:
        """Make the profiles ready; all but ``classic`` take the alphabet, typefaces and tile size of the settings.

        Raises:
            Misconfigured: when the alphabet is too small or cannot be drawn.
        """
        others = _others(settings.alphabet)
        faces = typefaces_in(settings.typefaces) if settings.typefaces else default_typefaces()

        def drawing(family: str) -> Drawing:
            original = family == ORIGINAL_FAMILY
            return Drawing(
                lambda: TileRenderer(
                    alphabet=ORIGINAL if original else settings.alphabet,
                    typefaces=(classic_typeface(),) if original else faces,
                    family=family,
                    size=settings.tile_size,
                    secret=secret,
                )
            )

        profiles = {
            name: Profile(preset, _ORIGINAL_OTHERS if preset.family == ORIGINAL_FAMILY else others)
            for name, preset in PROFILES.items()
        }
        family = {"family": settings.family} if settings.family else {}
        grid = cls(profiles, {name: drawing(name) for name in FAMILIES}, family)
        grid._default = grid.plan({"profile": settings.profile})
        _ = grid._drawing(grid._default).renderer  # made now: what cannot be drawn is told at the start
        return grid

    def plan(self, wanted: Params) -> Params:
        """Complete the params: ``profile`` and ``family`` (of drawing) are the default ones unless asked for.

        The profile ``classic`` has its family, which is no other's: there a default is passed over.
        """
        profile = wanted.get("profile", self._default.get("profile"))
        if profile not in self._profiles:
            raise BadRequest(f"profile must be one of {', '.join(self._profiles)}")
        own = self._profiles[str(profile)].family
        family = wanted.get("family", own if own == ORIGINAL_FAMILY else self._default.get("family", own))
        if family not in self._drawings or (own == ORIGINAL_FAMILY) != (family == ORIGINAL_FAMILY):
            raise BadRequest(f"profile {profile} is not drawn so: family must be another")
        return {"profile": str(profile), **({} if family == own else {"family": str(family)})}

    def harder(self, params: Params, steps: int) -> Params:
        """Take a stricter profile, one for each step; ``classic`` has its own measure."""
        profile = str(params["profile"])
        if profile not in HARDER:
            return params
        stricter = HARDER[min(HARDER.index(profile) + steps, len(HARDER) - 1)]
        return self.plan({**params, "profile": stricter})

    def ladder(self, params: Params) -> Ladder:
        """Tell the profile's ladder."""
        return self._profile(params).ladder

    def draw(self, seed: bytes, params: Params) -> Challenge:
        """Choose the expected character, the set of matches, and for each other tile none of its lookalikes."""
        profile = self._profile(params)
        draws = Draws(seed, "grid", choices=2 + TILES)
        expected = draws.pick(profile.alphabet)
        others = profile.others[expected]
        mask = draws.pick(profile.masks)
        foreign = iter(draws.picks(others, TILES - mask.bit_count()))
        glyphs = [expected if mask & bit else next(foreign) for bit in _BITS]
        answer = mask.to_bytes(2, "big")
        return Challenge(self.name, seed, (answer,), params, shown=(expected, *glyphs))

    def render(self, challenge: Challenge) -> tuple[bytes, ...]:
        """Draw ten PNGs: the expected one, then the nine."""
        return self.render_all([challenge])[0]

    def render_all(self, challenges: Sequence[Challenge]) -> list[tuple[bytes, ...]]:
        """Draw ten PNGs for each, those of one family together."""
        families: dict[Drawing, list[int]] = {}
        for number, challenge in enumerate(challenges):
            families.setdefault(self._drawing(challenge.params), []).append(number)
        drawn: list[tuple[bytes, ...]] = [()] * len(challenges)
        for drawing, numbers in families.items():
            asked = [(challenges[number].shown, challenges[number].seed) for number in numbers]
            for number, grid in zip(numbers, drawing.renderer.grids(asked), strict=True):
                drawn[number] = tuple(grid)
        return drawn

    def normal(self, answer: object, params: Params) -> bytes:
        """Take nine booleans, true where a tile shows the expected character."""
        if not isinstance(answer, list):
            raise BadAnswer(NOT_AN_ARRAY)
        if len(answer) != TILES:
            raise BadAnswer(WRONG_LENGTH)
        if not _BOOLEANS.issuperset(map(type, answer)):
            raise BadAnswer(NOT_BOOLEANS)
        mask: int = sum(map(mul, answer, _BITS))
        return mask.to_bytes(2, "big")

    def tell(self, challenge: Challenge) -> list[bool]:
        """Word the answer as nine booleans."""
        mask = int.from_bytes(challenge.answers[0], "big")
        return [bool(mask >> tile & 1) for tile in range(TILES)]

    def _profile(self, params: Params) -> Profile:
        return self._profiles[str(params["profile"])]

    def _drawing(self, params: Params) -> Drawing:
        return self._drawings[str(params.get("family", self._profile(params).family))]


_ORIGINAL_OTHERS = {"1": "l", "l": "1"}


def _others(alphabet: str) -> dict[str, str]:
    if len(set(alphabet)) != len(alphabet) or len(alphabet) < 2:
        raise Misconfigured("CAPTCHA_ALPHABET must hold at least two characters, each once")
    others = {expected: apart(expected, alphabet) for expected in alphabet}
    for expected, rest in others.items():
        if not rest:
            raise Misconfigured(
                f"CAPTCHA_ALPHABET holds only lookalikes of {expected!r}: add other characters"
            )
    return others
