"""Fixtures of the replay filters' tests."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
