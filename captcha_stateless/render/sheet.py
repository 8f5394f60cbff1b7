"""Contact sheets: many pictures on one, to look at."""

import io
from collections.abc import Sequence

from PIL import Image

_GAP = 6


def contact_sheet(pngs: Sequence[bytes], *, columns: int) -> bytes:
    """Return one PNG with all pictures, in rows of ``columns``, on white."""
    pictures = [Image.open(io.BytesIO(png)).convert("RGB") for png in pngs]
    width, height = (max(sides) + _GAP for sides in zip(*(picture.size for picture in pictures), strict=True))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        sheet.paste(picture, (column * width + _GAP, row * height + _GAP))
    out = io.BytesIO()
    sheet.save(out, "PNG", optimize=True)
    return out.getvalue()
