"""Palettes: contrast by WCAG 2.2, computed here anew, for every sight and every ground tone."""

import cmath
import colorsys
from typing import Literal

import numpy as np
import pytest

from captcha_stateless.render.colours import ARC, build_palettes
from captcha_stateless.render.families import FAMILIES, LINE

Colour = tuple[float, float, float]

#: Viénot, Brettel and Mollon, "Digital video colourmaps for checking the legibility of displays by
#: dichromats" (1999): linear RGB as someone without the long-wave (protanope) or the middle-wave cones
#: (deuteranope) sees it.
SIGHTS: dict[str, tuple[Colour, Colour, Colour]] = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanope": ((0.11238, 0.88762, 0), (0.11238, 0.88762, 0), (0.00401, -0.00401, 1)),
    "deuteranope": ((0.29275, 0.70725, 0), (0.29275, 0.70725, 0), (-0.02234, 0.02234, 1)),
}


def linear(channel: int) -> float:
    share = channel / 255
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def luminance(colour: tuple[int, int, int], sight: str) -> float:
    light = [linear(channel) for channel in colour]
    seen = [sum(weight * value for weight, value in zip(row, light, strict=True)) for row in SIGHTS[sight]]
    return 0.2126 * seen[0] + 0.7152 * seen[1] + 0.0722 * seen[2]


def contrast(first: tuple[int, int, int], second: tuple[int, int, int], sight: str) -> float:
    dark, light = sorted((luminance(first, sight), luminance(second, sight)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast((0, 0, 0), (255, 255, 255), "all cones") == pytest.approx(21)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("ink", ["dark", "light"])
@pytest.mark.parametrize("look", {(look.tones, look.glints) for look in (LINE, *FAMILIES.values())})
def test_every_glyph_stands_out_from_every_ground(
    look: tuple[int, int], ink: Literal["dark", "light"], sight: str
) -> None:
    tones, glints = look
    palettes = build_palettes(b"secret", 512, tones, ink, glints=glints).tolist()

    worst = min(contrast(tone, colours[-1], sight) for colours in palettes for tone in colours[:tones])

    assert worst >= 4.49 if sight != "all cones" else worst >= 4.5


@pytest.mark.parametrize("ink", ["dark", "light"])
def test_ink_is_what_its_name_says(ink: Literal["dark", "light"]) -> None:
    for colours in build_palettes(b"secret", 512, 4, ink).tolist():
        difference = luminance(colours[-1], "all cones") - luminance(colours[0], "all cones")

        assert (difference < 0) is (ink == "dark")


@pytest.mark.parametrize("ink", ["dark", "light"])
def test_lit_edges_lie_on_the_other_side_of_the_ground(ink: Literal["dark", "light"]) -> None:
    for colours in build_palettes(b"secret", 512, 2, ink, glints=2).tolist():
        ground, faint, glint, line = (luminance(colours[at], "all cones") for at in (0, 2, 3, 15))

        assert (line < ground < faint < glint) if ink == "dark" else (line > ground > faint > glint)


def test_palettes_vary() -> None:
    palettes = build_palettes(b"secret", 512, 4, "dark")

    assert len({palette.tobytes() for palette in palettes}) == 512


def test_another_secret_gives_other_palettes() -> None:
    first = {palette.tobytes() for palette in build_palettes(b"secret", 512, 4, "dark")}
    second = {palette.tobytes() for palette in build_palettes(b"another", 512, 4, "dark")}

    assert not first & second


@pytest.mark.parametrize("secret", [b"secret", b"another", b"a third"])
def test_neighbours_are_muted_and_of_one_family(secret: bytes) -> None:
    """Nine tiles once had nine hues, saturated: a grid was hard to look at."""
    for ink in ("dark", "light"):
        palettes = np.concatenate([build_palettes(secret, 512, 1, ink)] * 2)
        for first in range(0, 512, 32):
            together = palettes[first : first + round(512 * ARC)]
            drawn = [
                colorsys.rgb_to_hls(*(channel / 255 for channel in colours[at]))
                for colours in together.tolist()
                for at in (0, 15)
            ]
            # A hue says something where there is colour enough to see it.
            points = [
                cmath.rect(1, 2 * cmath.pi * hue)
                for hue, light, vivid in drawn
                if vivid * min(light, 1 - light) > 0.04
            ]
            middle = sum(points)
            away = sorted(abs(cmath.phase(point / middle)) for point in points)

            assert len(points) > 40
            assert away[int(len(away) * 0.9)] < 0.45 * cmath.pi
            assert max(vivid * 2 * min(light, 1 - light) for _, light, vivid in drawn) < 0.45


def test_every_hue_is_some_grid_s() -> None:
    hues = {
        round(12 * colorsys.rgb_to_hls(*(channel / 255 for channel in colours[15]))[0]) % 12
        for colours in build_palettes(b"secret", 512, 1, "dark").tolist()
    }

    assert len(hues) >= 9
