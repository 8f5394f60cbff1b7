"""Palettes: ground tones, a ramp and a glyph colour, of proven contrast for every common kind of sight."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from captcha_stateless.render.chance import draw_uniform
from captcha_stateless.render.inks import INDICES

#: Success criterion 1.4.3 of WCAG 2.2, for text of any size.
CONTRAST = 4.5
#: What each row makes of linear red, green and blue: relative luminance by WCAG 2.2, the same as a protanope
#: sees it, and as a deuteranope does (dichromat projections of Viénot, Brettel and Mollon 1999, weighted by
#: the first row). Asking for contrast in all three leaves no pair that only red against green tells apart.
_SIGHTS = np.array([[0.2126, 0.7152, 0.0722], [0.1046, 0.8232, 0.0722], [0.2700, 0.6578, 0.0722]])
#: The last ground tone lies this share of the way from the first to the glyph's colour.
_TONE_SPREAD = 0.2
#: Least and most OKLab lightness, least and most chroma, of pale colours and of deep ones; by ink, and whether
#: there are glints.
_Span: TypeAlias = tuple[float, float, float, float]
_SPANS: Mapping[tuple[str, bool], tuple[_Span, _Span]] = MappingProxyType(
    {
        ("dark", False): ((0.86, 0.97, 0.01, 0.04), (0.24, 0.40, 0.03, 0.07)),
        ("light", False): ((0.86, 0.97, 0.01, 0.04), (0.24, 0.40, 0.03, 0.07)),
        ("dark", True): ((0.74, 0.82, 0.01, 0.05), (0.14, 0.26, 0.02, 0.06)),
        ("light", True): ((0.93, 0.98, 0.01, 0.03), (0.34, 0.44, 0.03, 0.07)),
    }
)
#: Hues on this share of the circle go together.
ARC = 0.22
_HALVES = (slice(0, 3), slice(3, 6))
#: OKLab to the cube roots of cone responses, and those to linear sRGB (Björn Ottosson, "A perceptual color
#: space", 2020).
_OKLAB_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_CONES_TO_SRGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def build_palettes(
    secret: bytes,
    count: int,
    tones: int,
    ink: Literal["dark", "light"],
    *,
    glints: int = 0,
    indices: int = INDICES,
) -> NDArray[np.uint8]:
    """Choose palettes whose glyph colour has contrast 4.5:1 or more against every ground tone.

    The colours are muted, and lie in the order of their hues: neighbours go together, also the last and the first.
    With ``glints``, the lit edges of an embossed glyph, the ground is nearer to the middle, so that both a dark edge and a
    light one show on it.

    Returns:
        (count, indices, 3) sRGB: the ground tones, the glints, the ramp of soft edges, and last the glyph's colour.
    """
    chance = draw_uniform(secret, f"palettes {ink}", 4 * count, 6)
    chance = chance[np.argsort(chance[:, 2], kind="stable")]
    chance[:, 5] = chance[:, 2] + ARC * (chance[:, 5] - 0.5)
    pale, deep = (
        _colours(*span, chance[:, part]) for span, part in zip(_SPANS[ink, glints > 0], _HALVES, strict=True)
    )
    ground, glyph = (pale, deep) if ink == "dark" else (deep, pale)
    shares = _shares(tones, glints, indices)
    mixed = ground[:, None] + (glyph - ground)[:, None] * shares[:, None]
    far = 255.0 if ink == "dark" else 0.0
    for glint in range(glints):
        mixed[:, tones + glint] = ground + (far - ground) * (glint + 1) / glints
    palettes = np.rint(mixed).astype(np.uint8)
    fit = palettes[_contrast(palettes, tones) >= CONTRAST]
    assert len(fit) >= count  # a third of the candidates fit or more, and there are four times as many
    evenly: NDArray[np.uint8] = fit[np.arange(count) * len(fit) // count]
    return evenly


def _shares(tones: int, glints: int, indices: int) -> NDArray[np.float64]:
    """Return how far each index lies from the first ground tone (0) to the glyph's colour (1)."""
    ground = np.linspace(0, _TONE_SPREAD, tones) if tones > 1 else np.zeros(1)
    steps = indices - tones - glints
    ramp = np.arange(1, steps + 1) / steps
    middle = ground.mean()
    return np.concatenate([ground, np.zeros(glints), middle + ramp * (1 - middle)])


def _colours(
    darkest: float, lightest: float, dull: float, vivid: float, chance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return sRGB values (count, 3), 0 to 255, of colours even in OKLab lightness, chroma and hue."""
    lightness = darkest + (lightest - darkest) * chance[:, 0]
    chroma, hue = dull + (vivid - dull) * chance[:, 1], 2 * np.pi * chance[:, 2]
    oklab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], 1)
    linear = np.clip((oklab @ _OKLAB_TO_CONES.T) ** 3 @ _CONES_TO_SRGB.T, 0, 1)
    curve = 1.055 * linear ** (1 / 2.4) - 0.055
    encoded: NDArray[np.float64] = 255 * np.where(linear <= 0.0031308, linear * 12.92, curve)
    return encoded


def _contrast(palettes: NDArray[np.uint8], tones: int) -> NDArray[np.float64]:
    """Return each palette's worst contrast between glyph and ground, over all tones and sights."""
    value = palettes / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    seen = linear @ _SIGHTS.T + 0.05
    ground, glyph = seen[:, :tones], seen[:, -1:]
    worst: NDArray[np.float64] = (np.maximum(ground, glyph) / np.minimum(ground, glyph)).min((1, 2))
    return worst
