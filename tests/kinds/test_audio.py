"""Audio: six digits to hear and type."""

import wave
from io import BytesIO
from typing import ClassVar

import pytest

from captcha_stateless.errors import BadRequest
from captcha_stateless.kinds.audio import Audio
from captcha_stateless.kinds.base import Kind
from captcha_stateless.kinds.grid import Grid
from captcha_stateless.sound import Speaker
from tests.kinds.contract import SEEDS, KindContract


class TestAudio(KindContract):
    name: ClassVar[str] = "audio"
    wanted: ClassVar = [{}, {"language": "en", "seconds": 60}]
    unknown: ClassVar = {"language": "xx"}
    malformed: ClassVar = [None, 1, [], {}, "", "x" * 65]

    def test_six_digits_are_said_as_a_wav(self, kind: Kind) -> None:
        challenge = kind.draw(SEEDS[0], kind.plan({}))
        (content,) = kind.render(challenge)

        with wave.open(BytesIO(content)) as file:
            assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 8_000, 1)
            assert 5 < file.getnframes() / 8_000 < 16
        assert len(challenge.spoken) == 6

    @pytest.mark.parametrize("wanted", [{"seconds": 5}, {"seconds": 121}, {"seconds": "60"}, {"digits": 6}])
    def test_what_cannot_be_said_is_a_bad_request(self, kind: Kind, wanted: dict[str, str | int]) -> None:
        with pytest.raises(BadRequest):
            kind.plan(wanted)

    def test_without_a_voice_there_is_no_challenge(self) -> None:
        with pytest.raises(BadRequest, match="no recordings"):
            Audio(Speaker({}, b"secret")).plan({})

    def test_another_language_is_a_bad_request(self, kind: Kind) -> None:
        with pytest.raises(BadRequest, match="lang must be one of en"):
            kind.speak(kind.draw(SEEDS[0], kind.plan({})), "xx")


def test_a_grid_is_not_heard_and_draws_no_words() -> None:
    grid = Grid({}, {}, {})
    challenge = Audio(Speaker({}, b"")).draw(SEEDS[0], {})

    assert grid.languages == ()
    with pytest.raises(BadRequest):
        grid.speak(challenge, "en")
    with pytest.raises(BadRequest):
        grid.notice("test", {})
