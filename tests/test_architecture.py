"""The page on the architecture is what the code says: `make docs` writes it."""

from pathlib import Path

import pytest

from docs import architecture
from tests.floors import FLOORS, ROOT, modules

MOST_LINES, MOST_IN_ROOT = 350, 12


def test_the_drawing_is_of_the_real_imports() -> None:
    assert architecture.DRAWING.read_text(encoding="utf-8") == architecture.drawing()


def test_every_room_is_listed_with_what_it_is() -> None:
    text = architecture.PAGE.read_text(encoding="utf-8")

    assert architecture.page(text) == text
    assert all(f"`{name.partition('.')[2] or name}" in text for name, _ in modules())


def test_the_floors_name_what_there_is_and_nothing_else() -> None:
    assert sorted(name for names in FLOORS for name in names) == sorted(architecture.rooms())


def test_a_newcomer_can_read_the_root() -> None:
    assert len(list(ROOT.glob("*.py"))) <= MOST_IN_ROOT


@pytest.mark.parametrize(
    "path", [path for _, path in modules()], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_file_is_too_long_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
