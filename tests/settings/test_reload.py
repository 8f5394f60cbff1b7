"""A watched file: read again when it changes, kept when it is bad."""

from pathlib import Path

import pytest

from captcha_stateless.errors import Misconfigured
from captcha_stateless.settings.reload import Reloaded
from tests.support import Clock


def load(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        raise Misconfigured("no number") from None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "number"
    file.write_text("1")
    return file


def test_a_changed_file_is_read_within_the_interval(path: Path) -> None:
    clock = Clock()
    watched = Reloaded(path, load, interval_seconds=1, clock=clock)
    path.write_text("22")

    before = watched.value
    clock.pass_(1)

    assert (before, watched.value) == (1, 22)


def test_an_unchanged_file_is_not_read_again(path: Path) -> None:
    clock, loads = Clock(), []

    def counted(file: Path) -> int:
        loads.append(file)
        return load(file)

    watched = Reloaded(path, counted, interval_seconds=1, clock=clock)
    clock.pass_(5)

    assert (watched.value, len(loads)) == (1, 1)


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("bad"), lambda path: path.unlink()])
def test_a_bad_file_keeps_the_old_value_and_says_so(
    path: Path, spoil: object, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    watched = Reloaded(path, load, interval_seconds=1, clock=clock)
    assert callable(spoil)
    spoil(path)

    clock.pass_(1)

    assert watched.value == 1
    assert "the old one stays in force" in caplog.text


def test_reload_reads_at_once(path: Path) -> None:
    watched = Reloaded(path, load, interval_seconds=1, clock=Clock())
    path.write_text("2")

    watched.reload()

    assert watched.value == 2


def test_a_file_bad_from_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        Reloaded(tmp_path / "none", load)
