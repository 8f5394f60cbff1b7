"""The file of the one host's filter: made whole, ours alone, and with its room allocated."""

import errno
import os
import resource
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from captcha_stateless.errors import Expired, Misconfigured, Unavailable
from captcha_stateless.replay.locks import WholeFileLock
from captcha_stateless.replay.shared import boot_id
from tests.needs import need, program
from tests.replay.contract import KEY
from tests.replay.drive import finish
from tests.replay.shared.conftest import NOW, Make, spend


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
