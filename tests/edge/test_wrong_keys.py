"""A replica with another key ring than the rest: how that shows, as docs/upgrade.md says."""

import subprocess
import sys
import time
from pathlib import Path

import httpx

from captcha_stateless.tokens import keys
from tests.edge.conftest import settings_in
from tests.live import free_port, live_server
from tests.replay.servers import RedisServer


def test_with_redis_it_does_not_start_and_says_why(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path / "redis")
    environ = {**settings_in(tmp_path), "CAPTCHA_REPLAY": redis.url}
    keys.save(tmp_path / "other.json", keys.fresh_ring(int(time.time())), overwrite=False)
    with live_server(environ=environ):
        command = [sys.executable, "-m", "captcha_stateless", "serve", "--port", str(free_port())]
        wrong = {**environ, "CAPTCHA_KEYS": str(tmp_path / "other.json"), "CAPTCHA_FAMILY": "filled"}
        ended = subprocess.run(command, env=wrong, capture_output=True, text=True, timeout=60)
    redis.end()

    assert ended.returncode != 0
    assert "belong to a filter with other settings or another key" in ended.stdout + ended.stderr


def test_without_redis_its_tokens_are_none_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with (
        live_server(environ=settings_in(tmp_path / "one")) as one,
        live_server(environ=settings_in(tmp_path / "two")) as two,
    ):
        token = httpx.post(f"{one.url}/api/challenge").json()["challenge"]
        headers = {"X-Captcha-Challenge": token}
        told = httpx.post(f"{two.url}/api/challenge", headers=headers, json={"answer": [True] * 9})
        counted = httpx.get(f"{two.url}/metrics").text

    assert (told.status_code, told.json()["error"]) == (400, "Unable to parse challenge token")
    assert 'captcha_refusals_total{protocol="onecaptcha",reason="bad-token"} 1.0' in counted
