"""The bed: foreign glyphs behind the whole one, told from it by nothing but their being hidden."""

import numpy as np
import pytest

from captcha_stateless.render import TileRenderer, default_typefaces
from captcha_stateless.render.atlas import Atlas, build_atlas, cell_side
from captcha_stateless.render.bed import Bed, build_bed
from captcha_stateless.render.chance import draw_words
from captcha_stateless.render.families import FAMILIES, Family
from captcha_stateless.render.inks import CLEARS, INDEX_BITS, Pen
from captcha_stateless.render.tiles import TILE_WORDS
from captcha_stateless.render.warp import build_warp, sample_basis
from tests.render.pictures import ALPHABET, GLYPHS, SECRET, indices

FACES = default_typefaces()[:3]
COLLAGES = [name for name, family in FAMILIES.items() if family.foreign]
SIZE = 96


def pen(family: Family, ink_texels: float) -> Pen:
    return Pen(family.tones, family.glints, family.pen * ink_texels / family.fill)


def atlas(family: Family) -> Atlas:
    side = cell_side(SIZE * family.fill)
    return build_atlas(
        FACES, ALPHABET, side=side, pen=pen(family, round(side * 7 / 16)), inks=family.inks, natural=False
    )


def bed(family: Family, secret: bytes = SECRET) -> Bed:
    cells = atlas(family)
    return build_bed(cells, FACES, family, pen(family, cells.ink), secret)


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
    touching = np.any([(edge & INDEX_BITS == INDEX_BITS).any(1) for edge in edges], axis=0)
    assert touching.mean() < 0.15


@pytest.mark.parametrize("name", COLLAGES)
def test_a_glyphs_inside_hides_the_bed(name: str) -> None:
    """Where the glyph marks its inside, a tile shows the glyph's own index, whatever lies behind."""
    cells = atlas(FAMILIES[name])
    marked = cells.texels.reshape(-1, cells.side, cells.side)[1:2].copy()
    place = np.stack(np.meshgrid(np.arange(cells.side), np.arange(cells.side)))[None].astype(np.int32)

    merged = marked.copy()
    bed(FAMILIES[name]).merge(merged[None], place[None], [[0]], draw_words(b"seed", 1, 2)[None])

    inside = marked >= CLEARS
    assert inside.any()
    assert np.array_equal(merged[inside], marked[inside])
    assert (merged[~inside] != marked[~inside]).any()


@pytest.mark.parametrize("name", COLLAGES)
def test_every_place_of_a_warp_lies_on_the_bed(name: str) -> None:
    sheet = bed(FAMILIES[name])
    cells = atlas(FAMILIES[name])
    low, high = cells.side / 2 - cells.reach, cells.side / 2 + cells.reach
    least, most = np.zeros((1, 2), np.uint16), np.full((1, 2), 65535, np.uint16)
    tile = np.zeros((1, 2, 2), np.uint8)
    corners = np.array([[[[low, high], [low, high]], [[low, low], [high, high]]]]).astype(np.int32)

    for words in (least, most):
        sheet.merge(tile[None], corners[None], [[0]], words[None])

    first = sheet.reach - sheet.centre + int(low)
    last = sheet.side - 2 * sheet.reach - 1 + sheet.reach - sheet.centre + int(high)
    assert first >= 0
    assert last < sheet.side


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
