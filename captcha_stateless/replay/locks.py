"""Locks on a file's bytes that exclude other processes and vanish with a process that dies holding one."""

import errno
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from captcha_stateless.errors import Misconfigured, Unavailable

try:
    import fcntl
except ImportError:
    raise Misconfigured(
        "the shared replay filter needs fcntl, which Windows lacks: "
        "run one worker with the in-process filter, or keep the spent tokens in Redis"
    ) from None

#: How long to wait for another process. A lock is held for microseconds, so that only a process that was
#: stopped (SIGSTOP, a frozen container) keeps it longer, and no other may stop with it.
PATIENCE_SECONDS = 0.25

#: So many times the lock is tried again at once, giving way to its holder; then every half millisecond.
_EAGER_TRIES = 50
_PAUSE_SECONDS = 0.0005

_FLOCK = struct.Struct("hhqqi4x")


class FileLock(Protocol):
    """Holds ranges of one open file; exclusive between open file descriptions, not between threads."""

    def acquire(self, start: int, length: int) -> None:
        """Take the range's lock.

        Raises:
            Unavailable: another process has kept it for a quarter of a second.
        """

    def release(self, start: int, length: int) -> None:
        """Give the lock back, which never fails."""


class RangeLock:
    """Open-file-description locks (Linux 3.15, fcntl(2) F_OFD_SETLK): as many holders as there are ranges."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def acquire(self, start: int, length: int) -> None:
        """Take the range's lock."""
        request = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
        if not self._try(request):
            _insist(lambda: self._try(request))

    def release(self, start: int, length: int) -> None:
        """Give the lock back."""
        fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, start, length, 0))

    def _try(self, request: bytes) -> bool:
        """Take the lock if nobody has it."""
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, request)
        except OSError as refusal:
            return _refuse(refusal)
        return True


class WholeFileLock:
    """The slower lock of systems without the former (macOS): flock(2), one holder for the whole file.

    Not ``lockf``: classic POSIX locks belong to the process, and closing any other descriptor of the file
    drops them. Ranges may nest, as they do in the faster lock; only the outermost one is given back.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._depth = 0

    def acquire(self, start: int, length: int) -> None:
        """Take the file's lock."""
        if self._depth == 0 and not self._try():
            _insist(self._try)
        self._depth += 1

    def release(self, start: int, length: int) -> None:
        """Give the lock back."""
        self._depth -= 1
        if self._depth == 0:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _try(self) -> bool:
        """Take the lock if nobody has it."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as refusal:
            return _refuse(refusal)
        return True


def best_lock(fd: int) -> FileLock:
    """Return the fastest lock that the system has."""
    return RangeLock(fd) if hasattr(fcntl, "F_OFD_SETLK") else WholeFileLock(fd)


@contextmanager
def held(lock: FileLock, start: int, length: int) -> Iterator[None]:
    """Hold the lock for the length of a ``with`` block."""
    lock.acquire(start, length)
    try:
        yield
    finally:
        lock.release(start, length)


def _refuse(refusal: OSError) -> Literal[False]:
    """Return False where another has the lock; every other error is one."""
    if refusal.errno in (errno.EAGAIN, errno.EACCES):
        return False
    raise Unavailable(f"the replay filter's file cannot be locked: {refusal.strerror}") from None


def _insist(try_once: Callable[[], bool]) -> None:
    """Try again at once, then with pauses, then give up.

    Raises:
        Unavailable: patience has ended.
    """
    for _ in range(_EAGER_TRIES):
        time.sleep(0)
        if try_once():
            return
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        time.sleep(_PAUSE_SECONDS)
        if try_once():
            return
    raise Unavailable("another process has stopped while it held the replay filter's lock")
