"""The atlas: what its cells hold, and that it is made once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render import default_typefaces
from captcha_stateless.render.atlas import Atlas, build_atlas, cell_side
from captcha_stateless.render.inks import Pen

FACES = default_typefaces()


def atlas(alphabet: str = "AMl.g", *, natural: bool = False) -> Atlas:
    return build_atlas(FACES, alphabet, side=128, pen=Pen(4), natural=natural)


def test_an_atlas_is_made_once() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: atlas("KLX"), range(4)))

    assert len({id(one) for one in made}) == 1


def test_an_atlas_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        atlas().texels[0] = 1


def test_indices_leave_room_for_ground_tones() -> None:
    assert set(np.unique(atlas().texels)) == {0, *range(4, 16)}


@pytest.mark.parametrize("natural", [False, True])
def test_margins_are_blank_but_for_soft_edges(natural: bool) -> None:
    cells = atlas(natural=natural)
    soft = 4
    margin = (cells.side - cells.ink) // 2 - soft

    ink = cells.texels.reshape(-1, cells.side, cells.side).copy()
    ink[:, margin:-margin, margin:-margin] = 0

    assert not ink.any()


def test_first_and_last_cell_are_blank() -> None:
    cells = atlas().texels.reshape(-1, 128, 128)

    assert not cells[[0, -1]].any()
    assert all(cell.any() for cell in cells[1:-1])


def test_fitted_glyphs_fill_their_square() -> None:
    cells = build_atlas(FACES, "AKM", side=128, pen=Pen(4), natural=False)

    for cell in cells.texels.reshape(-1, 128, 128)[1:-1]:
        rows, columns = np.nonzero(cell)
        assert max(np.ptp(rows), np.ptp(columns)) >= cells.ink - 1


def test_natural_glyphs_keep_their_proportions() -> None:
    cells = build_atlas(FACES[:1], "Ax", side=128, pen=Pen(4), natural=True).texels.reshape(-1, 128, 128)

    capital, small = (np.ptp(np.nonzero(cell == 15)[0]) for cell in cells[1:-1])

    assert small < capital * 0.85


def test_a_small_mark_stays_small() -> None:
    cells = build_atlas(FACES[:1], "A.", side=128, pen=Pen(4), natural=False).texels.reshape(-1, 128, 128)

    assert (cells[2] > 0).sum() < (cells[1] > 0).sum() / 2


@settings(max_examples=50, deadline=None)
@given(glyph=st.characters(max_codepoint=0x17F))
def test_any_character_has_ink_or_is_refused(glyph: str) -> None:
    try:
        cells = build_atlas(FACES[:1], glyph, side=64, pen=Pen(4), natural=False)
    except Misconfigured as refused:
        assert "has no glyph for" in str(refused)
    else:
        assert cells.texels.max() == 15


@pytest.mark.parametrize(("pixels", "side"), [(1, 72), (41, 120), (67, 184), (1000, 248)])
def test_cells_grow_with_glyphs_within_bounds(pixels: float, side: int) -> None:
    assert cell_side(pixels) == side


def test_rows_never_begin_on_the_same_few_cache_sets() -> None:
    """A cell of 256 texels did, and a bed of six of them: on some processors drawing took a third more time."""
    sides = {cell_side(pixels) for pixels in range(1, 300)}

    assert {side % 16 for side in sides} == {8}
