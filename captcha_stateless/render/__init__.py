"""Glyphs to pixels to PNG: pure functions of what is drawn and of a seed."""

from captcha_stateless.render.families import FAMILIES, Family
from captcha_stateless.render.glyphs import require_glyphs
from captcha_stateless.render.lines import LineRenderer
from captcha_stateless.render.looks import LOOKS
from captcha_stateless.render.sheet import contact_sheet
from captcha_stateless.render.tiles import TileRenderer
from captcha_stateless.render.typefaces import classic_typeface, default_typefaces, typefaces_in

__all__ = [
    "FAMILIES",
    "LOOKS",
    "Family",
    "LineRenderer",
    "TileRenderer",
    "classic_typeface",
    "contact_sheet",
    "default_typefaces",
    "require_glyphs",
    "typefaces_in",
]
