"""The page on the architecture is what the code says: `make docs` writes it."""

import os
from collections.abc import Iterator
from pathlib import Path

from docs import architecture
from tests.floors import FLOORS, ROOT, modules

MOST_LINES, MOST_IN_ROOT = 350, 12
WRITTEN = (".py", ".js", ".mjs", ".cjs", ".jsx", ".svelte", ".css", ".c", ".html")
ELSEWHERE = ("node_modules", "build", "dist")


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


def test_no_file_is_too_long_to_read() -> None:
    lengths = {
        path.as_posix(): len((ROOT.parent / path).read_text(encoding="utf-8").splitlines()) for path in ours()
    }

    assert {"captcha_stateless/app.py", "captcha_stateless/web/widget/box.css"} <= lengths.keys()
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def ours() -> Iterator[Path]:
    """Find what we write ourselves, below where the project stands."""
    top = ROOT.parent
    for folder, below, names in os.walk(top):
        below[:] = [name for name in below if name not in ELSEWHERE and not name.startswith(".")]
        yield from (Path(folder, name).relative_to(top) for name in names if name.endswith(WRITTEN))
