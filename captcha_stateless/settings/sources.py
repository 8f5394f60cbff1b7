"""Where settings come from: the environment, files that it names for secrets, and a TOML file."""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

PREFIX = "CAPTCHA_"
#: Names the TOML file; it is no setting itself.
FILE_VARIABLE = f"{PREFIX}CONFIG"

_MAX_FILE_BYTES = 1_048_576
#: What the test suite asks of itself.
_TESTS = "TEST_"


def read(environ: Mapping[str, str], secrets: Mapping[str, bool], problems: list[str]) -> dict[str, str]:
    """Read the text of every setting that is set; the environment goes before the file.

    Args:
        environ: the environment.
        secrets: for each setting's name, whether a file of its own may hold it (``CAPTCHA_<NAME>_FILE``).
        problems: gets one line for each mistake.
    """
    return {**_from_file(environ, secrets, problems), **_from_environ(environ, secrets, problems)}


def unknown(environ: Mapping[str, str], secrets: Mapping[str, bool]) -> Iterator[str]:
    """Warn of every ``CAPTCHA_*`` name that is no setting, with the nearest one that is."""
    known = {
        name.removeprefix(PREFIX)
        for setting in secrets
        for name in variables(setting, secret=secrets[setting])
    }
    known.add(FILE_VARIABLE.removeprefix(PREFIX))
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX)
        if name not in known and name != variable and not name.startswith(_TESTS):
            yield f"{variable} is no setting" + _hint(name, known, PREFIX)


def variables(setting: str, *, secret: bool) -> tuple[str, ...]:
    """Name the variables of a setting."""
    name = PREFIX + setting.upper()
    return (name, f"{name}_FILE") if secret else (name,)


def _from_environ(
    environ: Mapping[str, str], secrets: Mapping[str, bool], problems: list[str]
) -> dict[str, str]:
    values: dict[str, str] = {}
    for setting, secret in secrets.items():
        for variable in variables(setting, secret=secret):
            if variable not in environ:
                continue
            if setting in values:
                problems.append(f"{variable}: set this or {PREFIX}{setting.upper()}, not both")
            elif variable.endswith("_FILE"):
                values[setting] = _read(Path(environ[variable]), variable, problems).rstrip("\r\n")
            else:
                values[setting] = environ[variable]
    return values


def _from_file(
    environ: Mapping[str, str], secrets: Mapping[str, bool], problems: list[str]
) -> dict[str, str]:
    if FILE_VARIABLE not in environ:
        return {}
    path = Path(environ[FILE_VARIABLE])
    try:
        document = tomllib.loads(_read(path, FILE_VARIABLE, problems))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problems.append(f"{path}: {error}")
        return {}
    for name in sorted(set(document) - set(secrets)):
        problems.append(f"{path}: {name} is no setting" + _hint(name, secrets))
    return {name: _as_text(value) for name, value in document.items() if name in secrets}


def _hint(name: str, known: Iterable[str], prefix: str = "") -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {prefix}{near[0]}?" if near else ""


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)


def _read(path: Path, variable: str, problems: list[str]) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:  # some editors begin with a byte order mark
            return file.read(_MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        problems.append(f"{variable}: cannot read {path} ({reason})")
        return ""
