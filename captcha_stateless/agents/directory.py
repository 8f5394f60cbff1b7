"""Agents whose signatures count, and their keys, pinned in a file that ``agents refresh`` writes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from captcha_stateless.errors import Misconfigured
from captcha_stateless.stores import documents
from captcha_stateless.tokens import agentkeys
from captcha_stateless.tokens.agentkeys import PublicKey

#: What the file's list is called.
ENTRIES = "agents"
#: Where agents publish their keys, and as what (draft-meunier-http-message-signatures-directory).
PATH = "/.well-known/http-message-signatures-directory"
MEDIA_TYPE = "application/http-message-signatures-directory+json"

_MOST_KEYS, _MOST_NAME = 16, 64
_LATEST = 2**53


@dataclass(frozen=True, slots=True)
class AgentKey:
    """One key: whose it is, the origin of that agent's directory, and from when to when it signs (Unix seconds)."""

    agent: str
    origin: str
    key: PublicKey
    since: int
    until: int


def load(path: Path) -> Mapping[str, AgentKey]:
    """Read the pinned keys, by their thumbprints.

    Raises:
        Misconfigured: when the file cannot be read, is not of the form that ``agents add`` writes, or two agents share a
            name or a key.
    """
    listed = documents.read(path, ENTRIES)
    found: dict[str, AgentKey] = {}
    names: set[str] = set()
    for entry in listed:
        name = entry.get("name")
        keys = dict(_entry(path, entry))
        if name in names or keys.keys() & found.keys():
            raise Misconfigured(f"{path}: {name} shares its name or a key with another agent")
        names.add(str(name))
        found |= keys
    return found


def origin(address: str) -> str:
    """Tell the origin of an agent's directory, as a browser writes it.

    Raises:
        ValueError: when the address is none of HTTPS.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None or not address.isascii():
        raise ValueError("not an address of HTTPS")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}" if parts.port in (None, 443) else f"https://{host}:{parts.port}"


def require_entry(name: str, address: str) -> dict[str, Any]:
    """Make a new agent's entry, without keys yet.

    Raises:
        Misconfigured: when the name or the address is none.
    """
    if not (0 < len(name) <= _MOST_NAME and name.isascii() and name.isprintable()):
        raise Misconfigured(f"an agent's name is 1 to {_MOST_NAME} ASCII characters")
    try:
        return {"name": name, "directory": origin(address), "keys": []}
    except ValueError:
        raise Misconfigured(f"{address} is no directory: write https://agent.example") from None


def pinned(directory: bytes) -> list[dict[str, Any]]:
    """Take the keys out of an agent's directory, a JWK Set, as the file keeps them.

    Raises:
        Misconfigured: when it is no directory, or holds no Ed25519 key.
    """
    try:
        listed = json.loads(directory)["keys"]
        ours = [entry for entry in listed if entry.get("crv") == "Ed25519"][:_MOST_KEYS]
        members = ("kty", "crv", "x", "nbf", "exp")
        keys = [{name: entry[name] for name in members if name in entry} for entry in ours]
        dict(_keys("", "", keys))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Misconfigured("what it publishes is no directory of keys") from None
    if not keys:
        raise Misconfigured("it publishes no Ed25519 key")
    return keys


def _entry(path: Path, entry: Mapping[str, Any]) -> Iterator[tuple[str, AgentKey]]:
    name, directory = entry.get("name"), entry.get("directory")
    if not (
        isinstance(name, str) and isinstance(directory, str) and set(entry) <= {"name", "directory", "keys"}
    ):
        raise Misconfigured(f"{path}: an agent has a name, a directory and keys")
    home = require_entry(name, directory)["directory"]
    try:
        yield from _keys(name, home, entry.get("keys", []))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Misconfigured(
            f"{path}: a key of {name} is none; run `captcha-stateless agents refresh`"
        ) from None


def _keys(name: str, home: str, entries: list[dict[str, Any]]) -> Iterator[tuple[str, AgentKey]]:
    for entry in entries:
        keyid, key = agentkeys.read(entry)
        since, until = (_second(entry, member, default) for member, default in (("nbf", 0), ("exp", _LATEST)))
        yield keyid, AgentKey(name, home, key, since, until)


def _second(entry: Mapping[str, Any], member: str, default: int) -> int:
    value = entry.get(member, default)
    if type(value) not in (int, float) or not 0 <= value <= _LATEST:
        raise ValueError("not a Unix second")
    return int(value)
