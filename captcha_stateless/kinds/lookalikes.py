"""Characters that people take for one another: a grid never asks to tell them apart."""

from collections.abc import Mapping

#: Pairs. The first line was found by eye on turned and bent contours; the others are the usual confusions of print, of
#: digits and capitals, capitals alone, and small letters, with those that a turn by 25 degrees adds.
_PAIRS = (
    "4A T7 KX EF XY UV MW "
    "0O 0D 0Q 0o 1I 1l 1i 1J 1! 1| 17 2Z 35 38 3B 3E 56 5S 68 6G 6b 6C 89 8B 8S 9g 9q "
    "CG OC OD OQ Oo DQ DO PR PB PF BR BE BD KR HK HM HN MN NZ NW EL LI LT FT IJ TI TJ TY UJ UO VJ Il I! I| l! l| li "
    "cC kK oO pP sS uU vV wW xX yY zZ "
    "ce co oe ao ad dq pq bd bp bh hn nu nm rn rt ft tf uv vy vw vr xk yg gq ij"
)


def _table() -> Mapping[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for pair in _PAIRS.split():
        for one in pair:
            table.setdefault(one, set()).update(pair.replace(one, ""))
    return {one: frozenset(others) for one, others in table.items()}


#: Each character's lookalikes.
NEVER_WITH: Mapping[str, frozenset[str]] = _table()


def apart(expected: str, alphabet: str) -> str:
    """Return the characters of an alphabet that may stand beside ``expected`` without being taken for it."""
    alike = NEVER_WITH.get(expected, frozenset()) | {expected}
    return "".join(one for one in alphabet if one not in alike)
