"""Files that are written whole, also where the file system refuses to link or to rename."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from captcha_stateless.cli import main
from captcha_stateless.stores import files
from captcha_stateless.tokens import keys

OLD, NEW = b"old " * 50, b"new"


def refusing(code: int) -> object:
    """Stand for a call of a file system that cannot do it."""

    def call(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def left(path: Path) -> list[str]:
    return [found.name for found in path.parent.iterdir()]


@pytest.mark.parametrize("code", [None, errno.EPERM, errno.ENOTSUP])
def test_a_file_is_made_once_and_for_its_owner(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int | None
) -> None:
    if code:
        monkeypatch.setattr(os, "link", refusing(code))

    files.create(path, OLD)
    with pytest.raises(FileExistsError):
        files.create(path, NEW)

    assert path.read_bytes() == OLD
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert left(path) == ["file"]


@pytest.mark.parametrize("code", [None, errno.EBUSY, errno.EXDEV])
def test_a_file_is_replaced(path: Path, monkeypatch: pytest.MonkeyPatch, code: int | None) -> None:
    path.write_bytes(OLD)
    if code:
        monkeypatch.setattr(os, "replace", refusing(code))

    files.replace(path, NEW)

    assert (path.read_bytes(), left(path)) == (NEW, ["file"])


def test_a_file_in_a_folder_that_nobody_may_write_to_is_replaced(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(OLD)
    monkeypatch.setattr("tempfile.mkstemp", refusing(errno.EROFS))

    files.replace(path, NEW)

    assert path.read_bytes() == NEW
    with pytest.raises(OSError, match="Read-only"):
        files.replace(path.with_name("other"), NEW)


def test_what_was_there_is_there_still_when_nothing_can_be_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(OLD)
    write, asked = os.write, []

    def full(handle: int, content: bytes) -> int:
        asked.append(content)
        if len(asked) == 3:  # after the file beside it, and the first byte in its place
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, content[: 1 if len(asked) == 2 else None])

    monkeypatch.setattr(os, "replace", refusing(errno.EBUSY))
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        files.replace(path, NEW)

    assert (path.read_bytes(), left(path)) == (OLD, ["file"])


def test_a_file_that_could_not_be_made_is_not_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", refusing(errno.EIO))

    with pytest.raises(OSError, match="error"):
        files.create(path, NEW)
    with pytest.raises(OSError, match="error"):
        files._created(path, NEW)

    assert left(path) == []


def test_keys_are_rotated_on_a_mount_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = tmp_path / "keyring.json"
    monkeypatch.setenv("CAPTCHA_KEYS", str(ring))
    monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    made = CliRunner().invoke(main, ["keys", "init"])
    monkeypatch.setattr(os, "replace", refusing(errno.EBUSY))

    rotated = CliRunner().invoke(main, ["keys", "rotate"])

    assert (made.exit_code, rotated.exit_code) == (0, 0)
    assert [key.state for key in keys.load(ring).all] == ["current", "next"] * 2


def test_keys_that_cannot_be_written_are_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = tmp_path / "keyring.json"
    monkeypatch.setenv("CAPTCHA_KEYS", str(ring))
    CliRunner().invoke(main, ["keys", "init"])
    before = ring.read_bytes()
    monkeypatch.setattr(os, "replace", refusing(errno.EBUSY))
    monkeypatch.setattr(os, "open", refusing(errno.EROFS))
    monkeypatch.setattr("tempfile.mkstemp", refusing(errno.EROFS))

    rotated = CliRunner().invoke(main, ["keys", "rotate"])

    assert rotated.exit_code == 1
    assert rotated.output == f"Error: cannot write the key ring {ring}: Read-only file system\n"
    assert ring.read_bytes() == before


def test_a_ring_that_is_mounted_alone_is_rotated(tmp_path: Path) -> None:
    """As containers mount a single file. Where this machine lets nobody mount, the calls above stand for it."""
    ring, mounted = tmp_path / "keyring.json", tmp_path / "mounted.json"
    for place in (ring, mounted):
        keys.save(place, keys.fresh_ring(0), overwrite=False)
    words = f"mount --bind {mounted} {ring} || exit 77; {sys.executable} -m captcha_stateless keys rotate"
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", words],
        env={**os.environ, "CAPTCHA_KEYS": str(ring)},
        capture_output=True,
        text=True,
    )
    if done.returncode == 77 or done.stderr.startswith("unshare"):
        return

    assert (done.returncode, done.stderr) == (0, "")
    assert [key.state for key in keys.load(mounted).all] == ["current", "next"] * 2
    assert [key.state for key in keys.load(ring).all] == ["current"] * 2
