"""A grid's tiles: what is drawn, that it is drawn alike everywhere, and what is refused."""

import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from captcha_stateless.errors import Misconfigured
from captcha_stateless.render import FAMILIES, TileRenderer, classic_typeface, default_typefaces
from captcha_stateless.render.chance import draw_words
from captcha_stateless.render.deflate import deflate, deflate_zlib
from captcha_stateless.render.tiles import TILE_WORDS
from tests.render.pictures import ALPHABET, GLYPHS, SECRET, indices, opened, palette

FACES = default_typefaces()


def renderer(
    *,
    alphabet: str = ALPHABET,
    typefaces: tuple[Path, ...] = FACES[:2],
    family: str = "filled",
    size: int = 64,
    secret: bytes = SECRET,
) -> TileRenderer:
    return TileRenderer(alphabet=alphabet, typefaces=typefaces, family=family, size=size, secret=secret)


def test_same_seed_gives_the_same_tiles(filled: TileRenderer) -> None:
    first = filled.tiles(GLYPHS, b"seed")

    assert filled.tiles(GLYPHS, b"seed") == first


def test_two_replicas_give_the_same_tiles(filled: TileRenderer) -> None:
    replica = renderer(typefaces=FACES)

    assert replica.tiles(GLYPHS, b"seed") == filled.tiles(GLYPHS, b"seed")


def test_another_seed_gives_other_tiles(filled: TileRenderer) -> None:
    first, second = filled.tiles(GLYPHS, b"seed"), filled.tiles(GLYPHS, b"other seed")

    assert not set(first) & set(second)


def test_another_secret_gives_other_tiles(filled: TileRenderer) -> None:
    other = renderer(typefaces=FACES, secret=b"another secret")

    assert not set(other.tiles(GLYPHS, b"seed")) & set(filled.tiles(GLYPHS, b"seed"))


def test_equal_glyphs_of_one_challenge_never_look_alike(filled: TileRenderer) -> None:
    tiles = filled.tiles("A" * 10, b"seed")

    assert len(set(tiles)) == 10


def test_a_tile_does_not_depend_on_how_many_follow(filled: TileRenderer) -> None:
    assert filled.tiles(GLYPHS, b"seed")[:3] == filled.tiles(GLYPHS[:3], b"seed")


@pytest.mark.parametrize(("family", "size"), [(family, 64) for family in FAMILIES] + [("outline", 96)])
def test_grids_drawn_together_are_those_drawn_alone(family: str, size: int) -> None:
    """Eleven are more than are drawn at once."""
    drawing = renderer(family=family, size=size)
    asked = [(GLYPHS[number:] + GLYPHS[:number], b"seed %d" % number) for number in range(11)]

    assert drawing.grids(asked) == [drawing.tiles(glyphs, seed) for glyphs, seed in asked]


def test_no_glyphs_give_no_tiles(filled: TileRenderer) -> None:
    assert filled.tiles("", b"seed") == []


def test_a_glyph_out_of_the_alphabet_is_an_error(filled: TileRenderer) -> None:
    with pytest.raises(KeyError):
        filled.tiles("Aé", b"seed")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [32, 64, 96, 130, 256])
def test_pillow_opens_every_tile(family: str, size: int) -> None:
    tiles = renderer(family=family, size=size).tiles(GLYPHS, b"seed")

    assert [(tile.format, tile.mode, tile.size) for tile in map(opened, tiles)] == [
        ("PNG", "P", (size, size))
    ] * 10


def test_pixels_are_those_that_were_drawn(filled: TileRenderer) -> None:
    drawn = filled.indices([GLYPHS], draw_words(b"seed", 10, TILE_WORDS)[None])[0]

    decoded = np.stack([indices(tile) for tile in filled.tiles(GLYPHS, b"seed")])

    assert np.array_equal(decoded, drawn)


def test_pixels_are_the_same_with_either_deflate(filled: TileRenderer) -> None:
    pytest.importorskip("isal")
    other = TileRenderer(
        alphabet=ALPHABET, typefaces=FACES, family="filled", size=64, secret=SECRET, deflate=deflate_zlib
    )

    fast, slow = filled.tiles(GLYPHS, b"seed"), other.tiles(GLYPHS, b"seed")

    assert deflate is not deflate_zlib
    assert fast != slow
    assert [opened(tile).convert("RGB").tobytes() for tile in fast] == [
        opened(tile).convert("RGB").tobytes() for tile in slow
    ]


def test_checksums_hold(filled: TileRenderer) -> None:
    """Pillow skips the checksum of chunks that it does not need; browsers differ in which they test."""
    for tile in filled.tiles(GLYPHS, b"seed"):
        at, names = 8, []
        while at < len(tile):
            length = int.from_bytes(tile[at : at + 4], "big")
            body = tile[at + 4 : at + 8 + length]
            names.append(body[:4])
            assert zlib.crc32(body) == int.from_bytes(tile[at + 8 + length : at + 12 + length], "big")
            at += 12 + length
        assert names == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]


def test_the_references_typeface_is_never_used_again(filled: TileRenderer) -> None:
    for number in range(500):
        words = draw_words(b"seed %d" % number, 10, 1)[:, 0]

        reference, *others = filled.faces(words.tolist())

        assert reference not in others


def test_every_typeface_is_used(filled: TileRenderer) -> None:
    words = draw_words(b"seed", 1000, 1)[:, 0]

    faces = filled.faces(words.tolist())

    assert set(faces) == set(range(len(FACES)))


def test_classic_tiles_share_one_typeface(classic: TileRenderer) -> None:
    words = draw_words(b"seed", 10, 1)[:, 0]

    assert len(set(classic.faces(words.tolist()))) == 1


def test_classic_is_flat_and_light_on_dark(classic: TileRenderer) -> None:
    for tile in classic.tiles(GLYPHS, b"seed"):
        ground, ink = palette(tile)[0], palette(tile)[-1]

        assert sum(ground) < sum(ink)
        assert np.mean(indices(tile) == 0) > 0.7


@pytest.mark.parametrize("size", [64, 96, 256])
@pytest.mark.parametrize("family", [name for name, look in FAMILIES.items() if not look.foreign])
def test_no_glyph_touches_the_edge(family: str, size: int) -> None:
    """Full ink is glyph, never clutter; on the outermost pixels there is none."""
    tiles = renderer(family=family, size=size).tiles("MW" * 200, b"seed")

    for tile in map(indices, tiles):
        inside = tile[1:-1, 1:-1]
        assert (tile == 15).sum() == (inside == 15).sum() > 0


def test_a_tile_at_64_px_takes_little(filled: TileRenderer) -> None:
    sizes = [len(tile) for number in range(100) for tile in filled.tiles(GLYPHS, b"seed %d" % number)]

    assert np.mean(sizes) <= 1300
    assert max(sizes) <= 1700


def test_threads_get_what_one_thread_gets(filled: TileRenderer) -> None:
    seeds = [b"seed %d" % number for number in range(200)]
    serial = [filled.tiles(GLYPHS, seed) for seed in seeds]

    with ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(lambda seed: filled.tiles(GLYPHS, seed), seeds))

    assert threaded == serial


@pytest.mark.parametrize("size", [0, -64, 30, 63, 258, 100_000])
def test_a_size_that_cannot_be_drawn_is_refused(size: int) -> None:
    with pytest.raises(Misconfigured, match=r"use an even number from 32 to 256\.$"):
        renderer(size=size)


@pytest.mark.parametrize(
    ("alphabet", "words"),
    [
        ("", "empty"),
        ("ABA", "'A' more than once"),
        ("A B", "shows nothing"),
        ("A\u200bB", "shows nothing"),
        ("A\nB", "shows nothing"),
        ("A漢", "no glyph for '漢'"),
    ],
)
def test_an_alphabet_that_cannot_be_drawn_is_refused(alphabet: str, words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        renderer(alphabet=alphabet)


def test_an_atlas_that_takes_too_much_memory_is_refused() -> None:
    alphabet = "".join(map(chr, range(0x4E00, 0x4E00 + 2000)))

    with pytest.raises(Misconfigured, match="2 typefaces of 2000 characters take too much memory"):
        renderer(alphabet=alphabet, size=256)


def test_an_unknown_family_is_refused_with_those_there_are() -> None:
    with pytest.raises(Misconfigured, match="choose one of filled, outline, embossed, mixed, classic"):
        renderer(family="baroque")


@pytest.mark.parametrize("typefaces", [(), FACES[:1], (FACES[0], FACES[0])])
def test_filled_needs_two_typefaces(typefaces: tuple[Path, ...]) -> None:
    with pytest.raises(Misconfigured, match="needs 2 typefaces"):
        renderer(typefaces=typefaces)


def test_classic_needs_a_typeface() -> None:
    with pytest.raises(Misconfigured, match="needs 1 typeface"):
        renderer(typefaces=(), family="classic")


def test_a_file_that_is_no_typeface_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "not a typeface.ttf"
    file.write_bytes(b"text")

    with pytest.raises(Misconfigured, match="cannot be read as a typeface"):
        renderer(typefaces=(classic_typeface(), file))
