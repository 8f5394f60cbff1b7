"""Text: what is drawn, what is said instead, and what counts as an answer."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PIL import Image

from captcha_stateless import Settings
from captcha_stateless.errors import BadAnswer, BadRequest, Misconfigured
from captcha_stateless.kinds.base import Kind
from captcha_stateless.kinds.spoken import NO_TEXT, NOT_TEXT, TOO_LONG
from captcha_stateless.kinds.text import Text
from captcha_stateless.sound import Speaker
from tests.kinds.contract import KEY, SEEDS, KindContract

SMALL = {"width": 350, "height": 100}
PLAIN = {**SMALL, "background": False, "foreground": False}


class TestText(KindContract):
    name: ClassVar[str] = "text"
    wanted: ClassVar = [{}, SMALL, {**PLAIN, "theme": "dark", "length": 8}, {**SMALL, "length": 4}]
    unknown: ClassVar = {"theme": "pink"}
    malformed: ClassVar = [None, 1, True, [], {}, "", "  \t\n", "x" * 65, "x" * 1_000_000]

    @pytest.mark.parametrize("length", range(4, 9))
    def test_four_to_eight_characters_are_drawn(self, kind: Kind, length: int) -> None:
        assert len(kind.draw(SEEDS[0], kind.plan({"length": length})).shown) == length

    @pytest.mark.parametrize(("width", "height"), [(600, 200), (350, 100), (64, 32), (1000, 60)])
    def test_a_picture_has_the_size_that_is_asked_for(self, kind: Kind, width: int, height: int) -> None:
        assert opened(kind, {"width": width, "height": height}).size == (width, height)

    def test_the_themes_are_light_and_dark(self, kind: Kind) -> None:
        light, dark = (ground(kind, theme) for theme in ("light", "dark"))

        assert light > 180
        assert dark < 100

    def test_each_noise_is_switched_on_its_own(self, kind: Kind) -> None:
        pictures = {
            kind.render(kind.draw(SEEDS[0], kind.plan({**SMALL, "background": back, "foreground": fore})))
            for back in (False, True)
            for fore in (False, True)
        }

        assert len(pictures) == 4

    @pytest.mark.parametrize(
        "wanted",
        [
            {"length": 3},
            {"length": 9},
            {"length": "6"},
            {"length": True},
            {"width": 63},
            {"height": 2000},
            {"background": 1},
            {"seconds": 0},
            {"digits": 1},
            {"colour": "red"},
            {"profile": "pretty"},
            {"profile": 1},
            {"theme": ["light"]},
        ],
    )
    def test_what_cannot_be_drawn_is_a_bad_request(self, kind: Kind, wanted: Mapping[str, Any]) -> None:
        with pytest.raises(BadRequest):
            kind.plan(wanted)

    def test_case_and_space_do_not_matter(self, kind: Kind) -> None:
        params = kind.plan({})

        normals = {
            kind.normal(answer, params)
            for answer in ("Ab3kYw", "aB3KyW", "  Ab3kYw\n", "\uff21b3kYw", "Ab3 kYw")
        }

        assert normals == {b"ab3kyw"}

    def test_digits_of_any_script_are_digits(self, kind: Kind) -> None:
        assert kind.normal("٣٤ १२ 56", kind.plan({})) == b"341256"

    @pytest.mark.parametrize(("answer", "problem"), [(1, NOT_TEXT), (" ", NO_TEXT), ("x" * 65, TOO_LONG)])
    def test_a_malformed_answer_is_named(self, kind: Kind, answer: object, problem: str) -> None:
        with pytest.raises(BadAnswer, match=problem):
            kind.normal(answer, kind.plan({}))

    def test_what_is_said_is_another_right_answer(self, kind: Kind) -> None:
        params = kind.plan({"digits": 6})
        challenge = kind.draw(SEEDS[0], params)

        said = kind.normal("".join(challenge.spoken), params)

        assert len(challenge.spoken) == 6
        assert said != kind.normal("".join(challenge.shown), params)
        assert kind.check(KEY, self.claims(kind, SEEDS[0], params), said)

    def test_without_digits_one_answer_is_right(self, kind: Kind) -> None:
        challenge = kind.draw(SEEDS[0], kind.plan({"digits": 0}))

        assert (challenge.spoken, len(challenge.answers)) == ((), 1)
        with pytest.raises(BadRequest):
            kind.speak(challenge, "en")

    def test_without_a_voice_no_digits_are_planned(self) -> None:
        text = Text(alphabet="abc", typefaces=(), look={}, speaker=Speaker({}, b"secret"), secret=b"secret")

        assert text.plan({})["digits"] == 0
        assert text.languages == ()

    def test_its_time_is_its_protocols(self, kind: Kind) -> None:
        ladder = kind.ladder(kind.plan({"seconds": 600}))

        assert (ladder.seconds, ladder.extendable) == ((600,), False)

    def test_every_character_is_drawn(self, kind: Kind) -> None:
        params = kind.plan({"length": 8})

        drawn = {glyph for number in range(200) for glyph in kind.draw(bytes([number]) * 16, params).shown}

        assert drawn == set(Settings().text_alphabet)

    def test_no_look_alikes_are_in_the_alphabet(self) -> None:
        assert not set("0OoQ1IilJj|5S8Z69q") & set(Settings().text_alphabet)

    def test_more_sizes_than_are_kept_are_drawn_all_the_same(self, kind: Kind) -> None:
        sizes = [(width, 32) for width in range(64, 76, 2)]

        drawn = [opened(kind, {"width": width, "height": height}).size for width, height in sizes * 2]

        assert drawn == sizes * 2

    def test_a_notice_is_a_picture_of_that_size(self, kind: Kind) -> None:
        picture = Image.open(io.BytesIO(kind.notice("test", kind.plan(SMALL))))

        assert picture.size == (350, 100)

    @pytest.mark.parametrize("alphabet", ["", "A", "AA", "Aa", "A\u0000"])
    def test_an_alphabet_that_cannot_serve_is_refused(self, alphabet: str) -> None:
        with pytest.raises(Misconfigured):
            text = Text.from_settings(Settings(text_alphabet=alphabet), b"secret")
            text.notice("test", text.plan(SMALL))

    def test_a_character_that_no_typeface_has_is_told_before_a_picture_is_asked_for(self) -> None:
        with pytest.raises(Misconfigured, match="no glyph for 'あ'"):
            Text.from_settings(Settings(text_alphabet="ABCあ"), b"secret")

    def test_the_settings_choose_the_look(self) -> None:
        text = Text.from_settings(
            Settings(text_length=4, text_theme="dark", text_background_noise=False), b"secret"
        )

        plan = text.plan({})

        assert (plan["length"], plan["theme"], plan["background"], plan["foreground"]) == (
            4,
            "dark",
            False,
            True,
        )

    def test_the_profiles_are_drawn_differently(self, kind: Kind) -> None:
        outline, clear = (
            kind.render(kind.draw(SEEDS[0], kind.plan({**SMALL, "profile": profile})))
            for profile in ("outline", "clear")
        )

        assert outline != clear
        assert kind.plan({})["profile"] == "outline"

    def test_a_token_of_before_there_were_profiles_is_drawn_as_it_was_shown(self, kind: Kind) -> None:
        clear = kind.plan({**SMALL, "profile": "clear"})
        old = {name: value for name, value in clear.items() if name != "profile"}

        assert kind.render(kind.draw(SEEDS[0], old)) == kind.render(kind.draw(SEEDS[0], clear))

    def test_the_typefaces_are_the_settings_ones(self, tmp_path: Path) -> None:
        with pytest.raises(Misconfigured):
            Text.from_settings(Settings(typefaces=tmp_path), b"secret")


def opened(kind: Kind, wanted: Mapping[str, Any]) -> Image.Image:
    (png,) = kind.render(kind.draw(SEEDS[0], kind.plan(wanted)))
    return Image.open(io.BytesIO(png))


def ground(kind: Kind, theme: str) -> int:
    pixel = opened(kind, {**PLAIN, "theme": theme}).convert("L").getpixel((0, 0))
    assert isinstance(pixel, int)
    return pixel
