"""Draw the rooms of the package and list them, from the code itself: `make docs` writes the drawing and the lists."""

import ast
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from textwrap import wrap

from tests.floors import FLOORS, PACKAGE, floor, imports, modules, part

DOCS = Path(__file__).parent
PAGE, DRAWING = DOCS / "architecture.md", DOCS / "architecture.svg"

#: In the drawing, in pixels.
WIDTH, BOX_HEIGHT, GAP, ROW = 980, 74, 16, 96
_LINE_CHARACTERS_A_PIXEL = 0.15

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f } .name { font-weight: 600; font-size: 14px }
  rect { fill: #f6f8fa; stroke: #8c959f } path { fill: none; stroke: #8c959f; stroke-width: 1; opacity: .55 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } rect { fill: #161b22; stroke: #6e7681 } path { stroke: #8b949e }
  }
"""


def says(path: Path) -> str:
    """Read the first sentence of a module's docstring, as Markdown."""
    text = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n\n")[0]
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", " ".join(text.split())).replace("``", "`")


def rooms() -> dict[str, Path]:
    """Find the root's modules and packages, by name."""
    return {name: path for name, path in modules() if "." not in name}


def edges() -> set[tuple[str, str]]:
    """Find which room imports which, as far as it does not follow from others."""
    found: dict[str, set[str]] = {}
    for name, path in modules():
        for target in imports(path.read_text(encoding="utf-8")):
            top, _, rest = target.partition(".")
            if top == PACKAGE and rest and part(rest) != part(name):
                found.setdefault(part(name), set()).add(part(rest))

    def below(name: str) -> set[str]:
        return {deeper for one in found.get(name, set()) for deeper in {one, *below(one)}}

    return {
        (name, one)
        for name, ones in found.items()
        for one in ones
        if not any(one in below(other) for other in ones - {one})
    }


def drawing() -> str:
    """Draw the floors, the highest above, as SVG."""
    known, boxes = rooms(), {}
    shown = [[name for name in names if name in known] for names in reversed(FLOORS)]
    for row, names in enumerate(shown):
        width = (WIDTH - GAP * (len(names) + 1)) / len(names)
        for at, name in enumerate(names):
            boxes[name] = (GAP + at * (width + GAP), GAP + row * ROW, width)
    height = GAP + len(shown) * ROW
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>The rooms of {PACKAGE}: imports go down only</title><style>{STYLE}</style>",
            *(_line(boxes[above], boxes[below]) for above, below in sorted(edges())),
            *(line for name, box in boxes.items() for line in _box(name, says(known[name]), box)),
            "</svg>\n",
        ]
    )


def _line(above: tuple[float, float, float], below: tuple[float, float, float]) -> str:
    x1, y1 = above[0] + above[2] / 2, above[1] + BOX_HEIGHT
    x2, y2 = below[0] + below[2] / 2, below[1]
    return f'<path d="M{x1:.0f} {y1:.0f} C{x1:.0f} {y1 + 40:.0f} {x2:.0f} {y2 - 40:.0f} {x2:.0f} {y2:.0f}"/>'


def _box(name: str, words: str, box: tuple[float, float, float]) -> Iterator[str]:
    x, y, width = box
    yield f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{BOX_HEIGHT}" rx="6"/>'
    yield f'<text class="name" x="{x + 10:.0f}" y="{y + 20:.0f}">{name}</text>'
    lines = wrap(words.replace("`", ""), max(16, int(width * _LINE_CHARACTERS_A_PIXEL)))
    for number, line in enumerate(lines[:3]):
        more = " …" if number == 2 and len(lines) > 3 else ""
        yield f'<text x="{x + 10:.0f}" y="{y + 37 + 15 * number:.0f}">{escape(line)}{more}</text>'


def listing() -> str:
    """List the root, and what is in each package, one line each."""
    packages = {name for name, path in rooms().items() if path.name == "__init__.py" and name != "__init__"}
    lines = ["| in the root | what it is |", "| --- | --- |"]
    lines += [
        f"| `{name}{'/' if name in packages else '.py'}` | {says(path)} |"
        for name, path in sorted(rooms().items(), key=lambda item: (-floor(item[0]), item[0]))
    ]
    for package in sorted(packages):
        inside = [(name, path) for name, path in modules() if part(name) == package and name != package]
        lines += ["", f"| in `{package}/` | what it is |", "| --- | --- |"]
        lines += [f"| `{name.partition('.')[2]}` | {says(path)} |" for name, path in inside]
    return "\n".join(lines)


def page(text: str) -> str:
    """Put the lists between the marks of the page."""
    marked = f"<!-- rooms -->\n{listing()}\n<!-- /rooms -->"
    return re.sub(r"<!-- rooms -->.*<!-- /rooms -->", lambda _: marked, text, flags=re.DOTALL)


def main() -> None:
    """Write the drawing and the page."""
    DRAWING.write_text(drawing(), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
