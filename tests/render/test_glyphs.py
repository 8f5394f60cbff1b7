"""Glyphs: what a typeface covers, and that what it lacks is told."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render import default_typefaces, require_glyphs
from captcha_stateless.render.glyphs import EM, rasterise
from captcha_stateless.render.inks import Ink, Pen, lay

FACES = default_typefaces()


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.stem)
def test_masks_are_cropped_to_their_ink_and_whole(face: Path) -> None:
    for mask in rasterise(face, "AgQ.@").masks:
        ink = np.asarray(mask)

        assert ink.max() > 200
        assert all(edge.any() for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))
        assert max(mask.size) < 2 * EM


def test_glyphs_are_sized_by_their_longer_side_and_marks_by_a_capitals_height() -> None:
    glyphs = rasterise(FACES[0], "M.")
    wide, dot = glyphs.masks

    assert round(max(wide.size) * glyphs.factor(wide, 80)) == 80
    assert max(dot.size) * glyphs.factor(dot, 80) < 40
    assert glyphs.factor(wide, 80, natural=True) == glyphs.factor(dot, 80, natural=True) == 80 / EM


def test_what_no_typeface_has_is_told_before_anything_is_drawn() -> None:
    require_glyphs(FACES, "ABCabc123")

    for draw in (lambda: require_glyphs(FACES, "Aあ"), lambda: rasterise(FACES[0], "Aあ")):
        with pytest.raises(Misconfigured, match="no glyph for 'あ'"):
            draw()


@pytest.mark.parametrize("ink", ["filled", "outline", "swollen", "embossed"])
@pytest.mark.parametrize("width", [0.8, 1.3, 2.74, 4.4, 8.0])
def test_ink_stays_within_the_pens_margin(ink: Ink, width: float) -> None:
    """A glyph is inked in a square just so much larger: beyond it nothing would have been inked, and within all the same."""
    pen = Pen(1, 2, width, softness=0.9)
    near, far = (_square(margin) for margin in (pen.margin, pen.margin + 20))

    inked = lay(ink, far, pen).copy()

    assert np.array_equal(inked[20:-20, 20:-20], lay(ink, near, pen))
    inked[20:-20, 20:-20] = 0
    assert not inked.any()


def _square(margin: int) -> Image.Image:
    return Image.fromarray(np.pad(np.full((40, 30), 255, np.uint8), margin))
