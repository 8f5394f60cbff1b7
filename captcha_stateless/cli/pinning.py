"""Files of keys that others publish: entries added, and their keys fetched anew; a server only reads them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from captcha_stateless.errors import CaptchaError, Misconfigured
from captcha_stateless.stores import documents

Entry = dict[str, Any]
#: Fetches the keys that an entry's owner publishes now.
Fetch = Callable[[Entry], list[Entry]]
#: Reads a file as the server does.
Load = Callable[[Path], object]


def add(path: Path, entries: str, entry: Entry, keys: Fetch, load: Load) -> None:
    """Add an entry with the keys that it publishes now.

    Raises:
        Misconfigured: when one of its name is there, or the file cannot be read or written.
        Unavailable: when its keys cannot be had; nothing is written.
    """
    before = documents.read(path, entries) if path.exists() else []
    if any(other.get("name") == entry["name"] for other in before):
        raise Misconfigured(f"{path} names {entry['name']} already")
    _replace(path, entries, before, [*before, {**entry, "keys": keys(entry)}], load)
    click.echo(f"{entry['name']} is pinned in {path}.")


def refresh(path: Path, entries: str, keys: Fetch, load: Load) -> None:
    """Fetch the keys of all entries; one that fails keeps those that it has.

    Raises:
        Misconfigured: when one failed, after the others were written; or the file cannot be read or written.
    """
    load(path)
    listed, failed = documents.read(path, entries), 0
    for number, entry in enumerate(listed):
        try:
            found = keys(entry)
            fresh = [*listed[:number], {**entry, "keys": found}, *listed[number + 1 :]]
            # One by one: whoever publishes what cannot be pinned, such as another's key, keeps nobody else from new ones.
            _replace(path, entries, listed, fresh, load)
        except CaptchaError as error:
            click.echo(f"{entry.get('name')}: {error}; its keys stay as they are", err=True)
            failed += 1
            continue
        listed = fresh
        changed = "" if found == entry.get("keys") else ", changed"
        click.echo(f"{entry.get('name')}: {len(found)} {'key' if len(found) == 1 else 'keys'}{changed}")
    if failed:
        raise Misconfigured(f"{failed} of {len(listed)} could not be refreshed")


def _replace(path: Path, entries: str, before: list[Entry], after: list[Entry], load: Load) -> None:
    """Write what a server can read, or leave what there is: two may have come to share a key."""
    documents.write(path, entries, after)
    try:
        load(path)
    except Misconfigured:
        documents.write(path, entries, before)
        raise
