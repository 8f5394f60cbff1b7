"""Contact sheets."""

from captcha_stateless.render import TileRenderer, contact_sheet
from tests.render.pictures import GLYPHS, opened


def test_a_sheet_shows_every_picture_where_it_belongs(filled: TileRenderer) -> None:
    tiles = filled.tiles(GLYPHS, b"seed")

    sheet = opened(contact_sheet(tiles, columns=4)).convert("RGB")

    assert sheet.size == (4 * 70 + 6, 3 * 70 + 6)
    assert sheet.crop((76, 146, 140, 210)).tobytes() == opened(tiles[9]).convert("RGB").tobytes()
