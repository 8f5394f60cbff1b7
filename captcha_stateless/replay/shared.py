"""The replay filter of one host: Bloom filters in a file that every worker maps.

What it promises: no attempt is fresh twice among the workers that name the same directory, whatever of them
is killed at whatever moment, whatever the clock does. A worker killed in mid-spend burns at most the attempt
at hand. After a reboot, or when the file was removed, tokens issued before are refused (the epoch). What it
does not know: other hosts.
"""

import os
import subprocess
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from captcha_stateless.errors import Expired, Misconfigured, Unavailable
from captcha_stateless.replay.arena import FREE, Arena, Layout, open_arena
from captcha_stateless.replay.base import (
    NEVER,
    Replay,
    ReplayState,
    attempt_name,
    mark_name,
    repeat_of,
    require_past,
)
from captcha_stateless.replay.bloom import BLOCK_BYTES, Geometry, Placer, is_marked, mark_bits, moments_of
from captcha_stateless.replay.locks import FileLock, best_lock, held
from captcha_stateless.replay.shares import full, lane
from captcha_stateless.replay.window import Window

#: Where systems name what tells this run of the machine from the one before: random(4) on Linux, sysctl(3) on
#: macOS.
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_BOOT_ID_COMMAND = ("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid")


def boot_id(file: str = _BOOT_ID, command: tuple[str, ...] = _BOOT_ID_COMMAND) -> bytes:
    """Return what tells this run of the machine from the one before.

    Raises:
        Misconfigured: the system does not say.
    """
    with suppress(OSError):
        return Path(file).read_bytes().strip()
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, check=True, capture_output=True, timeout=5).stdout.strip()  # noqa: S603
    # Without it a file that lost its last pages in a crash would look whole, and forget what they held.
    raise Misconfigured("this system names no boot id, which the shared replay filter needs")


class SharedReplay(Replay):
    """Remembers spent attempts for all workers of a host, in a file of fixed size."""

    scope = "host"

    def __init__(
        self,
        directory: Path,
        *,
        key: bytes,
        now: float,
        horizon_seconds: int = 120,
        spends_per_second: int = 1000,
        skew_seconds: int = 5,
        false_positives: float = 1e-9,
        boot: bytes | None = None,
        lock: Callable[[int], FileLock] = best_lock,
    ) -> None:
        """Open the file, or make it.

        Args:
            directory: a directory of our own, made with mode 0700 where it is missing; best in memory
                (/dev/shm).
            key: at least 16 secret bytes that place the bits, the same for every worker and not rotating.
            now: the clock, in Unix seconds; where the file is new, tokens issued before it are refused.
            horizon_seconds: the longest life of a token, every extension included.
            spends_per_second: attempts, of all namespaces together, that each second's tokens bear on
                average.
            skew_seconds: by how much the clock of a caller may be behind without its living tokens being
                refused.
            false_positives: the rate at which a fresh attempt is taken for a spent one, at full load.
            boot: what tells this run of the machine from the one before; asked of the system by default.
            lock: makes the lock for an open file; the fastest that the system has by default.

        Raises:
            Misconfigured: a value is out of range, or the file cannot be used; the message says why.
            Unavailable: another worker has stopped while it held the file.
        """
        window = Window(horizon_seconds, skew_seconds)
        self._layout = Layout(
            Geometry.for_load(spends_per_second * window.bucket_seconds, false_positives), window
        )
        self._placer = Placer(key, self._layout.geometry)
        self._directory = directory
        self._key = key
        self._boot = boot_id() if boot is None else boot
        self._make_lock = lock
        self._threads = threading.Lock()
        self._slots: dict[int, int] = {}
        self._lanes: dict[str, int] = {}
        self._room: dict[tuple[int, int], int] = {}
        self._arena: Arena | None = self._open(now)
        self._epoch = self._arena.epoch
        this = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _restart(this()))

    @property
    def size_bytes(self) -> int:
        """The size of the file, in bytes."""
        return self._layout.size_bytes

    async def spend(
        self,
        namespace: str,
        jti: bytes,
        *,
        iat: int,
        exp: int,
        now: float,
        attempts: int = 1,
        mark: bytes = b"",
        moment: int | None = None,
        moments: range = NEVER,
    ) -> int:
        """Use up the first unused attempt; see :meth:`Replay.spend`."""
        bucket = self._layout.window.bucket(exp, now)
        # File locks exclude other workers, not other threads of this one.
        with self._threads:
            arena = self._current(now)
            if iat < arena.epoch:
                raise Expired("the token was issued before the replay filter began")
            require_past(iat, now)
            slot = self._slots.get(bucket)
            if slot is None:
                slot = self._take_slot(arena, bucket, now)
            whose = self._lane(arena, lane(namespace))
            for place in range(1, attempts + 1):
                at = self._place(arena, slot, attempt_name(namespace, jti, place))
                places = [(*at, 0)]
                if moment is not None:
                    more = [attempt_name(namespace, jti, rest) for rest in range(place + 1, attempts + 1)]
                    places += [(*self._place(arena, slot, name), 0) for name in more]
                    places.append((*self._place(arena, slot, mark_name(namespace, jti, mark)), moment))
                if self._mark(arena, slot, (bucket, whose), places):
                    return place
            start, positions = self._place(arena, slot, mark_name(namespace, jti, mark))
            with held(arena.lock, start, BLOCK_BYTES):
                return repeat_of(moments_of(arena.memory, start, positions, moments))

    async def state(self, now: float) -> ReplayState:
        """Tell how the filter is."""
        with self._threads:
            try:
                arena = self._current(now)
            except Unavailable:
                return ReplayState(self.scope, False, 0.0, self._epoch)
            fills = [
                arena.fill(slot)
                for slot, bucket in enumerate(arena.buckets)
                if bucket != FREE and not self._layout.window.is_over(bucket, now)
            ]
        return ReplayState(self.scope, now >= arena.epoch, max(fills, default=0.0), arena.epoch)

    async def close(self) -> None:
        """Let the file go; the next spend opens it again."""
        with self._threads:
            self._drop_arena()

    def _restart_in_child(self) -> None:  # pragma: no cover - runs in forked children only
        """Forget the parent's descriptor, and a lock that one of its threads may have held at the fork."""
        self._threads = threading.Lock()
        self._drop_arena()

    def _drop_arena(self) -> None:
        """Close the file and forget what was read in it."""
        if self._arena is not None:
            self._arena.close()
        self._arena = None
        self._slots.clear()
        self._lanes.clear()
        self._room.clear()

    def _open(self, now: float) -> Arena:
        """Open the file."""
        return open_arena(
            self._directory, self._layout, key=self._key, now=now, boot=self._boot, lock=self._make_lock
        )

    def _current(self, now: float) -> Arena:
        """Return the file that every worker sees, opening it where need be."""
        # Looked at for every spend: who cleans /dev/shm (systemd's RemoveIPC does at a logout) would
        # otherwise leave old workers on a file that new workers do not see, and each side would honour the
        # same token.
        if self._arena is not None and self._arena.is_orphan():
            self._drop_arena()
        if self._arena is None:
            try:
                self._arena = self._open(now)
            except Misconfigured as problem:
                raise Unavailable(str(problem)) from None
            self._epoch = self._arena.epoch
        return self._arena

    def _take_slot(self, arena: Arena, bucket: int, now: float) -> int:
        """Return the slot of a bucket that was not asked for before."""
        slot = arena.take(bucket, now)
        if bucket < arena.floor:
            raise Expired("the replay filter has forgotten tokens of that age")
        if slot is None:
            raise Unavailable("the replay filter holds all the buckets it may: the clock was set back far")
        # What was dropped is asked for no more.
        self._slots = {n: at for n, at in self._slots.items() if n >= arena.floor} | {bucket: slot}
        self._room = {place: room for place, room in self._room.items() if place[0] >= arena.floor}
        return slot

    def _lane(self, arena: Arena, name: str) -> int:
        """Return the number of a namespace, asking the file once."""
        if name not in self._lanes:
            self._lanes[name] = arena.lane(name)
        return self._lanes[name]

    def _place(self, arena: Arena, slot: int, name: bytes) -> tuple[int, list[int]]:
        """Return where a name's block begins in the file, and its positions there."""
        block, positions = self._placer.place(name)
        return arena.block_start(slot, block), positions

    def _mark(
        self, arena: Arena, slot: int, place: tuple[int, int], places: Sequence[tuple[int, list[int], int]]
    ) -> bool:
        """Mark the places where the first of them is fresh, all of them or none; tell whether it was.

        ``place`` is the bucket and the number of the namespace whose room they take.
        """
        # Taken before the blocks are locked, and before anything is marked: a worker killed in between leaves too much
        # taken, which is safe.
        self._room[place] = room = self._room_for(arena, slot, place, len(places))
        locked: list[int] = []
        try:
            # In order, so that no two workers wait for each other.
            for start in sorted({start for start, _, _ in places}):
                arena.lock.acquire(start, BLOCK_BYTES)
                locked.append(start)
            if not arena.holds(slot, place[0]):
                raise Expired("the replay filter has forgotten tokens of that age")
            if is_marked(arena.memory, *places[0][:2]):
                return False
            if room < len(places):
                raise full(self._layout.window.bucket_seconds)
            self._room[place] = room - len(places)
            # The attempt comes first: where a worker is killed in between, it is spent, and no mark says otherwise.
            for start, positions, moment in places:
                mark_bits(arena.memory, start, positions, moment)
            return True
        finally:
            for start in locked:
                arena.lock.release(start, BLOCK_BYTES)

    def _room_for(self, arena: Arena, slot: int, place: tuple[int, int], marks: int) -> int:
        """Return how much room this worker has taken, taking more where it is not enough and there is any left."""
        room = self._room.get(place, 0)
        while room < marks and (more := arena.claim(slot, *place)):
            room += more
        return room


def _restart(replay: SharedReplay | None) -> None:  # pragma: no cover - runs in forked children only
    """Let a forked child open the file for itself.

    The descriptor that it inherits is the parent's: locks on it would not exclude the parent, and would
    outlive it.
    """
    if replay is not None:
        replay._restart_in_child()
