"""The looks of a line of text: how its characters are drawn and laid beside each other, and what stands behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from captcha_stateless.render.families import LINE, SMALL_LETTERS, Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look; lengths are shares of a character's tile.

    A new look is a new entry below.
    """

    family: Family
    #: What is foreign to every answer and stands behind it.
    behind: Family
    #: Neighbours lap over each other by a share between these, where they come nearest; below 0 they stand apart.
    laps: tuple[float, float]
    #: Where two shapes would slide into each other (an L and a T), at most this share of the narrower one does.
    deepest: float
    #: Texels for each one that sharp edges would take: contours are soft already, and few texels keep them so.
    detail: float = 1.0
    #: How wide a tile is drawn against its share of the picture's width: letters that lap, or are narrow, leave room.
    width: float = 1.0


_CONTOURS = Family(
    fill=0.75,
    rotation_degrees=16,
    scale=(0.8, 0.97),
    stretch=0.12,
    shear=0.2,
    bend=0.05,
    shift=0.1,
    inks=("outline", "swollen"),
    pen=0.022,
    foreign=4.5,
    gaps=0.7,
    gap_width=0.04,
)

#: By the name that settings use.
LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        # The grid's default, laid on a line: contours, whole but for a few gaps, in front of foreign ones of the same pen,
        # which are smaller and turned any way. Where neighbours lap, both contours show: so each shape stays whole for the
        # eye, and no cut between columns parts them.
        "outline": Look(
            family=_CONTOURS,
            behind=replace(
                _CONTOURS, rotation_degrees=180, scale=(0.8, 1.0), stretch=0.05, shear=0.05, bend=0.02
            ),
            laps=(0.0, 0.07),
            deepest=0.2,
            detail=0.62,
            width=1.08,
        ),
        # Filled letters that barely touch, on soft ground: for whoever wants people to read at ease, for machines do too.
        "clear": Look(family=LINE, behind=SMALL_LETTERS, laps=(-0.01, 0.06), deepest=0.2),
    }
)
