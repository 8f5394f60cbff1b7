"""The families of drawing: every way a glyph may look, as one table of parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

from captcha_stateless.render.inks import INDICES, Ink, Pen

#: Whether ink is darker than its ground, lighter, or now one and now the other.
Polarity: TypeAlias = Literal["dark", "light", "any"]


#: Softens the edges of a filled glyph, in texels: three quarters of a pixel.
_SOFTNESS = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How glyphs are posed, bent, coloured and cluttered; lengths are shares of a tile's side.

    A new look is a new entry below. With ``foreign`` glyphs, the glyph hides what lies behind it: see ``Bed``.
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
    #: How far off centre a glyph may lie at most; less where its size would take it out of the tile, of which a contour
    #: may then touch the edge.
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
    #: How a glyph is inked; of several, each tile takes one.
    inks: tuple[Ink, ...] = ("filled",)
    #: Width of a contour, at scale 1.
    pen: float = 0.0
    #: Palette indices that the lit edges of an embossed glyph take.
    glints: int = 0
    #: Foreign glyphs whose middle lies in a tile, on average; about three in four show.
    foreign: float = 0.0
    #: Curved gaps that begin in a tile, on average, and interrupt every contour: without them a contour's inside is a
    #: region that no line crosses, which a script finds without any training.
    gaps: float = 0.0
    #: Width of a gap.
    gap_width: float = 0.045
    #: Draw the first tile nearly upright, on plain ground: the task is "the same shape as this".
    clear_reference: bool = False

    @property
    def indices(self) -> int:
        """Palette indices that its pictures take: all for soft ink, for a contour only ground, edge and line."""
        return INDICES if "filled" in self.inks else self.tones + self.glints + 2

    def pen_for(self, ink: int) -> Pen:
        """Return the pen for glyphs whose ink takes ``ink`` texels."""
        return Pen(
            self.tones, self.glints, self.pen * ink / self.fill, indices=self.indices, softness=_SOFTNESS
        )

    @property
    def reference(self) -> "Family":
        """The pose of a clear reference."""
        return replace(
            self, rotation_degrees=4, scale=(1.0, 1.1), stretch=0.0, shear=0.0, bend=0.008, shift=0.05
        )


#: The contour of a whole glyph in front of foreign contours, all of one width and colour: nothing but being whole
#: tells the glyph from them, and its inside hides what lies behind.
#: Bends, shears and a second weight cost people least of all that costs a template; strokes across the glyph cost them
#: most, so there are none.
_COLLAGE = Family(
    fill=0.7,
    rotation_degrees=26,
    scale=(0.84, 1.15),
    stretch=0.2,
    shear=0.25,
    bend=0.06,
    shift=0.2,
    tones=1,
    inks=("outline", "swollen"),
    pen=0.024,
    foreign=9.0,
    gaps=0.8,
    gap_width=0.045,
    clear_reference=True,
)

_CALM = replace(_COLLAGE, scale=(0.88, 1.15), shear=0.22, bend=0.052)

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
            clear_reference=True,
        ),
        "outline": _COLLAGE,
        # Two-toned lines are harder to read: calmer poses, and fewer foreign glyphs.
        "embossed": replace(_CALM, inks=("embossed",), glints=2, foreign=5.0, gaps=0.4),
        "mixed": replace(_CALM, inks=("outline", "swollen", "embossed"), glints=2, foreign=8.5),
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
