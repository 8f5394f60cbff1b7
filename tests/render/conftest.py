"""Renderers that tests share: building one takes longer than all that a test does with it."""

import pytest

from captcha_stateless.render import LineRenderer, TileRenderer, classic_typeface, default_typefaces
from tests.render.pictures import ALPHABET, SECRET


@pytest.fixture(scope="session")
def filled() -> TileRenderer:
    return TileRenderer(
        alphabet=ALPHABET, typefaces=default_typefaces(), family="filled", size=64, secret=SECRET
    )


@pytest.fixture(scope="session")
def classic() -> TileRenderer:
    return TileRenderer(
        alphabet=ALPHABET, typefaces=[classic_typeface()], family="classic", size=64, secret=SECRET
    )


@pytest.fixture(scope="session")
def lines() -> LineRenderer:
    return LineRenderer(
        alphabet=ALPHABET, typefaces=default_typefaces(), width=600, height=200, secret=SECRET, look="clear"
    )
