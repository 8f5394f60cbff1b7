"""Two replicas with one key ring, and the powers of whoever holds it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from captcha_stateless import Settings
from captcha_stateless.app import create_engine
from captcha_stateless.engine import Engine
from captcha_stateless.tokens import keys
from tests.live import LiveServer, live_server


@dataclass(frozen=True)
class Fleet:
    """The replicas, their common settings, and an engine with their keys."""

    servers: list[LiveServer]
    environ: dict[str, str]
    engine: Engine

    @property
    def ports(self) -> list[int]:
        return [server.port for server in self.servers]


def settings_in(folder: Path) -> dict[str, str]:
    """Make a key ring, and settings that fit it."""
    keys.save(folder / "keyring.json", keys.fresh_ring(int(time.time()) - 60), overwrite=False)
    return {
        "CAPTCHA_KEYS": str(folder / "keyring.json"),
        "CAPTCHA_REPLAY_DIR": str(folder / "replay"),
        "CAPTCHA_REPLAY_RATE": "100",
        "CAPTCHA_WORK_WAIT_SECONDS": "0",
        "CAPTCHA_METRICS": "true",
        "CAPTCHA_TRUSTED_PROXIES": "127.0.0.1",
    }


def engine_of(environ: dict[str, str]) -> Engine:
    """Make an engine with the keys of a deployment."""
    settings = Settings.load({**environ, "CAPTCHA_METRICS": "false"})
    ring = keys.load(settings.keys)
    return create_engine(settings, lambda: ring)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two replicas; they share a filter, as they would share Redis."""
    environ = settings_in(tmp_path_factory.mktemp("fleet"))
    with ExitStack() as stack:
        servers = [stack.enter_context(live_server(environ=environ)) for _ in range(2)]
        yield Fleet(servers, environ, engine_of(environ))
