"""Filters of one host, made as a test asks for them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.locks import FileLock, RangeLock, WholeFileLock, best_lock
from captcha_stateless.replay.shared import SharedReplay
from tests.replay.contract import KEY
from tests.replay.drive import finish

NOW = 1_700_000_000


LOCKS: list[Callable[[int], FileLock]] = [RangeLock, WholeFileLock]


Make = Callable[..., SharedReplay]


def maker(directory: Path, lock: Callable[[int], FileLock]) -> Iterator[Make]:
    """Make filters over one file, as workers would, and close them at the end."""
    made: list[SharedReplay] = []

    def make(directory: Path = directory, **changed: Any) -> SharedReplay:
        options: dict[str, Any] = {"key": KEY, "now": NOW - 30, "spends_per_second": 100, "lock": lock}
        made.append(SharedReplay(directory, **options | changed))
        return made[-1]

    yield make
    for replay in made:
        finish(replay.close())


@pytest.fixture(params=LOCKS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    yield from maker(tmp_path / "replay", request.param)


@pytest.fixture
def make_fast(tmp_path: Path) -> Iterator[Make]:
    """For facts that have nothing to do with the kind of lock."""
    yield from maker(tmp_path / "replay", best_lock)


def spend(replay: Replay, jti: bytes, *, iat: int = NOW, exp: int = NOW + 50, now: float = NOW) -> int:
    return finish(replay.spend("grid", jti, iat=iat, exp=exp, now=now))
