"""Which filter the settings ask for, and where a host's own lies."""

import time
from pathlib import Path

import pytest

from captcha_stateless.replay import factory
from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.fallback import FallbackReplay
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.replay.redis import RedisReplay
from captcha_stateless.replay.shared import SharedReplay
from captcha_stateless.settings import Settings
from tests.replay.contract import KEY


@pytest.mark.parametrize(
    ("environ", "made"),
    [
        ({"CAPTCHA_REPLAY": "memory"}, MemoryReplay),
        ({"CAPTCHA_REPLAY": "redis://127.0.0.1:1/0"}, RedisReplay),
        ({"CAPTCHA_REPLAY": "redis://127.0.0.1:1/0", "CAPTCHA_REPLAY_ON_DOWN": "local"}, FallbackReplay),
    ],
    ids=["memory", "redis", "redis, or alone"],
)
def test_the_filter_is_the_one_that_is_asked_for(environ: dict[str, str], made: type[Replay]) -> None:
    assert type(factory.create(Settings.load(environ), KEY, time.time())) is made


def test_a_host_s_filter_lies_where_the_settings_say(tmp_path: Path) -> None:
    settings = Settings.load({"CAPTCHA_REPLAY": "shared", "CAPTCHA_REPLAY_DIR": str(tmp_path / "filter")})

    assert isinstance(factory.create(settings, KEY, time.time()), SharedReplay)
    assert list((tmp_path / "filter").iterdir())


def test_without_a_word_its_name_is_the_key_ring_s_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under another name, the new workers of an upgrade would not see what the old ones have spent."""
    monkeypatch.setattr("os.getuid", lambda: 1000)

    assert factory.shared_folder(KEY).name == "captcha-stateless-1000-3323cb445825"
    assert factory.shared_folder(bytes(32)) != factory.shared_folder(KEY)
