"""The grid: what is drawn, and what counts as an answer."""

from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image

from captcha_stateless import Settings
from captcha_stateless.errors import BadAnswer, BadRequest, Misconfigured
from captcha_stateless.kinds.base import Kind
from captcha_stateless.kinds.grid import NOT_AN_ARRAY, NOT_BOOLEANS, WRONG_LENGTH, Grid
from captcha_stateless.kinds.lookalikes import NEVER_WITH
from tests.kinds.contract import SEEDS, KindContract

HUMANE = {"profile": "humane"}
CLASSIC = {"profile": "classic"}
NINE = [True, False] * 4 + [True]


class TestGrid(KindContract):
    name: ClassVar[str] = "grid"
    wanted: ClassVar = [HUMANE, CLASSIC, {"profile": "lenient"}, {"profile": "strict"}]
    unknown: ClassVar = {"profile": "other"}
    malformed: ClassVar = [
        None,
        "text",
        1,
        {},
        [],
        [True] * 8,
        [True] * 10,
        [1] * 9,
        ["true"] * 9,
        [None] * 9,
    ]

    def test_nine_tiles_and_the_expected_one_are_shown(self, kind: Kind) -> None:
        challenge = kind.draw(SEEDS[0], HUMANE)

        assert len(challenge.shown) == len(kind.render(challenge)) == 10

    def test_exactly_the_matches_show_the_expected_character(self, kind: Kind) -> None:
        for seed in SEEDS:
            challenge = kind.draw(seed, HUMANE)
            expected, *nine = challenge.shown
            assert kind.tell(challenge) == [glyph == expected for glyph in nine]

    def test_humane_has_two_to_six_matches(self, kind: Kind) -> None:
        counts = Counter(self.matches(kind, number, HUMANE) for number in range(600))

        assert set(counts) == {2, 3, 4, 5, 6}

    def test_classic_has_nought_to_nine_matches(self, kind: Kind) -> None:
        counts = Counter(self.matches(kind, number, CLASSIC) for number in range(3_000))

        assert set(counts) == set(range(10))

    def test_every_set_of_matches_is_as_likely_as_the_others(self, kind: Kind) -> None:
        """The blind floor is 1 in 456 only if no answer is more likely than another; chi-squared with 455 degrees."""
        rounds = 456 * 20
        answers = Counter(kind.draw(number.to_bytes(4, "big"), HUMANE).answers for number in range(rounds))

        chi_squared = sum((count - 20) ** 2 / 20 for count in answers.values())

        assert len(answers) == 456
        assert chi_squared < 455 + 5 * (2 * 455) ** 0.5

    def test_classic_draws_the_originals_two_characters(self, kind: Kind) -> None:
        assert set("".join("".join(kind.draw(seed, CLASSIC).shown) for seed in SEEDS)) == {"1", "l"}

    def test_lookalikes_of_the_expected_character_are_never_shown(self) -> None:
        grid = Grid.from_settings(Settings(alphabet="4ATKXEF7"), b"secret")

        for seed in SEEDS:
            expected, *nine = grid.draw(seed, HUMANE).shown
            assert not NEVER_WITH[expected] & set(nine)

    def test_an_alphabet_of_lookalikes_is_refused_at_start(self) -> None:
        with pytest.raises(Misconfigured, match="only lookalikes of"):
            Grid.from_settings(Settings(alphabet="UV"), b"secret")

    def test_the_ladders_are_the_documented_ones(self, kind: Kind) -> None:
        assert kind.ladder(HUMANE).seconds == (120, 120)
        assert kind.ladder({"profile": "strict"}).seconds == (120,) * 4
        assert kind.ladder(CLASSIC).seconds == (120, 30, 10, 10, 9, 8, 7, 6, 5, 4, 3, *[2] * 9)

    @pytest.mark.parametrize(
        ("answer", "problem"),
        [("x", NOT_AN_ARRAY), ([True], WRONG_LENGTH), ([0] * 9, NOT_BOOLEANS), (None, NOT_AN_ARRAY)],
    )
    def test_a_malformed_answer_is_named(self, kind: Kind, answer: object, problem: str) -> None:
        with pytest.raises(BadAnswer, match=problem):
            kind.normal(answer, HUMANE)

    def test_the_default_profile_is_the_settings_one(self) -> None:
        grid = Grid.from_settings(Settings(profile="classic"), b"secret")

        assert grid.plan({}) == CLASSIC

    def test_a_family_of_drawing_may_be_asked_for(self, kind: Kind) -> None:
        embossed = kind.plan({"family": "embossed"})

        assert embossed == {"profile": "humane", "family": "embossed"}
        assert kind.render(kind.draw(SEEDS[0], embossed)) != kind.render(kind.draw(SEEDS[0], HUMANE))

    def test_the_default_family_is_the_settings_one(self) -> None:
        grid = Grid.from_settings(Settings(family="filled"), b"secret")

        assert grid.plan({}) == {"profile": "humane", "family": "filled"}
        assert grid.plan({"profile": "lenient"}) == {"profile": "lenient"}
        assert grid.plan({"profile": "classic"}) == CLASSIC

    @pytest.mark.parametrize(
        "wanted", [{"family": "none"}, {"family": "classic"}, {"profile": "classic", "family": "outline"}]
    )
    def test_a_family_that_a_profile_is_not_drawn_in_is_a_bad_request(
        self, kind: Kind, wanted: dict[str, str]
    ) -> None:
        with pytest.raises(BadRequest):
            kind.plan(wanted)

    def test_the_tile_size_is_the_settings_one(self, tmp_path: Path) -> None:
        grid = Grid.from_settings(Settings(tile_size=96), b"secret")
        path = tmp_path / "tile.png"
        path.write_bytes(grid.render(grid.draw(SEEDS[0], HUMANE))[0])

        with Image.open(path) as image:
            assert image.size == (96, 96)

    @pytest.mark.parametrize("alphabet", ["", "A", "AA", "ABA", "A\u0000", "A\ue000"])
    def test_an_alphabet_that_cannot_serve_is_refused_at_start(self, alphabet: str) -> None:
        with pytest.raises(Misconfigured):
            Grid.from_settings(Settings(alphabet=alphabet), b"secret")

    def test_a_folder_without_typefaces_is_refused_at_start(self, tmp_path: Path) -> None:
        with pytest.raises(Misconfigured):
            Grid.from_settings(Settings(typefaces=tmp_path), b"secret")

    def matches(self, kind: Kind, number: int, params: dict[str, str]) -> int:
        return int.from_bytes(kind.draw(number.to_bytes(4, "big"), params).answers[0], "big").bit_count()
