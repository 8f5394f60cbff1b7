"""What the doctor says of the replay filter: its room, and the clock."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from captcha_stateless.cli.doctor_checks import examine
from captcha_stateless.tokens import keys
from tests.replay.servers import RedisServer


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", "--maxmemory", "100mb")
    yield server
    server.end()


def wrong(folder: Path, replay: str, *, ahead_seconds: float = 0) -> list[str]:
    """Tell what the doctor objects to."""
    if not (folder / "keyring.json").exists():
        keys.save(folder / "keyring.json", keys.fresh_ring(int(time.time()) - 60), overwrite=False)
    environ = {"CAPTCHA_KEYS": str(folder / "keyring.json"), "CAPTCHA_REPLAY": replay}
    found = examine(environ, now=time.time() + ahead_seconds)
    return [finding.text for finding in found if finding.grade == "wrong"]


def test_a_clock_that_agrees_is_good(redis: RedisServer, tmp_path: Path) -> None:
    assert wrong(tmp_path, redis.url) == []


@pytest.mark.parametrize(("ahead", "told"), [(3, "ahead of Redis'"), (-20, "behind Redis'")])
def test_a_clock_that_is_off_is_told(redis: RedisServer, tmp_path: Path, ahead: float, told: str) -> None:
    (text,) = wrong(tmp_path, redis.url, ahead_seconds=ahead)

    assert told in text
    assert "time server" in text


def test_a_filter_that_is_nearly_full_is_told(redis: RedisServer, tmp_path: Path) -> None:
    redis.admin.set("other", bytes(40_000_000))  # beside it, what a connection takes is little
    wrong(tmp_path, redis.url)
    used = redis.admin.info("memory")["used_memory"]
    redis.ask("CONFIG", "SET", "maxmemory", int(used * 1.1))

    assert wrong(tmp_path, redis.url) == [
        "The replay filter is nearly full: raise CAPTCHA_REPLAY_RATE, or Redis' maxmemory."
    ]


def test_a_password_that_is_misread_is_told_what_to_write(tmp_path: Path) -> None:
    (text,) = wrong(tmp_path, "redis://:pass#word@redis:6379/0")

    assert text.startswith("CAPTCHA_REPLAY")
    assert "%23 for #" in text
    assert "pass#word" not in text


def test_the_doctor_tells_of_crawlers_lists_that_are_old(tmp_path: Path) -> None:
    keys.save(tmp_path / "keyring.json", keys.fresh_ring(int(time.time()) - 60), overwrite=False)
    listed = tmp_path / "crawlers.txt"
    listed.write_text("googlebot 66.249.64.0/27\nbingbot 40.77.167.0/24\n")
    environ = {
        "CAPTCHA_KEYS": str(tmp_path / "keyring.json"),
        "CAPTCHA_REPLAY": "memory",
        "CAPTCHA_CRAWLERS": str(listed),
    }

    def told() -> list[str]:
        return [each.text for each in examine(environ, now=time.time()) if str(listed) in each.text]

    fresh = told()
    os.utime(listed, times=(0, time.time() - 40 * 86_400))

    assert fresh == [f"{listed} holds the networks of 2 crawlers."]
    assert f"{listed} is 40 days old: run `captcha-stateless rules refresh` every week." in told()
