"""Fixtures: a server in this process, made as a test asks for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.factory import HORIZON_SECONDS
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.replay.shared import SharedReplay
from tests.support import NOW, Server

#: A pytest inside pytest, for the fixture that other people's tests use.
pytest_plugins = ["pytester"]

MakeServer = Callable[..., Server]
KEY = b"a key of the tests, not a secret"


@pytest.fixture
def make_server(tmp_path: Path) -> MakeServer:
    """Make servers; all of one test share a key ring, as replicas do."""

    def make(**options: Any) -> Server:
        return Server(tmp_path, **options)

    return make


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    """Make the default server."""
    return make_server()


@pytest.fixture(params=["memory", "shared"])
def replay(request: pytest.FixtureRequest, tmp_path: Path) -> Replay:
    """Make a filter that forgets nothing, of either sort."""
    options: dict[str, Any] = {
        "key": KEY,
        "now": NOW - 50,
        "horizon_seconds": HORIZON_SECONDS,
        "spends_per_second": 10,
    }
    return MemoryReplay(**options) if request.param == "memory" else SharedReplay(tmp_path / "r", **options)
