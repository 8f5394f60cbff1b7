"""Lines of text: sizes, themes, noise, and that every character stays in the picture."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render import LineRenderer, default_typefaces
from captcha_stateless.render.deflate import deflate_zlib
from captcha_stateless.render.lines import Theme
from tests.render.pictures import ALPHABET, SECRET, indices, opened, palette


def renderer(width: int = 350, height: int = 100) -> LineRenderer:
    return LineRenderer(
        alphabet=ALPHABET, typefaces=default_typefaces(), width=width, height=height, secret=SECRET
    )


SMALL = renderer()


def test_same_seed_gives_the_same_line(lines: LineRenderer) -> None:
    assert lines.line("CAKE", b"seed") == lines.line("CAKE", b"seed")


def test_another_seed_gives_another_line(lines: LineRenderer) -> None:
    assert lines.line("CAKE", b"seed") != lines.line("CAKE", b"other seed")


@pytest.mark.parametrize(("width", "height"), [(600, 200), (350, 100), (300, 300), (64, 32), (1000, 60)])
def test_pillow_opens_every_line(width: int, height: int) -> None:
    picture = opened(renderer(width, height).line("CAKE", b"seed"))

    assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (width, height))


@given(text=st.text(ALPHABET, min_size=1, max_size=12), seed=st.binary(min_size=1, max_size=32))
def test_no_character_touches_an_edge_from_outside(text: str, seed: bytes) -> None:
    """Full ink is glyph, never clutter: a character cut by the picture's edge would leave some there."""
    picture = indices(SMALL.line(text, seed))

    assert not (picture[[0, -1]] == 15).any()
    assert not (picture[:, [0, -1]] == 15).any()


@pytest.mark.parametrize("length", range(4, 9))
def test_characters_stand_apart(length: int) -> None:
    """Blank columns between characters: at least three in four gaps stay open."""
    gaps = 0
    for number in range(40):
        text = ("MWAHKUXN" * 2)[number % 8 :][:length]
        picture = indices(
            SMALL.line(text, b"seed %d" % number, background_noise=False, foreground_noise=False)
        )
        inked = picture.max(0) > 0
        gaps += int((inked[:-1] & ~inked[1:]).sum()) - 1

    assert gaps >= 40 * (length - 1) * 0.75


@pytest.mark.parametrize(("theme", "darker"), [("light", True), ("dark", False)])
def test_theme_says_which_is_darker(lines: LineRenderer, theme: Theme, darker: bool) -> None:
    colours = palette(lines.line("CAKE", b"seed", theme=theme))

    assert (sum(colours[-1]) < sum(colours[0])) is darker


def test_without_noise_there_is_nothing_but_characters(lines: LineRenderer) -> None:
    plain = indices(lines.line("CAKE", b"seed", background_noise=False, foreground_noise=False))

    assert set(np.unique(plain)) == {0, *range(4, 16)}
    assert not plain[:, 0].any()


def test_noise_changes_only_what_is_not_character(lines: LineRenderer) -> None:
    plain = indices(lines.line("CAKE", b"seed", background_noise=False, foreground_noise=False))
    noisy = indices(lines.line("CAKE", b"seed"))

    assert (noisy >= plain).all()
    assert np.array_equal(noisy == 15, plain == 15)


def test_background_noise_is_ground_tones(lines: LineRenderer) -> None:
    plain = indices(lines.line("CAKE", b"seed", background_noise=False, foreground_noise=False))
    ground = indices(lines.line("CAKE", b"seed", foreground_noise=False))

    assert set(np.unique(ground[plain == 0])) == {0, 1, 2, 3}


def test_foreground_noise_is_strokes(lines: LineRenderer) -> None:
    plain = indices(lines.line("CAKE", b"seed", background_noise=False, foreground_noise=False))
    crossed = indices(lines.line("CAKE", b"seed", background_noise=False))

    assert 0.001 < np.mean(crossed != plain) < 0.2


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
