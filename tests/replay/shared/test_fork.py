"""The one host's filter in processes that fork."""

import multiprocessing
import os
import secrets
import signal
import weakref
from pathlib import Path
from typing import Any

from captcha_stateless.errors import Spent, Unavailable
from captcha_stateless.replay.shared import SharedReplay
from tests.replay.contract import KEY
from tests.replay.drive import finish
from tests.replay.shared.conftest import NOW, Make, spend


def _answer_in_child(replay: SharedReplay, jti: bytes) -> None:
    try:
        spend(replay, jti)
    except Unavailable:
        os._exit(17)
    except Spent:
        os._exit(18)


def test_forked_child_is_locked_out_by_its_parent(make: Make) -> None:
    """The inherited descriptor shares the parent's locks: using it, both would win."""
    replay = make()
    jti = secrets.token_bytes(16)
    arena = replay._arena
    assert arena is not None
    spend(replay, secrets.token_bytes(16))
    fork = multiprocessing.get_context("fork")
    codes = []

    arena.lock.acquire(0, replay.size_bytes)
    codes.append(_exit_code(fork, replay, jti))
    arena.lock.release(0, replay.size_bytes)
    codes.append(_exit_code(fork, replay, jti))
    codes.append(_exit_code(fork, replay, jti))

    assert codes == [17, 0, 18]


def _exit_code(fork: Any, replay: SharedReplay, jti: bytes) -> int | None:
    child = fork.Process(target=_answer_in_child, args=(replay, jti))
    child.start()
    child.join(30)
    code: int | None = child.exitcode
    return code


def _die_holding_the_file(directory: Path, fork_pid: Any) -> None:
    replay = SharedReplay(directory, key=KEY, now=NOW - 30, spends_per_second=100)
    arena = replay._arena
    assert arena is not None
    arena.lock.acquire(0, replay.size_bytes)
    idle = os.fork()
    if idle == 0:
        signal.pause()
    fork_pid.value = idle
    os.kill(os.getpid(), signal.SIGKILL)


def test_lock_of_a_killed_parent_does_not_live_on_in_its_child(make_fast: Make, tmp_path: Path) -> None:
    replay = make_fast()
    spawn = multiprocessing.get_context("spawn")
    idle = spawn.Value("i", 0)
    parent = spawn.Process(target=_die_holding_the_file, args=(tmp_path / "replay", idle))
    parent.start()
    assert parent.pid is not None
    _, status = os.waitpid(parent.pid, 0)

    try:
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        assert spend(replay, secrets.token_bytes(16)) == 1
    finally:
        os.kill(idle.value, signal.SIGKILL)


def test_dropped_filter_is_not_kept_by_the_fork_hook(tmp_path: Path) -> None:
    replay = SharedReplay(tmp_path / "replay", key=KEY, now=NOW, spends_per_second=1)
    finish(replay.close())
    kept = weakref.ref(replay)

    del replay

    assert kept() is None
