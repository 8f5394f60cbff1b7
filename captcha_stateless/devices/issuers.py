"""Issuers of private tokens: whose tokens count, and their keys, pinned in a file that ``devices refresh`` writes."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from captcha_stateless.errors import BadToken, Misconfigured
from captcha_stateless.stores import documents
from captcha_stateless.tokens import base64url
from captcha_stateless.tokens.privatetokens import IssuerKey

#: What the file's list is called.
ENTRIES = "issuers"
#: Where issuers publish their keys (RFC 9578, section 4), and where they did in the drafts.
PATHS = ("/.well-known/private-token-issuer-directory", "/.well-known/token-issuer-directory")
MEDIA_TYPES = ("application/private-token-issuer-directory", "application/json")

_TYPE = 2
#: Each issuer is a challenge of some 700 characters in a header.
_MOST_ISSUERS, _MOST_KEYS = 4, 8
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?(?::\d{1,5})?")
_LATEST = 2**53


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer: its host name, and its keys with the Unix second before which none of their tokens counts."""

    name: str
    keys: tuple[tuple[int, IssuerKey], ...] = ()

    def offered(self, now: float) -> IssuerKey | None:
        """Find the key that it wants used now: of those whose time has come the first (RFC 9578, section 4)."""
        return next((key for since, key in self.keys if since <= now), None)

    def key(self, key_id: bytes, now: float) -> IssuerKey:
        """Find a key of a token.

        Raises:
            BadToken: when it has no such key, or not yet.
        """
        for since, key in self.keys:
            if key.id == key_id and since <= now:
                return key
        raise BadToken("no key of this issuer")


def load(path: Path) -> tuple[Issuer, ...]:
    """Read the pinned issuers.

    Raises:
        Misconfigured: when the file cannot be read, or is not of the form that ``devices add`` writes.
    """
    listed = documents.read(path, ENTRIES)
    issuers = tuple(_issuer(path, entry) for entry in listed)
    if len(issuers) > _MOST_ISSUERS or len({issuer.name for issuer in issuers}) != len(issuers):
        raise Misconfigured(f"{path}: name each issuer once, and {_MOST_ISSUERS} at most")
    return issuers


def require_name(name: str) -> str:
    """Refuse what is no issuer's name.

    Raises:
        Misconfigured: when it is none.
    """
    if not _NAME.fullmatch(name):
        raise Misconfigured(f"{name} is no issuer's name: write its host, such as issuer.example")
    return name


def pinned(directory: bytes) -> list[dict[str, Any]]:
    """Take the keys out of an issuer's directory (RFC 9578, section 4), as the file keeps them.

    Raises:
        Misconfigured: when it is no directory, or holds no key of ours.
    """
    try:
        listed = json.loads(directory)["token-keys"]
        ours = [entry for entry in listed if entry["token-type"] == _TYPE][:_MOST_KEYS]
        keys = [
            {name: entry[name] for name in ("token-key", "not-before") if name in entry} for entry in ours
        ]
        _keys(keys)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Misconfigured("what it publishes is no issuer directory") from None
    if not keys:
        raise Misconfigured("it publishes no key of type 2, blind RSA")
    return keys


def _issuer(path: Path, entry: Mapping[str, Any]) -> Issuer:
    name = entry.get("name")
    if not isinstance(name, str) or not set(entry) <= {"name", "keys"}:
        raise Misconfigured(f"{path}: an issuer has a name and keys")
    try:
        return Issuer(require_name(name), _keys(entry.get("keys", [])))
    except (ValueError, KeyError, TypeError):
        raise Misconfigured(
            f"{path}: a key of {name} is none; run `captcha-stateless devices refresh`"
        ) from None


def _keys(entries: Iterable[Mapping[str, Any]]) -> tuple[tuple[int, IssuerKey], ...]:
    return tuple((_since(entry), IssuerKey(_bytes(entry["token-key"]))) for entry in entries)


def _since(entry: Mapping[str, Any]) -> int:
    since = entry.get("not-before", 0)
    if type(since) is not int or not 0 <= since < _LATEST:
        raise ValueError("not a Unix second")
    return since


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("not a text")
    # With its padding or without: directories are found in both spellings.
    return base64url.decode(text.rstrip("="))
