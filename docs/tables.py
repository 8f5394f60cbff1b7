"""Write the tables that the code knows into the documents: `make docs`."""

import re
from pathlib import Path

from captcha_stateless.settings import table

SETTINGS = Path(__file__).parent / "settings.md"


def main() -> None:
    """Replace what stands between the marks."""
    text = SETTINGS.read_text(encoding="utf-8")
    marked = f"<!-- settings -->\n{table()}\n<!-- /settings -->"
    SETTINGS.write_text(
        re.sub(r"<!-- settings -->.*<!-- /settings -->", lambda _: marked, text, flags=re.DOTALL),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
