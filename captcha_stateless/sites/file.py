"""The sites' TOML file: read, and appended to."""

import json
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from captcha_stateless.errors import Misconfigured
from captcha_stateless.sites import policy as policies
from captcha_stateless.sites.site import Site, Sites
from captcha_stateless.stores import files
from captcha_stateless.tokens.digests import fingerprint
from captcha_stateless.wall import Rules, rules

_MAX_FILE_BYTES = 1_048_576
_SHA256_BYTES = 32
# No user, no fragment, and nothing that could end an attribute or a directive of a policy.
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?(/[A-Za-z0-9._~%!$&()*+=:@/?\-]*)?")


def load(path: Path) -> Sites:
    """Read the sites from their TOML file, one ``[[site]]`` table each, and the policies, one ``[[policy]]`` table each.

    Raises:
        Misconfigured: when the file cannot be read, or a site is not of that form.
    """
    try:
        with path.open("rb") as file:
            document = tomllib.loads(file.read(_MAX_FILE_BYTES).decode("utf-8-sig"))
    except OSError as error:
        raise Misconfigured(f"cannot read the sites file {path} ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{path} is not TOML: {error}") from None
    entries = {name: _tables(path, name, document.pop(name, [])) for name in ("site", "policy")}
    if document:
        raise Misconfigured(f"{path} may hold [[site]] and [[policy]] tables only")
    made = (_site(path, number, entry) for number, entry in enumerate(entries["site"], 1))
    return Sites(made, policies.parse(str(path), entries["policy"]))


def _tables(path: Path, name: str, value: object) -> list[dict[str, Any]]:
    if not (isinstance(value, list) and all(isinstance(table, dict) for table in value)):
        raise Misconfigured(f"{path}: {name} must be [[{name}]] tables")
    return value


def make(name: str, key: str, secret: str, **options: Any) -> Site:
    """Make a site of what an operator says, as :func:`load` would read it.

    Raises:
        Misconfigured: when it is not of a site's form.
    """
    sha256 = fingerprint(secret).hex()
    return _site(Path("the new site"), 1, {"name": name, "key": key, "secret_sha256": sha256, **options})


def append(path: Path, site: Site) -> None:
    """Add a site to the end of its file in one step, leaving the rest of the file as it is.

    Raises:
        Misconfigured: when the file cannot be read or written, or a site of this key or secret is there already.
    """
    before = load(path) if path.exists() else Sites([])
    Sites([*before.all, site], before.policies)
    try:
        text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else files.PRIVATE
        files.replace(path, f"{text.rstrip()}\n\n{_written(site)}".lstrip().encode(), mode)
    except OSError as error:
        raise Misconfigured(f"cannot write the sites file {path} ({error.strerror})") from None


def _written(site: Site) -> str:
    lists = {"hosts": site.hosts, "kinds": site.kinds, "returns": site.returns}
    lines = [
        "[[site]]",
        *(f"{name} = {_quoted(text)}" for name, text in (("name", site.name), ("key", site.key))),
        f'secret_sha256 = "{site.secret_sha256.hex()}"',
        *(f"{name} = [{', '.join(map(_quoted, texts))}]" for name, texts in lists.items() if texts),
        *(
            f"{name} = {_quoted(text)}"
            for name, text in (("profile", site.profile), ("policy", site.policy))
            if text
        ),
        *(f"{name} = true" for name in ("origin_required", "bound") if getattr(site, name)),
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string (TOML 1.0), but for the one control character that JSON leaves bare.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _site(path: Path, number: int, entry: Mapping[str, Any]) -> Site:
    where = f"{path}, site {number}"
    known = {
        "name": str,
        "key": str,
        "secret_sha256": str,
        "profile": str,
        "policy": str,
        "hosts": list,
        "kinds": list,
        "returns": list,
        "origin_required": bool,
        "bound": bool,
        "rule": list,
    }
    for field, value in entry.items():
        if field not in known or not isinstance(value, known[field]):
            raise Misconfigured(f"{where}: {field} is unknown or of the wrong type")
    try:
        secret_sha256 = bytes.fromhex(entry["secret_sha256"])
        name, key = entry["name"], entry["key"]
    except (KeyError, ValueError):
        raise Misconfigured(
            f"{where}: name, key and secret_sha256 (64 hexadecimal digits) are needed"
        ) from None
    if len(secret_sha256) != _SHA256_BYTES or not (
        0 < len(key) <= 64 and key.isascii() and key.isprintable()
    ):
        raise Misconfigured(
            f"{where}: key must be 1 to 64 ASCII characters, secret_sha256 64 hexadecimal digits"
        )
    return Site(
        name=name,
        key=key,
        secret_sha256=secret_sha256,
        hosts=_texts(where, entry.get("hosts", [])),
        kinds=_texts(where, entry.get("kinds", [])),
        profile=entry.get("profile", ""),
        policy=entry.get("policy", ""),
        returns=_addresses(where, entry.get("returns", [])),
        origin_required=entry.get("origin_required", False),
        bound=entry.get("bound", False),
        rules=_rules(path, where, entry.get("rule", [])),
    )


def _rules(path: Path, where: str, entries: list[Any]) -> Rules:
    if not all(isinstance(entry, dict) for entry in entries):
        raise Misconfigured(f"{where}: rule must be [[site.rule]] tables")
    return rules.parse(where, entries, path.parent)


def _texts(where: str, values: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise Misconfigured(f"{where}: hosts and kinds are lists of text")
    return tuple(value.lower() for value in values)


def _addresses(where: str, values: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(value, str) and _ADDRESS.fullmatch(value) for value in values):
        raise Misconfigured(f"{where}: returns are addresses such as https://shop.example/sign-up")
    return tuple(values)
