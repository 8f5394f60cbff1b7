"""Lines of text in the clear look: sizes, themes, noise, and that every character stays in the picture."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render import LineRenderer, default_typefaces
from captcha_stateless.render.chance import Words, draw_words
from captcha_stateless.render.deflate import deflate_zlib
from captcha_stateless.render.lines import LINE_WORDS, Theme
from tests.render.pictures import ALPHABET, SECRET, components, indices, opened, palette
from tests.render.test_colours import SIGHTS, contrast


def renderer(width: int = 350, height: int = 100) -> LineRenderer:
    return LineRenderer(
        alphabet=ALPHABET,
        typefaces=default_typefaces(),
        width=width,
        height=height,
        secret=SECRET,
        look="clear",
    )


SMALL = renderer()


def test_same_seed_gives_the_same_line(lines: LineRenderer) -> None:
    assert lines.line("CAKE", b"seed") == lines.line("CAKE", b"seed")


def test_another_seed_gives_another_line(lines: LineRenderer) -> None:
    assert lines.line("CAKE", b"seed") != lines.line("CAKE", b"other seed")


@pytest.mark.parametrize(("width", "height"), [(600, 200), (350, 100), (300, 300), (64, 32), (1024, 32)])
def test_pillow_opens_every_line(width: int, height: int) -> None:
    picture = opened(renderer(width, height).line("CAKE", b"seed"))

    assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (width, height))


@given(text=st.text(ALPHABET, min_size=1, max_size=12), seed=st.binary(min_size=1, max_size=32))
def test_no_character_touches_an_edge_from_outside(text: str, seed: bytes) -> None:
    """A character cut by the picture's edge would leave full ink there."""
    picture = indices(SMALL.line(text, seed, foreground_noise=False))

    assert not (picture[[0, -1]] == 15).any()
    assert not (picture[:, [0, -1]] == 15).any()


def inked(pictures: NDArray[np.uint8]) -> int:
    return int((pictures >= 8).sum())


def texts(length: int) -> list[tuple[str, Words]]:
    """Texts from wide characters to narrow ones, each with its words of chance."""
    drawn = [draw_words(b"seed %d" % number, length + 1, LINE_WORDS) for number in range(40)]
    return [(("MWAHLTKUXN7E" * 2)[number % 12 :][:length], words) for number, words in enumerate(drawn)]


@pytest.mark.parametrize("length", range(4, 9))
def test_characters_lap_over_each_other(length: int) -> None:
    """Blank columns between characters, at which a machine could cut: at most one pair in four has some."""
    gaps = 0
    for text, words in texts(length):
        columns = SMALL.indices(text, words, False, False).max(0) > 0
        gaps += int((columns[:-1] & ~columns[1:]).sum()) - 1

    assert gaps <= 40 * (length - 1) * 0.25


@pytest.mark.parametrize("length", range(4, 9))
def test_characters_lap_so_little_that_each_keeps_its_shape(length: int) -> None:
    """Ink that lies under other ink, or outside the picture, is lost from the sum of all characters."""
    lost = []
    for text, words in texts(length):
        apart, together = SMALL.characters(text, words), SMALL.indices(text, words, False, False)
        lost.append(1 - inked(together) / inked(apart))

    assert max(lost) < 0.03
    assert np.mean(lost) > 0.001


def test_characters_differ_in_size() -> None:
    """The same letter in the same typeface, over many seeds: the largest is a seventh higher or more."""
    renderer = LineRenderer(
        alphabet="H",
        typefaces=default_typefaces()[:1],
        width=350,
        height=100,
        secret=SECRET,
        look="clear",
    )
    rows = [
        np.sqrt(inked(tile))
        for number in range(10)
        for tile in renderer.characters("HHHHHH", draw_words(b"%d" % number, 7, LINE_WORDS))
    ]

    assert max(rows) / min(rows) > 1.14


@pytest.mark.parametrize(("theme", "darker"), [("light", True), ("dark", False)])
def test_theme_says_which_is_darker(lines: LineRenderer, theme: Theme, darker: bool) -> None:
    colours = palette(lines.line("CAKE", b"seed", theme=theme))

    assert (sum(colours[-1]) < sum(colours[0])) is darker


def test_without_noise_there_is_nothing_but_characters(lines: LineRenderer) -> None:
    plain = indices(lines.line("CAKE", b"seed", background_noise=False, foreground_noise=False))

    assert set(np.unique(plain)) == {0, *range(4, 16)}
    assert not plain[:, 0].any()


def test_background_noise_lies_behind_the_characters(lines: LineRenderer) -> None:
    plain = indices(lines.line("CAKE", b"seed", background_noise=False, foreground_noise=False))
    noisy = indices(lines.line("CAKE", b"seed", foreground_noise=False))

    assert np.array_equal(noisy[plain > 3], plain[plain > 3])
    assert set(np.unique(noisy[plain == 0])) == {0, 1, 2, 3}


def test_background_noise_is_small_letters_in_the_last_tone(lines: LineRenderer) -> None:
    ground = indices(lines.line("CAKE", b"seed", foreground_noise=False))
    letters = np.mean(ground == 3)

    assert 0.05 < letters < 0.2


def test_small_letters_are_the_atlas_s_own() -> None:
    """Where the alphabet is a dash alone, what lies behind the text is wider than high."""
    faces = default_typefaces()
    dashes = LineRenderer(alphabet="-", typefaces=faces, width=600, height=200, secret=SECRET, look="clear")

    tone = indices(dashes.line("-", b"seed", foreground_noise=False)) == 3
    across, down = ((tone[:, 1:] != tone[:, :-1]).sum(), (tone[1:] != tone[:-1]).sum())

    assert down > 1.5 * across


def test_small_letters_know_nothing_of_the_answer(lines: LineRenderer) -> None:
    """What is left out would tell the answer as surely as what is shown."""
    cake, tarn = (indices(lines.line(text, b"seed", foreground_noise=False)) for text in ("CAKE", "TARN"))
    behind = (cake < 4) & (tarn < 4)

    assert np.array_equal(cake[behind], tarn[behind])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_contrast_with_every_tone_behind_it(lines: LineRenderer, theme: Theme) -> None:
    """Success criterion 1.4.3 of WCAG 2.2; the small letters' tone is one of the four."""
    for number in range(50):
        colours = palette(lines.line("CAKE", b"seed %d" % number, theme=theme))

        assert min(contrast(tone, colours[15], sight) for tone in colours[:4] for sight in SIGHTS) >= 4.5


def test_foreground_noise_shows_on_blank_and_on_ink(lines: LineRenderer) -> None:
    plain = indices(lines.line("WMRK34", b"seed", background_noise=False, foreground_noise=False))
    crossed = indices(lines.line("WMRK34", b"seed", background_noise=False))

    assert (crossed[plain == 0] == 15).any()
    assert (crossed[plain == 15] == 0).any()


@pytest.mark.parametrize(("width", "height"), [(600, 200), (350, 100)])
def test_foreground_noise_hides_no_character(width: int, height: int) -> None:
    """Of each character's ink at most a sixth is crossed, and a fiftieth on average."""
    of = renderer(width, height)
    shares = []
    for text, words in texts(6):
        plain, crossed = (of.indices(text, words, False, noise) for noise in (False, True))
        for part in np.array_split(np.arange(width), 6):
            ink = plain[:, part] == 15
            shares += [np.mean(crossed[:, part][ink] < 8)] if ink.sum() > width * height / 50 else []

    assert max(shares) < 1 / 6
    assert 0.01 < np.mean(shares) < 0.06


def test_foreground_noise_is_lines_and_dots(lines: LineRenderer) -> None:
    """Pieces of ink on an empty ground: dots are as wide as they are high, lines are longer than wide."""
    plain = indices(lines.line("L", b"seed", background_noise=False, foreground_noise=False))
    crossed = indices(lines.line("L", b"seed", background_noise=False))
    pieces = components((crossed >= 8) & (plain == 0))

    assert sum(max(high, wide) <= 12 for high, wide in pieces) >= 5
    assert sum(max(high, wide) >= 40 for high, wide in pieces) >= 2


@pytest.mark.parametrize("text", ["", "A" * 13])
def test_a_text_too_long_or_empty_is_an_error(lines: LineRenderer, text: str) -> None:
    with pytest.raises(ValueError, match="1 to 12 characters"):
        lines.line(text, b"seed")


def test_a_line_takes_at_most_40_kilobytes(lines: LineRenderer) -> None:
    sizes = [len(lines.line("WMRK34", b"seed %d" % number)) for number in range(100)]

    assert max(sizes) <= 40_000


def test_pixels_are_the_same_with_either_deflate(lines: LineRenderer) -> None:
    other = LineRenderer(
        alphabet=ALPHABET,
        typefaces=default_typefaces(),
        width=600,
        height=200,
        secret=SECRET,
        look="clear",
        deflate=deflate_zlib,
    )

    assert np.array_equal(indices(other.line("CAKE", b"seed")), indices(lines.line("CAKE", b"seed")))


def test_threads_get_what_one_thread_gets(lines: LineRenderer) -> None:
    seeds = [b"seed %d" % number for number in range(40)]
    serial = [lines.line("CAKE", seed) for seed in seeds]

    with ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(lambda seed: lines.line("CAKE", seed), seeds))

    assert threaded == serial


@pytest.mark.parametrize(("width", "height"), [(0, 100), (601, 200), (600, 20), (600, 2000), (40, 40)])
def test_a_size_that_cannot_be_drawn_is_refused(width: int, height: int) -> None:
    with pytest.raises(Misconfigured, match="pixels cannot be drawn: use an even number from"):
        renderer(width, height)


def test_a_line_needs_a_typeface() -> None:
    with pytest.raises(Misconfigured, match="name one or more"):
        LineRenderer(alphabet=ALPHABET, typefaces=(), width=600, height=200, secret=SECRET)
