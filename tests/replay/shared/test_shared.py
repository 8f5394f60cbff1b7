"""The filter of one host against the contract, and everything that may happen to its file."""

import errno
import fcntl
import multiprocessing
import os
import resource
import runpy
import secrets
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from captcha_stateless.errors import Expired, Misconfigured, Spent, Unavailable
from captcha_stateless.replay import locks
from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.locks import FileLock, RangeLock, WholeFileLock, best_lock
from captcha_stateless.replay.shared import SharedReplay, boot_id
from captcha_stateless.replay.shares import LANES, Shares
from tests.needs import need, program
from tests.replay.contract import KEY, BucketContract
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


def test_removed_file_begins_a_new_epoch(make_fast: Make, tmp_path: Path) -> None:
    """systemd's RemoveIPC empties /dev/shm at a logout; no worker may stay on the file that is gone."""
    replay = make_fast()
    jti = secrets.token_bytes(16)
    spend(replay, jti, iat=NOW - 10)
    (tmp_path / "replay" / "spent").unlink()

    with pytest.raises(Expired):
        spend(replay, jti, iat=NOW - 10)
    assert finish(replay.state(NOW)).epoch == NOW
    assert spend(replay, secrets.token_bytes(16)) == 1


def test_lost_directory_is_unavailable_until_it_works_again(make_fast: Make, tmp_path: Path) -> None:
    replay = make_fast()
    (tmp_path / "replay" / "spent").unlink()
    (tmp_path / "replay").rmdir()
    (tmp_path / "replay").write_text("in the way")

    with pytest.raises(Unavailable):
        spend(replay, secrets.token_bytes(16))
    assert not finish(replay.state(NOW)).ready

    (tmp_path / "replay").unlink()
    assert spend(replay, secrets.token_bytes(16)) == 1


def test_restarted_machine_begins_a_new_epoch(make_fast: Make) -> None:
    before = make_fast(boot=b"first start")
    jti = secrets.token_bytes(16)
    spend(before, jti, iat=NOW - 10)

    after = make_fast(boot=b"second start", now=NOW + 0.5)

    with pytest.raises(Expired):
        spend(after, jti, iat=NOW, now=NOW + 1)
    assert spend(after, jti, iat=NOW + 1, now=NOW + 1) == 1


def test_starting_second_is_not_ready(make_fast: Make) -> None:
    replay = make_fast(now=NOW + 0.5)

    assert not finish(replay.state(NOW + 0.6)).ready
    assert finish(replay.state(NOW + 1)).ready


def test_boot_id_is_the_same_for_all_workers() -> None:
    assert boot_id() == boot_id() != b""


def test_boot_id_may_come_from_a_command() -> None:
    assert boot_id("/nowhere", ("echo", "an id")) == b"an id"


@pytest.mark.parametrize("command", [("/nowhere",), ("false",)])
def test_system_without_boot_id_is_refused(command: tuple[str, ...]) -> None:
    with pytest.raises(Misconfigured, match="boot id"):
        boot_id("/nowhere", command)


def test_file_left_half_made_is_made_whole(make_fast: Make, tmp_path: Path) -> None:
    """A worker killed while it made the file leaves zeros."""
    (tmp_path / "replay").mkdir(mode=0o700)
    file = tmp_path / "replay" / "spent"
    file.write_bytes(bytes(10_000))
    file.chmod(0o600)

    assert spend(make_fast(), secrets.token_bytes(16)) == 1


@pytest.mark.parametrize(
    "other", [{"key": KEY[::-1]}, {"spends_per_second": 200}, {"skew_seconds": 6}, {"false_positives": 1e-6}]
)
def test_workers_that_differ_are_refused(make_fast: Make, other: dict[str, Any]) -> None:
    make_fast()

    with pytest.raises(Misconfigured, match="other settings or another key"):
        make_fast(**other)


def test_file_of_another_length_is_refused(make_fast: Make, tmp_path: Path) -> None:
    finish(make_fast().close())
    os.truncate(tmp_path / "replay" / "spent", 5000)

    with pytest.raises(Misconfigured):
        make_fast()


def test_file_and_directory_are_ours_alone(make_fast: Make, tmp_path: Path) -> None:
    make_fast()

    assert (tmp_path / "replay").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "replay" / "spent").stat().st_mode & 0o777 == 0o600


def test_directory_open_to_others_is_refused(make_fast: Make, tmp_path: Path) -> None:
    (tmp_path / "replay").mkdir(mode=0o755)

    with pytest.raises(Misconfigured, match=r"0700.*CAPTCHA_REPLAY_DIR"):
        make_fast()


def test_directory_of_another_user_is_refused(make_fast: Make, tmp_path: Path) -> None:
    directory = Path("/usr")
    if os.geteuid() == 0:
        directory = tmp_path / "foreign"
        directory.mkdir(mode=0o700)
        os.chown(directory, 65534, 65534)

    with pytest.raises(Misconfigured, match="belong to the server's user"):
        make_fast(directory=directory)


@pytest.mark.parametrize("name", ["replay", "replay/spent"])
def test_symbolic_link_is_refused(make_fast: Make, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if name == "replay/spent":
        (tmp_path / "replay").mkdir(mode=0o700)
    (tmp_path / name).symlink_to(elsewhere)

    with pytest.raises(Misconfigured):
        make_fast()


def test_missing_parent_is_refused(make_fast: Make, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=os.strerror(errno.ENOENT)):
        make_fast(directory=tmp_path / "no" / "such")


class Replaced(WholeFileLock):
    """A lock whose file is replaced in the moment before it is got, as often as ``times`` says."""

    times = 0
    file: Path

    def acquire(self, start: int, length: int) -> None:
        if type(self).times:
            type(self).times -= 1
            self.file.unlink()
        super().acquire(start, length)


@pytest.mark.parametrize("times", [1, 5])
def test_file_replaced_while_it_is_opened_is_opened_again(
    make_fast: Make, tmp_path: Path, times: int
) -> None:
    Replaced.times, Replaced.file = times, tmp_path / "replay" / "spent"

    assert spend(make_fast(lock=Replaced), secrets.token_bytes(16)) == 1


def test_file_replaced_for_ever_is_unavailable(make_fast: Make, tmp_path: Path) -> None:
    Replaced.times, Replaced.file = 1000, tmp_path / "replay" / "spent"

    with pytest.raises(Unavailable, match="again and again"):
        make_fast(lock=Replaced)
    Replaced.times = 0


def test_no_room_is_refused_at_once(make_fast: Make, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(Misconfigured):
            make_fast()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert (tmp_path / "replay" / "spent").stat().st_size == 0
    assert spend(make_fast(), secrets.token_bytes(16)) == 1


def test_full_tmpfs_is_refused_and_kills_nobody(tmp_path: Path) -> None:
    """On a sparse file the first touch of a missing page would kill the worker with SIGBUS."""
    script = (
        "import sys; from pathlib import Path; from captcha_stateless.errors import Misconfigured\n"
        "from captcha_stateless.replay.shared import SharedReplay\n"
        "try: SharedReplay(Path(sys.argv[1], 'replay'), key=bytes(16), now=0)\n"
        "except Misconfigured as refusal: print(refusal)\n"
    )
    mounted = 'mount -t tmpfs -o size=256k none "$1" && exec "$2" -c "$3" "$1"'
    inside = [program("unshare"), "--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh"]
    run = subprocess.run(
        [*inside, tmp_path, sys.executable, script], capture_output=True, text=True, timeout=60
    )
    need("unshare" not in run.stderr and "mount" not in run.stderr, "the right to mount a tmpfs of its own")

    assert os.strerror(errno.ENOSPC) in run.stdout
    assert run.returncode == 0


def test_room_is_allocated_for_real(make_fast: Make, tmp_path: Path) -> None:
    make_fast()

    found = (tmp_path / "replay" / "spent").stat()

    assert found.st_blocks * 512 >= found.st_size


def test_file_system_without_fallocate_gets_the_room_written(
    make_fast: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int, offset: int, length: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse)

    assert spend(make_fast(), secrets.token_bytes(16)) == 1
    found = (tmp_path / "replay" / "spent").stat()
    assert found.st_blocks * 512 >= found.st_size


def test_system_without_fallocate_writes_the_room(
    make_fast: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fallocate")

    assert spend(make_fast(), secrets.token_bytes(16)) == 1
    found = (tmp_path / "replay" / "spent").stat()
    assert found.st_blocks * 512 >= found.st_size


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
