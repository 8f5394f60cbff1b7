"""Write the tables that the code knows into the README: `make docs`."""

import re
from pathlib import Path

from captcha_stateless.settings import table

README = Path(__file__).parent.parent / "README.md"


def main() -> None:
    """Replace what stands between the marks."""
    text = README.read_text(encoding="utf-8")
    marked = f"<!-- settings -->\n{table()}\n<!-- /settings -->"
    README.write_text(
        re.sub(r"<!-- settings -->.*<!-- /settings -->", lambda _: marked, text, flags=re.DOTALL),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
