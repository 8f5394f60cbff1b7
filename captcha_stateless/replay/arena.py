"""The file that the workers of a host map: a header, a table of buckets, and their bits, allocated for real.

::

    header   what the filter is: magic, layout, the key's fingerprint, boot id, epoch
    table    the floor, then for every slot the number of the bucket it holds (-1: none)
    lanes    which namespaces there are, then for every slot the room that was taken: common, and by each of them
    slots    for every slot its blocks

A file is never truncated or written anew while it may be mapped: that would kill the others with SIGBUS. What
is out of date is unlinked, and whoever still maps it sees that by the missing link.
"""

import errno
import math
import mmap
import os
import stat
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from captcha_stateless.errors import Misconfigured, Unavailable
from captcha_stateless.replay.bloom import BLOCK_BYTES, Geometry
from captcha_stateless.replay.locks import FileLock, held
from captcha_stateless.replay.shares import LANES, Shares
from captcha_stateless.replay.window import Window

FREE = -1

_NAME = "spent"
_MAGIC = b"captcha2"
#: Magic, layout and key, boot id; the epoch follows.
_IDENTITY = struct.Struct("8s16s40s")
_EPOCH = struct.Struct("<q")
_TABLE = 128
_PAGE = 4096
_CELL_BYTES = 8
#: A slot's cells of taken room: the common room's first.
_CELLS = 1 + LANES

#: Room is taken from the file in pieces of at most so many marks, and of this part of what is left: few locks while there
#: is much, and nothing hoarded when there is little.
_PIECE = 16
_PIECES = 64

#: Opening is tried again when another worker replaces the file at the same moment; more often than this it is
#: no accident.
_OPENING_TRIES = 20


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies in the file, in bytes; a function of the filter's geometry and window."""

    geometry: Geometry
    window: Window

    @property
    def slots_start(self) -> int:
        """Where the first slot begins, which is also the length of header and table."""
        return _round_up(_TABLE + _CELL_BYTES * (self.cells_start + _CELLS * self.window.buckets), _PAGE)

    @property
    def lanes_start(self) -> int:
        """Where in the table the namespaces begin, in cells."""
        return 1 + self.window.buckets

    @property
    def cells_start(self) -> int:
        """Where in the table the first slot's taken room begins, in cells."""
        return self.lanes_start + LANES

    @property
    def slot_bytes(self) -> int:
        """The length of a slot."""
        return self.geometry.size_bytes

    @property
    def size_bytes(self) -> int:
        """The length of the file."""
        return self.slots_start + self.window.buckets * self.slot_bytes

    def fingerprint(self, key: bytes) -> bytes:
        """Return 16 bytes that differ where layout, time or key differ: workers must agree in all three."""
        return blake2b(repr(self).encode(), key=blake2b(key).digest(), digest_size=16).digest()


class Arena:
    """One worker's hold on the file: descriptor, lock and map."""

    def __init__(self, fd: int, lock: FileLock, layout: Layout) -> None:
        """Map a file whose header is good."""
        self.lock = lock
        self.memory = mmap.mmap(fd, layout.size_bytes)
        self.epoch: int = _EPOCH.unpack_from(self.memory, _IDENTITY.size)[0]
        self._fd = fd
        self._layout = layout
        self._shares = Shares.of(layout.geometry.capacity)
        # Aligned numbers of eight bytes are stored at once: who reads without the lock sees the old or the
        # new.
        self._table = memoryview(self.memory)[_TABLE : layout.slots_start].cast("q")
        self._starts = [layout.slots_start + n * layout.slot_bytes for n in range(layout.window.buckets)]

    @property
    def floor(self) -> int:
        """The lowest bucket that may still be used; it only rises."""
        return self._table[0]

    @property
    def buckets(self) -> list[int]:
        """The bucket that each slot holds, or FREE."""
        return self._table[1 : 1 + self._layout.window.buckets].tolist()

    def is_orphan(self) -> bool:
        """Tell whether the file was removed or replaced, so that other workers no longer see this one."""
        return os.fstat(self._fd).st_nlink == 0

    def block_start(self, slot: int, block: int) -> int:
        """Return the byte where the block's bits begin."""
        return self._starts[slot] + block * BLOCK_BYTES

    def holds(self, slot: int, bucket: int) -> bool:
        """Tell whether the slot is the bucket's; the answer lasts while a lock within the slot is held."""
        # The floor rises before a slot is wiped: a worker killed while it wiped leaves its number in the
        # table.
        return self._table[1 + slot] == bucket >= self._table[0]

    def fill(self, slot: int) -> float:
        """Tell how much of the slot's common room is taken, 0 to 1."""
        return self._table[self._cells(slot)] / self._shares.common

    def lane(self, name: str) -> int:
        """Return the number of a namespace, the same for every worker, giving it one where it has none."""
        mark = int.from_bytes(blake2b(name.encode(), digest_size=7).digest())
        lanes = range(self._layout.lanes_start, self._layout.cells_start)
        with held(self.lock, 0, self._layout.slots_start):
            for number, cell in enumerate(lanes):
                if self._table[cell] in (0, mark):
                    self._table[cell] = mark
                    return number
        raise Unavailable("the replay filter has no room for another namespace")

    def claim(self, slot: int, bucket: int, lane: int) -> int:
        """Take some of the bucket's room for a namespace; return for how many marks, 0 where none is left.

        What a worker took and did not use when it ended is lost until the bucket is over, which is safe.
        """
        cells = self._cells(slot)
        with held(self.lock, _TABLE + _CELL_BYTES * cells, _CELL_BYTES * _CELLS):
            common, taken = self._table[cells], self._table[cells + 1 + lane]
            left = self._shares.left(taken, common) if self.holds(slot, bucket) else 0
            piece = min(left, max(1, min(_PIECE, left // _PIECES)))
            self._table[cells] = common + self._shares.charged(taken, piece)
            self._table[cells + 1 + lane] = taken + piece
            return piece

    def take(self, bucket: int, now: float) -> int | None:
        """Return the bucket's slot, taking a free one where there is none yet; None where none is free."""
        with held(self.lock, 0, self._layout.slots_start):
            buckets = self.buckets
            if bucket not in buckets:
                self._free_dead_slots(buckets, now)
                # Freeing may have raised the floor past the bucket, if another's clock is far behind.
                if bucket < self.floor or FREE not in (buckets := self.buckets):
                    return None
                self._table[1 + buckets.index(FREE)] = bucket
                buckets = self.buckets
            return buckets.index(bucket)

    def close(self) -> None:
        """Let the file go."""
        self._table.release()
        self.memory.close()
        os.close(self._fd)

    def _free_dead_slots(self, buckets: list[int], now: float) -> None:
        """Wipe the slots whose tokens are all dead; the table's lock is held."""
        for slot, bucket in enumerate(buckets):
            if bucket != FREE and self._layout.window.is_over(bucket, now):
                # Before anything is forgotten: no clock may bring the bucket back.
                self._table[0] = max(self._table[0], bucket + 1)
                start, length = self._starts[slot], self._layout.slot_bytes
                with held(self.lock, start, length):
                    self.memory[start : start + length] = bytes(length)
                for cell in range(self._cells(slot), self._cells(slot) + _CELLS):
                    self._table[cell] = 0
                self._table[1 + slot] = FREE

    def _cells(self, slot: int) -> int:
        """Return where in the table the slot's taken room begins."""
        return self._layout.cells_start + _CELLS * slot


def open_arena(
    directory: Path,
    layout: Layout,
    *,
    key: bytes,
    now: float,
    boot: bytes,
    lock: Callable[[int], FileLock],
) -> Arena:
    """Open the directory's file, or make it.

    Raises:
        Misconfigured: directory or file are not ours alone, have another layout or key, or have no room.
        Unavailable: another worker does not finish.
    """
    identity = _IDENTITY.pack(_MAGIC, layout.fingerprint(key), blake2b(boot, digest_size=40).digest())
    try:
        folder = _open_own_directory(directory)
        try:
            for _ in range(_OPENING_TRIES):
                fd = os.open(_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=folder)
                arena = None
                try:
                    arena = _try_open(fd, folder, layout, identity, now, lock(fd))
                finally:
                    if arena is None:
                        os.close(fd)
                if arena is not None:
                    return arena
        finally:
            os.close(folder)
    except OSError as problem:
        raise Misconfigured(
            f"the replay filter's file in {directory} cannot be used: {problem.strerror}"
        ) from None
    raise Unavailable("other workers replace the replay filter's file again and again")


def _try_open(
    fd: int, folder: int, layout: Layout, identity: bytes, now: float, lock: FileLock
) -> Arena | None:
    """Make an arena of the open file; None where it has been, or just was, replaced."""
    _check_own(os.fstat(fd), stat.S_ISREG)
    with held(lock, 0, layout.slots_start):
        if os.fstat(fd).st_nlink == 0:
            return None
        found = os.pread(fd, _IDENTITY.size, 0)
        if not found.strip(b"\0"):
            _lay_out(fd, layout, identity, now)
        elif found[24:] != identity[24:]:
            # Written before the machine started last: what had not reached the disk is forgotten.
            os.unlink(_NAME, dir_fd=folder)
            return None
        elif found != identity or os.fstat(fd).st_size != layout.size_bytes:
            raise Misconfigured(
                "the replay filter's file was made with other settings or another key: "
                "stop every worker and remove it, or name another directory"
            )
        # Also where the file exists: a copy may have holes, and touching a hole on a full disk kills the
        # worker.
        _allocate(fd, layout.size_bytes)
        return Arena(fd, lock, layout)


def _lay_out(fd: int, layout: Layout, identity: bytes, now: float) -> None:
    """Give a new file its room and its header, in this order: a file with a header is whole."""
    try:
        _allocate(fd, layout.size_bytes)
    except OSError:
        os.ftruncate(fd, 0)
        raise
    os.pwrite(fd, struct.pack("=q", FREE) * layout.window.buckets, _TABLE + 8)
    # Rounded up, as iat is whole seconds: a token of this second may have been spent in the file before.
    os.pwrite(fd, _EPOCH.pack(math.ceil(now)), _IDENTITY.size)
    os.pwrite(fd, identity, 0)


def _allocate(fd: int, length: int) -> None:
    """Reserve the file's room, or fail now instead of by SIGBUS later."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(fd, 0, length)
        except OSError as refusal:
            # Not every file system can, and not every C library then writes the pages itself.
            if refusal.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
        else:
            return
    for start in range(os.fstat(fd).st_size, length, _PAGE):
        os.pwrite(fd, bytes(min(_PAGE, length - start)), start)


def _open_own_directory(directory: Path) -> int:
    """Open the directory, making it where it is missing."""
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _check_own(os.fstat(folder), stat.S_ISDIR)
    except Misconfigured:
        os.close(folder)
        raise
    return folder


def _check_own(found: os.stat_result, is_kind: Callable[[int], bool]) -> None:
    """Refuse what others could write or have put there."""
    if not is_kind(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise Misconfigured(
            "the replay filter's directory and file must belong to the server's user, with modes 0700 and 0600; "
            "where another user has made them, name a directory that only yours can make (CAPTCHA_REPLAY_DIR, "
            "or systemd's RuntimeDirectory)"
        )


def _round_up(length: int, unit: int) -> int:
    """Return the next multiple of the unit."""
    return -(-length // unit) * unit
