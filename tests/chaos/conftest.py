"""Two replicas that share one replay filter, on a file or on Redis."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from captcha_stateless import Settings
from captcha_stateless.app import create_engine
from captcha_stateless.engine import Engine
from captcha_stateless.tokens import keys
from tests.replay.servers import RedisServer


@pytest.fixture(params=["shared", "redis"])
def environ(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings of both replicas: one key ring, and a filter that they share."""
    ring = tmp_path / "keyring.json"
    keys.save(ring, keys.fresh_ring(int(time.time())), overwrite=False)
    common = {"CAPTCHA_KEYS": str(ring), "CAPTCHA_REPLAY_RATE": "100"}
    if request.param == "shared":
        yield {**common, "CAPTCHA_REPLAY": "shared", "CAPTCHA_REPLAY_DIR": str(tmp_path / "replay")}
        return
    server = RedisServer(tmp_path / "redis", "--maxmemory-policy", "noeviction")
    try:
        yield {**common, "CAPTCHA_REPLAY": server.url}
    finally:
        server.end()


def engine_of(environ: Mapping[str, str]) -> Engine:
    """Make an engine with the replicas' keys."""
    settings = Settings.load(environ)
    ring = keys.load(settings.keys)
    return create_engine(settings, lambda: ring)
