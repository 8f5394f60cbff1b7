"""Fixtures: a server in this process, made as a test asks for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import Server

#: A pytest inside pytest, for the fixture that other people's tests use.
pytest_plugins = ["pytester"]

MakeServer = Callable[..., Server]


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
