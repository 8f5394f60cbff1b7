"""The bed: foreign glyphs behind the whole one, told from it by nothing but their being hidden."""

import numpy as np
import pytest

from captcha_stateless.render import TileRenderer, default_typefaces
from captcha_stateless.render.atlas import INK_SHARE, Atlas, build_atlas, cell_side
from captcha_stateless.render.bed import Bed, build_bed
from captcha_stateless.render.chance import draw_words
from captcha_stateless.render.drawing import NOWHERE, Draw, Layers, draw, draw_by_numpy
from captcha_stateless.render.families import FAMILIES, Family
from captcha_stateless.render.inks import CLEARS, INDEX_BITS
from captcha_stateless.render.tiles import TILE_WORDS
from captcha_stateless.render.warp import build_warp, sample_basis
from tests.render.pictures import ALPHABET, GLYPHS, SECRET, indices

FACES = default_typefaces()[:3]
COLLAGES = [name for name, family in FAMILIES.items() if family.foreign]
SIZE = 96


def atlas(family: Family) -> Atlas:
    side = cell_side(SIZE * family.fill)
    pen = family.pen_for(round(side * INK_SHARE))
    return build_atlas(FACES, ALPHABET, side=side, pen=pen, inks=family.inks, natural=False)


def bed(family: Family, secret: bytes = SECRET) -> Bed:
    cells = atlas(family)
    return build_bed(cells, FACES, family, family.pen_for(cells.ink), secret)


def renderer(family: str) -> TileRenderer:
    return TileRenderer(alphabet=ALPHABET, typefaces=FACES, family=family, size=SIZE, secret=SECRET)


@pytest.mark.parametrize("name", COLLAGES)
def test_few_glyphs_touch_the_edge(name: str) -> None:
    """One in ten is cut by it, the largest; those that were read by eye were drawn so."""
    family = FAMILIES[name]
    cells = atlas(family)
    words = draw_words(b"seed", 400, 2)

    tiles = build_warp(cells, family, SECRET).texels(
        cells.cells([0] * 400, "MW" * 200), words, sample_basis(SIZE)
    )

    assert tiles.any((1, 2)).all()
    edges = (tiles[:, 0], tiles[:, -1], tiles[:, :, 0], tiles[:, :, -1])
    touching = np.any([(edge & INDEX_BITS == family.indices - 1).any(1) for edge in edges], axis=0)
    assert touching.mean() < 0.15


@pytest.mark.parametrize("name", COLLAGES)
@pytest.mark.parametrize("draw", [draw, draw_by_numpy])
def test_a_glyphs_inside_hides_the_bed(name: str, draw: Draw) -> None:
    """Where the glyph marks its inside, a tile shows the glyph's own index; elsewhere the greater one of glyph and bed."""
    family, sheet = FAMILIES[name], bed(FAMILIES[name])
    warp = build_warp(atlas(family), family, SECRET)
    words, basis = draw_words(b"seed", 9, 4), sample_basis(SIZE)
    layers = Layers(warp.atlas, warp.reach, sheet)
    cells, blank = warp.atlas.starts(range(1, 10)), warp.atlas.starts([0] * 9)
    matrices, centres = warp.matrices(words[:, :2]), sheet.centres([0] * 9, words[:, 2:])
    nowhere = np.full(9, NOWHERE, np.int32)

    drawn = draw(layers, matrices, basis, cells, centres, nowhere)

    front = warp.texels(list(range(1, 10)), words[:, :2], basis)
    behind = draw(layers, matrices, basis, blank, centres, nowhere)
    inside = front >= CLEARS
    assert inside.any()
    assert np.array_equal(drawn[inside], front[inside] & INDEX_BITS)
    assert np.array_equal(drawn[~inside], np.maximum(front, behind)[~inside])
    assert (drawn[~inside] != front[~inside]).any()


@pytest.mark.parametrize("name", COLLAGES)
@pytest.mark.parametrize("word", [0, 65535])
def test_every_place_of_a_warp_lies_on_the_bed(name: str, word: int) -> None:
    family, sheet = FAMILIES[name], bed(FAMILIES[name])
    reach = build_warp(atlas(family), family, SECRET).reach
    inks = range(len(family.inks))

    for ink, centre in zip(
        inks, sheet.centres(inks, np.full((len(inks), 2), word, np.uint16)).tolist(), strict=True
    ):
        row, column = divmod(centre - ink * sheet.side**2, sheet.side)
        assert reach <= row <= sheet.side - reach
        assert reach <= column <= sheet.side - reach
        assert sheet.around(centre, reach).shape == (2 * reach, 2 * reach)


@pytest.mark.parametrize("name", COLLAGES)
def test_lines_in_front_and_behind_have_the_same_indices(name: str) -> None:
    """Colour tells nothing: each index that a bed shows, a glyph shows too, and the reverse."""
    family = FAMILIES[name]

    behind = set(np.unique(bed(family).texels).tolist())
    front = set(np.unique(atlas(family).texels & INDEX_BITS).tolist())

    assert behind == front


def test_a_bed_is_made_once_and_never_written_to() -> None:
    first, second = bed(FAMILIES["outline"]), bed(FAMILIES["outline"])

    assert first is second
    with pytest.raises(ValueError, match="read-only"):
        first.texels[0] = 1


def test_another_secret_gives_another_bed() -> None:
    first, second = bed(FAMILIES["outline"]), bed(FAMILIES["outline"], b"another")

    assert not np.array_equal(first.texels, second.texels)


@pytest.mark.parametrize("name", [*COLLAGES, "filled"])
def test_the_reference_is_clear(name: str) -> None:
    """Plain ground, and the same glyph's contour alone: no foreign line, no texture."""
    drawing = renderer(name)
    tones = FAMILIES[name].tones

    for number in range(20):
        reference = indices(drawing.tiles("L" + GLYPHS, b"seed %d" % number)[0])
        border = np.concatenate([reference[0], reference[-1]])
        assert set(np.unique(reference)) & set(range(1, tones)) == set()
        assert not border.any()


@pytest.mark.parametrize(
    ("name", "lit"), [("outline", {False}), ("embossed", {True}), ("mixed", {False, True})]
)
def test_lit_edges_are_on_tiles_that_are_embossed(name: str, lit: set[bool]) -> None:
    glint = FAMILIES[name].tones

    tiles = renderer(name).indices(["L" * 200], draw_words(b"seed", 200, TILE_WORDS)[None])[0]

    shown = (tiles == glint).any((1, 2)) if FAMILIES[name].glints else np.zeros(200, bool)
    assert set(shown.tolist()) == lit


def test_outlines_are_of_two_weights() -> None:
    """The contour of a bolder glyph lies elsewhere: a template of one weight misses half of them."""
    cells = atlas(FAMILIES["outline"]).texels.reshape(-1, *(atlas(FAMILIES["outline"]).side,) * 2)[1:-1]
    slim, bold = np.split((cells >= CLEARS).sum((1, 2)), 2)

    assert (bold > slim * 1.1).all()


@pytest.mark.parametrize("name", COLLAGES)
def test_a_challenge_of_collages_stays_under_23_kilobytes(name: str) -> None:
    drawing = renderer(name)

    sizes = [sum(map(len, drawing.tiles("CEKLMNPUY3", b"seed %d" % number))) for number in range(50)]

    assert max(sizes) * 4 / 3 + 1_500 < 23_000
