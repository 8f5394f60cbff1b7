"""JSON files that a command writes and a server reads: bounded, and whole."""

import json
from pathlib import Path
from typing import Any

from captcha_stateless.errors import Misconfigured
from captcha_stateless.stores import files

#: What is pinned is public: others may read it.
_PUBLIC = 0o644
_MAX_FILE_BYTES = 1_048_576


def read(path: Path, entries: str) -> list[dict[str, Any]]:
    """Read a document ``{"<entries>": [{…}, …]}``.

    Raises:
        Misconfigured: when the file cannot be read, or is not of that form.
    """
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_MAX_FILE_BYTES))
    except OSError as error:
        raise Misconfigured(f"cannot read {path} ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise Misconfigured(f"{path} is not JSON") from None
    found = document.get(entries) if isinstance(document, dict) else None
    if not (isinstance(found, list) and all(isinstance(entry, dict) for entry in found)):
        raise Misconfigured(f'{path} must hold {{"{entries}": [{{…}}]}}')
    return found


def write(path: Path, entries: str, listed: list[dict[str, Any]]) -> None:
    """Write such a document, in one step where the file system can.

    Raises:
        Misconfigured: when it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(path, json.dumps({entries: listed}, indent=1).encode("ascii") + b"\n", _PUBLIC)
    except OSError as error:
        raise Misconfigured(f"cannot write {path} ({error.strerror})") from None
