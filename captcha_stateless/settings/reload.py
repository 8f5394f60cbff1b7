"""A value read from a file, and read again when the file changes."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from captcha_stateless.errors import Misconfigured

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Reloaded(Generic[T]):
    """Holds what ``load`` made of a file; a changed file replaces it, a bad one leaves it and is loudly logged.

    The file is looked at no more than once in ``interval_seconds``, so that reading ``value`` costs next to nothing.
    """

    def __init__(
        self,
        path: Path,
        load: Callable[[Path], T],
        *,
        interval_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the file for the first time.

        Raises:
            Misconfigured: when ``load`` does.
        """
        self._path, self._load, self._clock = path, load, clock
        self._interval_seconds = interval_seconds
        self._stamp = self._look()
        self._value = load(path)
        self._next_look = clock() + interval_seconds

    @property
    def value(self) -> T:
        """The newest good value."""
        if self._clock() >= self._next_look:
            self._next_look = self._clock() + self._interval_seconds
            if self._look() != self._stamp:
                self.reload()
        return self._value

    def reload(self) -> None:
        """Read the file now, whether or not it looks changed."""
        self._stamp = self._look()
        try:
            self._value = self._load(self._path)
        except Misconfigured as error:
            _log.error("%s is not used, the old one stays in force: %s", self._path, error)
        else:
            _log.info("%s was read again", self._path)

    def _look(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
