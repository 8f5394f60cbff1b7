"""The README's pictures of the widget: drawn by a script that still runs, and small."""

import runpy
from pathlib import Path

import pytest
from PIL import Image

from tests.needs import module, program

DOCS = Path(__file__).parents[2] / "docs"
NAMES = ["widget-light.png", "widget-dark.png"]
MOST_BYTES = 60_000


def test_the_script_draws_them_anew(tmp_path: Path) -> None:
    module("playwright.sync_api")
    main = runpy.run_path(str(DOCS / "pictures.py"))["main"]

    main(tmp_path, program("chromium"))

    assert [width(tmp_path / name) for name in NAMES] == [width(DOCS / name) for name in NAMES]


def width(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.width


@pytest.mark.parametrize("name", NAMES)
def test_they_are_small(name: str) -> None:
    assert (DOCS / name).stat().st_size <= MOST_BYTES
