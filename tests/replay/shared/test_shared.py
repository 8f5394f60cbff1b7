"""The filter of one host against the contract, and everything that may happen to its file."""

import errno
import fcntl
import os
import runpy
import secrets
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from captcha_stateless.errors import Expired, Misconfigured, Spent, Unavailable
from captcha_stateless.replay import locks
from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.locks import FileLock, RangeLock, WholeFileLock, best_lock
from captcha_stateless.replay.shares import LANES, Shares
from tests.replay.contract import BucketContract
from tests.replay.drive import finish
from tests.replay.shared.conftest import LOCKS, NOW, Make, spend


class TestSharedReplay(BucketContract):
    @pytest.fixture
    async def replay(self, now: int, make: Make) -> AsyncIterator[Replay]:
        yield make()

    @pytest.fixture
    async def tiny(self, now: int, make: Make) -> AsyncIterator[Replay]:
        yield make(spends_per_second=1)


def test_workers_know_each_others_spends(make: Make) -> None:
    first, second = make(), make()
    jti = secrets.token_bytes(16)

    spend(first, jti)

    with pytest.raises(Spent):
        spend(second, jti)


def test_restarted_worker_remembers(make: Make) -> None:
    jti = secrets.token_bytes(16)
    before = make()
    spend(before, jti)
    finish(before.close())

    with pytest.raises(Spent):
        spend(make(now=NOW), jti)


def test_overflow_counts_all_workers(make: Make) -> None:
    """What one namespace may leave, less the mark that each worker has taken and not used."""
    workers = [make(spends_per_second=20) for _ in range(4)]
    exp = NOW // 10 * 10 + 20
    spent = 0

    with pytest.raises(Unavailable):
        for number in range(1000):
            spend(workers[number % 4], secrets.token_bytes(16), exp=exp)
            spent += 1

    assert Shares.of(200).most - 3 <= spent <= Shares.of(200).most


def test_more_namespaces_than_there_is_room_for_are_refused(make: Make) -> None:
    replay = make()
    for number in range(LANES):
        finish(replay.spend(f"n{number}", bytes(16), iat=NOW, exp=NOW + 50, now=NOW))

    with pytest.raises(Unavailable, match="another namespace"):
        finish(replay.spend("one more", bytes(16), iat=NOW, exp=NOW + 50, now=NOW))


def test_slot_wiped_by_another_worker_is_expired(make: Make) -> None:
    """This worker has found the slot already; the floor and the number in the table say that it is gone."""
    slow, fast = make(), make()
    jti = secrets.token_bytes(16)
    spend(slow, jti, exp=NOW + 2)

    spend(fast, secrets.token_bytes(16), exp=NOW + 100, now=NOW + 40)

    with pytest.raises(Expired):
        spend(slow, jti, exp=NOW + 2)


def test_clock_set_back_reopens_nothing_for_other_workers(make: Make) -> None:
    """A worker that never saw the bucket learns from the file's floor that it is gone."""
    jti = secrets.token_bytes(16)
    spend(make(), jti, exp=NOW + 2)
    spend(make(), secrets.token_bytes(16), exp=NOW + 100, now=NOW + 40)

    with pytest.raises(Expired):
        spend(make(), jti, exp=NOW + 2)


def test_slot_of_a_worker_killed_while_wiping_stays_closed(make: Make) -> None:
    """The floor rises before the wiping: the bucket's number alone would make the wiped attempts fresh."""
    replay = make()
    jti = secrets.token_bytes(16)
    spend(replay, jti, exp=NOW + 2)
    arena = replay._arena
    assert arena is not None
    arena._table[0] = (NOW + 2) // 10 + 1

    with pytest.raises(Expired):
        spend(replay, jti, exp=NOW + 2)


def test_wiped_slot_is_used_again(make: Make) -> None:
    replay = make()
    for start in range(NOW, NOW + 3000, 10):
        spend(replay, secrets.token_bytes(16), exp=start + 50, now=start)

    assert finish(replay.state(NOW + 3000)).ready


def test_stopped_worker_stops_no_other(make: Make) -> None:
    stopped, other = make(), make()
    arena = stopped._arena
    assert arena is not None
    jti = secrets.token_bytes(16)
    spend(other, jti, exp=NOW + 60)
    arena.lock.acquire(0, stopped.size_bytes)

    with pytest.raises(Unavailable, match="stopped"):
        spend(other, jti)

    arena.lock.release(0, stopped.size_bytes)
    assert spend(other, jti) == 1


def test_lock_is_waited_for(make: Make) -> None:
    busy, other = make(), make()
    arena = busy._arena
    assert arena is not None
    arena.lock.acquire(0, busy.size_bytes)
    threading.Timer(0.02, arena.lock.release, (0, busy.size_bytes)).start()

    assert spend(other, secrets.token_bytes(16)) == 1


def test_lock_is_tried_again_at_once() -> None:
    answers = iter([False, False, True])

    locks._insist(lambda: next(answers))

    assert next(answers, None) is None


def test_system_without_fcntl_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)

    with pytest.raises(Misconfigured, match="Windows"):
        runpy.run_path(locks.__file__)


@pytest.mark.parametrize("kind", LOCKS)
def test_lock_on_a_lost_file_is_unavailable(kind: Callable[[int], FileLock], tmp_path: Path) -> None:
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    lock = kind(fd)
    os.close(fd)

    with pytest.raises(Unavailable, match=os.strerror(errno.EBADF)):
        lock.acquire(0, 1)


def test_system_without_range_locks_locks_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(best_lock(0), RangeLock)
    monkeypatch.delattr(fcntl, "F_OFD_SETLK")

    assert isinstance(best_lock(0), WholeFileLock)


def test_threads_get_one_winner(make: Make) -> None:
    replay = make()
    barrier = threading.Barrier(4)
    tokens = [secrets.token_bytes(16) for _ in range(300)]
    won: list[bytes] = []

    def answer() -> None:
        for token in tokens:
            barrier.wait(10)
            try:
                spend(replay, token)
            except Spent:
                continue
            won.append(token)

    threads = [threading.Thread(target=answer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == sorted(tokens)
