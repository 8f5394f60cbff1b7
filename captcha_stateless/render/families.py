"""The families of drawing: every way a glyph may look, as one table of parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

#: Whether ink is darker than its ground, lighter, or now one and now the other.
Polarity: TypeAlias = Literal["dark", "light", "any"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How glyphs are posed, bent, coloured and cluttered; lengths are shares of a tile's side.

    A new look is a new entry below. Glyphs that hide what lies behind them (outlines over a bed of outlines)
    need one more parameter, not another renderer: the atlas adds 16 to the indices of such a glyph and of its
    inside, so that the merge by ``maximum`` lets both win; ``& 15`` after it turns the inside into ground.
    """

    #: The side of the square that holds a glyph's ink at scale 1.
    fill: float
    #: Keep the typeface's own proportions (its em is the square) instead of fitting each glyph's ink.
    natural: bool = False
    #: Whether the reference tile and the others share their typeface.
    shares_typeface: bool = False
    #: Rotation, up to this many degrees to either side.
    rotation_degrees: float = 0.0
    #: Smallest and largest factor of size.
    scale: tuple[float, float] = (1.0, 1.0)
    #: Width to height, up to this share wider or narrower.
    stretch: float = 0.0
    #: Horizontal shift per height, to either side.
    shear: float = 0.0
    #: Elastic bend: how far a point is moved at most.
    bend: float = 0.0
    #: How far off centre a glyph may lie at most; it never leaves the tile, whatever this says.
    shift: float = 1.0
    #: Ground colours, 1 (flat) to 4; they differ softly.
    tones: int = 1
    #: Strokes of clutter that begin in a tile, on average.
    strokes: float = 0.0
    #: Colour of a stroke between ground (0) and glyph (1).
    stroke_tone: float = 0.5
    #: Width of a stroke.
    stroke_width: float = 0.025
    #: Dots of clutter in a tile, on average, and the width of the largest.
    dots: float = 0.0
    dot_width: float = 0.05
    polarity: Polarity = "any"


#: What a grid's tiles may look like, by the name that settings and sealed policy use.
FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "filled": Family(
            fill=0.64,
            rotation_degrees=20,
            scale=(0.88, 1.12),
            stretch=0.1,
            shear=0.1,
            bend=0.035,
            shift=0.16,
            tones=3,
            strokes=1.4,
            stroke_tone=0.45,
        ),
        # The look of the original 1Captcha: 32 px letters, upright, anywhere on a 64 px tile, one typeface.
        "classic": Family(fill=0.5, natural=True, shares_typeface=True, polarity="light"),
    }
)

#: A line of text; each character is drawn as a tile of its own.
LINE = Family(
    fill=0.75,
    rotation_degrees=16,
    scale=(0.8, 0.97),
    stretch=0.08,
    shear=0.2,
    bend=0.045,
    shift=0.1,
    tones=4,
    strokes=0.8,
    stroke_tone=1.0,
    stroke_width=0.022,
    dots=7,
)
#: The blobs behind a line take the lower half of its ground tones, so that small letters show on them.
LINE_GROUND = replace(LINE, tones=2)
#: The small letters behind a line, in the last of its ground tones.
SMALL_LETTERS = Family(
    fill=0.68, rotation_degrees=30, scale=(0.85, 1.1), shear=0.15, bend=0.03, shift=0.15, tones=LINE.tones
)
