"""Files that are written whole: in one step where the file system can, and else in place, so that nothing is lost."""

import contextlib
import os
import tempfile
from pathlib import Path

#: For its owner alone.
PRIVATE = 0o600


def create(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, for its owner alone; two who do so at once cannot clobber each other.

    Raises:
        FileExistsError: when it is there.
        OSError: when it cannot be written.
    """
    temporary = _beside(path, content, PRIVATE)
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # FAT, SMB and some volumes of containers refuse hard links
        _created(path, content)
    finally:
        temporary.unlink(missing_ok=True)


def replace(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file, in the place of the one that is there; ``mode`` is the new file's where it is one.

    Raises:
        OSError: when it cannot be written; what was there is there still.
    """
    try:
        temporary = _beside(path, content, mode)
    except OSError:
        if not path.exists():
            raise
        _overwritten(path, content)  # a file that is mounted alone, into a folder that nobody may write to
        return
    try:
        temporary.replace(path)
    except OSError:  # over a mount there is no renaming
        _overwritten(path, content)
    finally:
        temporary.unlink(missing_ok=True)


def _beside(path: Path, content: bytes, mode: int) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # of mode 0600
    temporary = Path(name)
    try:
        with contextlib.closing(_Open(handle)) as file:
            file.put(content)
        if mode != PRIVATE:
            temporary.chmod(mode)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _created(path: Path, content: bytes) -> None:
    with contextlib.closing(_Open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE))) as file:
        try:
            file.put(content)
        except OSError:
            path.unlink(missing_ok=True)
            raise


def _overwritten(path: Path, content: bytes) -> None:
    with contextlib.closing(_Open(os.open(path, os.O_RDWR))) as file:
        before = path.read_bytes()
        try:
            file.put(content)
        except OSError:
            file.put(before)  # where it was there is room for it
            raise


class _Open:
    """An open file, without a buffer that would write again what could not be written."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def put(self, content: bytes) -> None:
        """Make this all that the file holds, on the disk."""
        os.lseek(self._handle, 0, os.SEEK_SET)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._handle, rest) :]
        os.ftruncate(self._handle, len(content))
        os.fsync(self._handle)

    def close(self) -> None:
        """Close it."""
        os.close(self._handle)
