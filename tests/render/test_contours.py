"""Lines of text in the default look: contours in front of foreign ones, lapping, and interrupted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render import LineRenderer, default_typefaces
from captcha_stateless.render.chance import draw_words
from captcha_stateless.render.deflate import deflate_zlib
from captcha_stateless.render.inks import CLEARS, INDEX_BITS
from captcha_stateless.render.lines import LINE_WORDS, Theme
from tests.render.pictures import ALPHABET, SECRET, indices, opened, palette
from tests.render.test_colours import SIGHTS, contrast


def renderer(width: int = 350, height: int = 100, **options: object) -> LineRenderer:
    given: dict[str, object] = {"alphabet": ALPHABET, "typefaces": default_typefaces(), "secret": SECRET}
    return LineRenderer(width=width, height=height, **{**given, **options})  # type: ignore[arg-type]


#: The index of a contour's line; below it are its edge, and the ground.
LINE = 2
SMALL, LARGE = renderer(), renderer(600, 200)


def test_it_is_the_default() -> None:
    assert SMALL.line("CAKE", b"seed") == renderer(look="outline").line("CAKE", b"seed")
    assert SMALL.line("CAKE", b"seed") != renderer(look="clear").line("CAKE", b"seed")


def test_a_look_that_is_not_there_is_refused() -> None:
    with pytest.raises(Misconfigured, match="choose one of outline, clear"):
        renderer(look="pretty")


@pytest.mark.parametrize(("width", "height"), [(600, 200), (350, 100), (300, 300), (64, 32), (1024, 32)])
def test_pillow_opens_every_line(width: int, height: int) -> None:
    picture = opened(renderer(width, height).line("CAKE", b"seed"))

    assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (width, height))


@given(text=st.text(ALPHABET, min_size=1, max_size=12), seed=st.binary(min_size=1, max_size=32))
def test_no_character_touches_an_edge_from_outside(text: str, seed: bytes) -> None:
    picture = indices(SMALL.line(text, seed, background_noise=False, foreground_noise=False))

    assert not (picture[[0, -1]] == LINE).any()
    assert not (picture[:, [0, -1]] == LINE).any()


@pytest.mark.parametrize("length", range(4, 9))
def test_characters_lap_over_each_other(length: int) -> None:
    """Blank columns between characters, at which a machine could cut: at most one pair in ten has some."""
    gaps = 0
    for number in range(40):
        text, words = (
            ("MWAHLTKUXN7E" * 2)[number % 12 :][:length],
            draw_words(b"%d" % number, length + 1, LINE_WORDS),
        )
        columns = SMALL.indices(text, words, False, False).max(0) > 0
        gaps += int((columns[:-1] & ~columns[1:]).sum()) - 1

    assert gaps <= 40 * (length - 1) * 0.1


def test_where_two_lap_both_contours_show() -> None:
    """Otherwise the one behind would lose its shape, which people need more than machines do."""
    words = draw_words(b"seed", 7, LINE_WORDS)
    apart, together = LARGE.characters("WMRK37", words), LARGE.indices("WMRK37", words, False, False)

    drawn, shown = int(((apart & INDEX_BITS) == LINE).sum()), int((together == LINE).sum())

    assert 0.9 * drawn < shown <= drawn


def test_the_inside_of_a_character_hides_what_lies_behind() -> None:
    words = draw_words(b"seed", 7, LINE_WORDS)
    plain, crowded = (LARGE.indices("WMRK37", words, behind, False) for behind in (False, True))
    canvas = np.zeros_like(plain)
    LARGE._write(canvas, "WMRK37", words)
    inside = canvas >= CLEARS

    assert (crowded[~inside] > plain[~inside]).any()
    assert np.array_equal(crowded[inside], plain[inside])


def test_foreign_contours_are_everywhere() -> None:
    """A corner without any would tell where the text is not."""
    words = draw_words(b"seed", 2, LINE_WORDS)
    crowded = LARGE.indices("L", words, True, False)
    shares = [np.mean(part > 0) for rows in np.split(crowded, 2) for part in np.split(rows, 6, 1)]

    assert min(shares) > 0.03


@pytest.mark.parametrize("lines", [SMALL, LARGE], ids=["small", "large"])
def test_no_letter_stands_on_bare_ground(lines: LineRenderer) -> None:
    """Where little lies behind it a program reads a letter; where much does, a person no longer."""
    plane, side = lines._clutter._behind.indices > 0, lines._tile(6)  # type: ignore[attr-defined]
    shares = [
        plane[top : top + side, left : left + side].mean()
        for top in range(0, len(plane) - side, side)
        for left in range(0, plane.shape[1] - side, side)
    ]

    assert min(shares) > 0.6 * np.median(shares)
    assert max(shares) < 1.4 * np.median(shares)


def test_foreign_contours_know_nothing_of_the_answer() -> None:
    words = draw_words(b"seed", 5, LINE_WORDS)
    cake, tarn = (LARGE.indices(text, words, True, False) for text in ("CAKE", "TARN"))
    outside = np.ones(cake.shape, bool)
    for text in ("CAKE", "TARN"):
        canvas = np.zeros_like(cake)
        LARGE._write(canvas, text, words)
        outside &= canvas == 0

    assert outside.mean() > 0.4
    assert np.array_equal(cake[outside], tarn[outside])


def test_gaps_interrupt_contours_and_leave_most_of_them() -> None:
    lost = []
    for number in range(40):
        words = draw_words(b"%d" % number, 7, LINE_WORDS)
        whole, cut = (LARGE.indices("WMRK37", words, False, across) for across in (False, True))
        assert not (cut > whole).any()
        lost.append(1 - (cut > 0).sum() / (whole > 0).sum())

    assert 0.005 < np.mean(lost) < 0.06
    assert max(lost) < 0.15


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_contour_has_contrast_with_the_ground(theme: Theme) -> None:
    """Success criterion 1.4.3 of WCAG 2.2."""
    for number in range(50):
        colours = palette(SMALL.line("CAKE", b"seed %d" % number, theme=theme))

        assert (sum(colours[-1]) < sum(colours[0])) is (theme == "light")
        assert min(contrast(colours[0], colours[LINE], sight) for sight in SIGHTS) >= 4.5


def test_no_contour_is_thinner_than_two_pixels() -> None:
    """In a small picture the pen would be a pixel and a half, and fall to pieces."""
    picture = indices(SMALL.line("HHHHHH", b"seed", background_noise=False, foreground_noise=False)) == LINE
    middle = picture[40:60]
    runs = [len(run) for row in middle for run in "".join("x" if ink else " " for ink in row).split()]

    assert np.median(runs) >= 2


def test_a_line_takes_at_most_20_kilobytes() -> None:
    sizes = [len(LARGE.line("WMRK37", b"seed %d" % number)) for number in range(100)]

    assert max(sizes) <= 20_000


def test_pixels_are_the_same_with_either_deflate() -> None:
    other = renderer(deflate=deflate_zlib)

    assert np.array_equal(indices(other.line("CAKE", b"seed")), indices(SMALL.line("CAKE", b"seed")))
