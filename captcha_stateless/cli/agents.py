"""``agents``: whose signatures count: pin, list and refresh."""

from pathlib import Path

import click

from captcha_stateless.cli import pinning
from captcha_stateless.cli.base import plainly, read_settings
from captcha_stateless.cli.pinning import Entry
from captcha_stateless.errors import Misconfigured


@click.group("agents")
def agents_group() -> None:
    """Pin signed agents (Web Bot Auth), list them, refresh their keys."""


@agents_group.command("add")
@click.argument("name")
@click.argument("directory")
@plainly
def add(name: str, directory: str) -> None:
    """Pin an agent: the NAME that rules know it by, and the origin of its DIRECTORY of keys."""
    from captcha_stateless.agents.directory import ENTRIES, load, require_entry

    pinning.add(_file(), ENTRIES, require_entry(name, directory), _keys, load)


@agents_group.command("list")
@plainly
def show() -> None:
    """List the agents, and the thumbprints of their keys."""
    from captcha_stateless.agents.directory import load

    for keyid, known in load(_file()).items():
        click.echo(f"{known.agent}  {known.origin}  {keyid}")


@agents_group.command("refresh")
@plainly
def refresh() -> None:
    """Fetch the keys of all pinned agents from their directories; servers read the file within a second."""
    from captcha_stateless.agents.directory import ENTRIES, load

    pinning.refresh(_file(), ENTRIES, _keys, load)


def _keys(entry: Entry) -> list[Entry]:
    from captcha_stateless.agents.directory import MEDIA_TYPE, PATH, pinned
    from captcha_stateless.stores.fetched import fetch

    return pinned(fetch(f"{entry['directory']}{PATH}", [MEDIA_TYPE]))


def _file() -> Path:
    path = read_settings().agents
    if path is None:
        raise Misconfigured("CAPTCHA_AGENTS names no file; set it first, e.g. CAPTCHA_AGENTS=agents.json")
    return path
