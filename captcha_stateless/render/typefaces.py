"""Where typefaces come from, and how one is opened."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path

import fontpkg  # type: ignore[import-untyped]  # ships no types
from PIL import ImageFont

from captcha_stateless.errors import Misconfigured

#: Bold faces of varied build, as (family, weight): they read best, and differ most in what a pixel comparison
#: sees.
_DEFAULT = (
    ("arvo", 700),
    ("barlow", 700),
    ("crimson-text", 700),
    ("pt-serif", 700),
    ("quicksand", 700),
    ("roboto-mono", 700),
    ("roboto-slab", 700),
    ("work-sans", 700),
)
_CLASSIC = ("pt-serif", 400)
_HEAVY = 700


def default_typefaces() -> tuple[Path, ...]:
    """Return the files of the default typefaces: slab, grotesque, serif, rounded and mono.

    Raises:
        Misconfigured: a typeface's package is not installed.
    """
    return tuple(find(family, weight) for family, weight in _DEFAULT)


def classic_typeface() -> Path:
    """Return the file of the typeface nearest to Times.

    Raises:
        Misconfigured: the typeface's package is not installed.
    """
    return find(*_CLASSIC)


def typefaces_in(folder: Path) -> tuple[Path, ...]:
    """Return the ``.ttf`` and ``.otf`` files of an operator's folder, by name.

    Raises:
        Misconfigured: the folder is missing or holds no typeface.
    """
    if not folder.is_dir():
        raise Misconfigured(
            f"There is no folder of typefaces at {folder}: create it, or leave the setting out."
        )
    found = sorted(file for file in folder.iterdir() if file.suffix.lower() in {".ttf", ".otf"})
    if not found:
        raise Misconfigured(f"The folder {folder} holds no .ttf or .otf file: put typefaces there.")
    return tuple(found)


def open_typeface(file: Path, em: int) -> ImageFont.FreeTypeFont:
    """Open a typeface at ``em`` pixels; a variable one in bold, or as near to bold as it comes.

    Pillow's basic layout is asked for by name, because the other one depends on a library that may be there
    or not.

    Raises:
        Misconfigured: the file is missing or no typeface.
    """
    try:
        face = ImageFont.truetype(str(file), em, layout_engine=ImageFont.Layout.BASIC)
    except OSError:
        raise Misconfigured(f"{file} cannot be read as a typeface: replace it or leave it out.") from None
    _embolden(face)
    return face


def _embolden(face: ImageFont.FreeTypeFont) -> None:
    try:
        axes = face.get_variation_axes()
    except OSError:  # not a variable typeface
        return
    face.set_variation_by_axes([_value(axis) for axis in axes])


def _value(axis: ImageFont.Axis) -> float:
    if axis["name"] == b"Weight":
        return min(axis["maximum"] or 0, _HEAVY)
    return axis["default"] or 0


@cache
def find(family: str, weight: int) -> Path:
    """Return the file of an installed typeface in a weight (400 is regular, 700 bold).

    Raises:
        Misconfigured: its package is not installed.
    """
    package = f"fontpkg-{family}"
    try:
        root = files(package.replace("-", "_"))  # fontpkg.path() would look through all that is installed
    except ModuleNotFoundError:
        raise Misconfigured(f"The typeface {family} is missing: install the package {package}.") from None
    about = fontpkg.family_from_metadata(json.loads((root / "metadata.json").read_text("utf-8")), root)
    return Path(fontpkg.select_file(about, weight, "normal", False).path)
