"""Glyphs: how much of each pixel a character covers, rasterised once for all sizes in which it is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render.typefaces import open_typeface

#: Pixels of the em: a capital then has more of them than of the largest cell's texels.
EM = 192
#: Enough to tell one glyph from another.
_SMALL_EM = 24
#: Ink of a glyph that is small by nature (a dot, a dash) counts as at least this share of a capital's height.
_SMALLEST_INK = 0.7
#: No typeface has a glyph for this noncharacter (Unicode 16, 23.7): it shows what a missing one shows.
_MISSING = "\uffff"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One typeface's glyphs: ``L`` pictures of coverage, each cropped to its ink, and how high a capital is."""

    masks: tuple[Image.Image, ...]
    capital: int

    def factor(self, mask: Image.Image, ink: int, *, natural: bool = False) -> float:
        """Tell what a mask's sides are to be multiplied by for its longer one to be ``ink``, or for its em to be."""
        return ink / (EM if natural else max(*mask.size, round(self.capital * _SMALLEST_INK), 1))


@lru_cache(maxsize=8)
def rasterise(file: Path, alphabet: str) -> Glyphs:
    """Rasterise a typeface's glyphs, or return those made before: an atlas and its bed ask one after the other.

    The last eight typefaces are kept: of 30 characters each, 4 MB.

    Raises:
        Misconfigured: the typeface cannot be read, or lacks a glyph.
    """
    face = open_typeface(file, EM)
    capital = _mask(face, EM, "H")
    return Glyphs(_masks(file, face, EM, alphabet), capital.height if capital else EM)


def require_glyphs(typefaces: Sequence[Path], alphabet: str) -> None:
    """Look whether each typeface has each glyph, in a tenth of the time that it takes to rasterise them.

    Raises:
        Misconfigured: a typeface cannot be read, or lacks a glyph.
    """
    for file in typefaces if alphabet else ():
        _masks(file, open_typeface(file, _SMALL_EM), _SMALL_EM, alphabet)


def _masks(file: Path, face: ImageFont.FreeTypeFont, em: int, alphabet: str) -> tuple[Image.Image, ...]:
    missing, masks = _mask(face, em, _MISSING), []
    for glyph in alphabet:
        mask = _mask(face, em, glyph)
        if mask is None or mask == missing:
            raise Misconfigured(
                f"{file.name} has no glyph for {glyph!r}: change the alphabet or the typeface."
            )
        masks.append(mask)
    return tuple(masks)


def _mask(face: ImageFont.FreeTypeFont, em: int, glyph: str) -> Image.Image | None:
    canvas = Image.new("L", (3 * em, 3 * em))  # to ask how large a glyph is takes as long as to draw it
    ImageDraw.Draw(canvas).text((em, em), glyph, font=face, fill=255)
    ink = canvas.getbbox()
    return canvas.crop(ink) if ink else None
