"""A line of characters to read and type."""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import ClassVar, Self

from captcha_stateless.errors import BadRequest, Misconfigured
from captcha_stateless.kinds.base import Face
from captcha_stateless.kinds.spoken import DIGITS, MOST_DIGITS, Spoken, draw_digits, normal_text, speaker_from
from captcha_stateless.kinds.stages import Ladder
from captcha_stateless.model import Challenge, Params
from captcha_stateless.render import LOOKS, LineRenderer, default_typefaces, require_glyphs, typefaces_in
from captcha_stateless.seeded import Draws
from captcha_stateless.settings import Settings
from captcha_stateless.sound import Speaker

#: Sizes that one process holds renderers for; each takes about 25 MB. Callers' sizes are fixed ones, not a visitor's.
_SIZES = 4

#: More do not fit the narrowest picture.
MOST_CHARACTERS = 8
#: Takes it out of a text.
_ASCII = dict.fromkeys(range(128))
#: What a notice may be worded with, beside the alphabet.
_NOTICE_LETTERS = "test"


def _from(low: int, high: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


#: What may be wanted of a line, and whether a value will do; the renderer has its own bounds for sizes.
CHECKS: dict[str, Callable[[object], bool]] = {
    "width": _from(64, 1024),
    "height": _from(32, 1024),
    "length": _from(4, MOST_CHARACTERS),
    "theme": lambda value: value in ("light", "dark"),
    "profile": lambda value: isinstance(value, str) and value in LOOKS,
    "background": _is_flag,
    "foreground": _is_flag,
    "seconds": _from(10, 1_800),
    "digits": lambda value: value == 0 or _from(DIGITS, MOST_DIGITS)(value),
}


class Text(Spoken):
    """Draws lines in the sizes that are asked for; a line can be heard too where there is a voice."""

    name: ClassVar[str] = "text"
    face: ClassVar[Face] = "line"

    def __init__(
        self,
        *,
        alphabet: str,
        typefaces: Sequence[Path],
        look: Params,
        speaker: Speaker,
        secret: bytes,
    ) -> None:
        super().__init__(speaker)
        self._alphabet, self._typefaces, self._secret = alphabet, typefaces, secret
        self._defaults: Params = {
            "width": 600,
            "height": 200,
            "profile": "outline",
            **look,
            "seconds": self.seconds,
            "digits": DIGITS if speaker.languages else 0,
        }
        self._renderers: dict[tuple[int, int, str], LineRenderer] = {}
        self._lock = Lock()

    @classmethod
    def from_settings(cls, settings: Settings, secret: bytes) -> Self:
        """Take alphabet, length, theme and noise from the settings; renderers are built when a size is first asked for.

        Raises:
            Misconfigured: when the alphabet is too small or cannot be drawn, or recordings cannot be used.
        """
        alphabet = settings.text_alphabet
        if len(set(alphabet)) != len(alphabet) or len({normal_text(character) for character in alphabet}) < 2:
            raise Misconfigured("CAPTCHA_TEXT_ALPHABET must hold at least two characters, each once")
        look: Params = {
            "length": settings.text_length,
            "theme": settings.text_theme,
            "profile": settings.text_profile,
            "background": settings.text_background_noise,
            "foreground": settings.text_foreground_noise,
        }
        faces = typefaces_in(settings.typefaces) if settings.typefaces else default_typefaces()
        # Our own typefaces have all of ASCII.
        require_glyphs(faces, alphabet if settings.typefaces else alphabet.translate(_ASCII))
        speaker = speaker_from(settings, secret)
        return cls(alphabet=alphabet, typefaces=faces, look=look, speaker=speaker, secret=secret)

    def plan(self, wanted: Params) -> Params:
        """Complete the params: size in pixels, length in characters, theme, noise, and the seconds of its life."""
        for name, value in wanted.items():
            if name not in CHECKS or not CHECKS[name](value):
                raise BadRequest(f"there is no text with {name} {value!r:.40}")
        return {**self._defaults, **wanted}

    def harder(self, params: Params, steps: int) -> Params:
        """Draw and say a character more for each step, up to eight."""
        length = max(int(params["length"]), min(int(params["length"]) + steps, MOST_CHARACTERS))
        digits = min(int(params["digits"]) + steps, MOST_DIGITS) if params["digits"] else 0
        return {**params, "length": length, "digits": digits}

    def ladder(self, params: Params) -> Ladder:
        """Tell the one stage's time, which is its protocol's: not to be extended, but a new picture is free."""
        return Ladder((int(params["seconds"]),), extendable=False)

    def draw(self, seed: bytes, params: Params) -> Challenge:
        """Choose the characters, and the digits that are said instead."""
        length = int(params["length"])
        draws = Draws(seed, "text", choices=length)
        shown = tuple(draws.pick(self._alphabet) for _ in range(length))
        spoken = draw_digits(seed, int(params["digits"]))
        answers = tuple(normal_text("".join(line)) for line in (shown, spoken) if line)
        return Challenge(self.name, seed, answers, params, shown, spoken)

    def render(self, challenge: Challenge) -> tuple[bytes, ...]:
        """Draw one PNG."""
        params = challenge.params
        png = self._renderer(params).line(
            "".join(challenge.shown),
            challenge.seed,
            theme="dark" if params["theme"] == "dark" else "light",
            background_noise=bool(params["background"]),
            foreground_noise=bool(params["foreground"]),
        )
        return (png,)

    def notice(self, text: str, params: Params) -> bytes:
        """Draw a word that is no challenge, as one PNG without noise."""
        renderer = self._renderer(params)
        return renderer.line(text, text.encode(), background_noise=False, foreground_noise=False)

    def tell(self, challenge: Challenge) -> str:
        """Word the answer as it is drawn."""
        return "".join(challenge.shown)

    def _renderer(self, params: Params) -> LineRenderer:
        # A token without a profile was sealed, and shown, by a version that drew the clear one only.
        drawn = (int(params["width"]), int(params["height"]), str(params.get("profile", "clear")))
        with self._lock:
            if drawn not in self._renderers:
                if len(self._renderers) >= _SIZES:
                    del self._renderers[next(iter(self._renderers))]
                self._renderers[drawn] = self._built(*drawn)
            return self._renderers[drawn]

    def _built(self, width: int, height: int, profile: str) -> LineRenderer:
        letters = "".join(dict.fromkeys(self._alphabet + _NOTICE_LETTERS))
        return LineRenderer(
            alphabet=letters,
            typefaces=self._typefaces,
            width=width,
            height=height,
            secret=self._secret,
            look=profile,
        )
