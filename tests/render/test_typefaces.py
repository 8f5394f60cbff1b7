"""Typefaces: what comes with the package, and an operator's own folder."""

import shutil
from pathlib import Path

import pytest

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render import classic_typeface, default_typefaces, typefaces_in
from captcha_stateless.render.typefaces import find, open_typeface


def test_there_are_six_or_more_default_typefaces() -> None:
    faces = default_typefaces()

    assert len(set(faces)) == len(faces) >= 6
    assert all(face.is_file() for face in faces)


def test_the_classic_typeface_is_there() -> None:
    assert classic_typeface().is_file()


def test_a_typeface_that_is_not_installed_is_named() -> None:
    with pytest.raises(Misconfigured, match="install the package fontpkg-no-such-typeface"):
        find("no-such-typeface", 400)


def test_a_folder_gives_its_typefaces_by_name(tmp_path: Path) -> None:
    for name in ("b.ttf", "a.OTF", "notes.txt"):
        shutil.copy(classic_typeface(), tmp_path / name)

    assert [face.name for face in typefaces_in(tmp_path)] == ["a.OTF", "b.ttf"]


def test_a_folder_without_typefaces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="put typefaces there"):
        typefaces_in(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="create it"):
        typefaces_in(tmp_path / "nowhere")


def test_variable_typefaces_are_drawn_bold() -> None:
    variable = find("roboto-slab", 700)
    bold = open_typeface(variable, 64)

    bold_ink = sum(bold.getmask("H"))
    bold.set_variation_by_axes([100])

    assert bold_ink > 1.5 * sum(bold.getmask("H"))
