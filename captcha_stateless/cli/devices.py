"""``devices``: whose private tokens count: pin, list and refresh."""

from pathlib import Path

import click

from captcha_stateless.cli import pinning
from captcha_stateless.cli.base import plainly, read_settings
from captcha_stateless.cli.pinning import Entry
from captcha_stateless.errors import Misconfigured, Unavailable


@click.group("devices")
def devices_group() -> None:
    """Pin issuers of private tokens, list them, refresh their keys."""


@devices_group.command("add")
@click.argument("issuer")
@plainly
def add(issuer: str) -> None:
    """Pin an ISSUER, by its host name."""
    from captcha_stateless.devices.issuers import ENTRIES, load, require_name

    pinning.add(_file(), ENTRIES, {"name": require_name(issuer)}, _keys, load)


@devices_group.command("list")
@plainly
def show() -> None:
    """List the issuers, and the ids of their keys."""
    from captcha_stateless.devices.issuers import load

    for issuer in load(_file()):
        for since, key in issuer.keys:
            click.echo(f"{issuer.name}  {key.id.hex()}  from {since} on")


@devices_group.command("refresh")
@plainly
def refresh() -> None:
    """Fetch the keys of all pinned issuers from their directories; servers read the file within a second."""
    from captcha_stateless.devices.issuers import ENTRIES, load

    pinning.refresh(_file(), ENTRIES, _keys, load)


def _keys(entry: Entry) -> list[Entry]:
    from captcha_stateless.devices.issuers import MEDIA_TYPES, PATHS, pinned
    from captcha_stateless.stores.fetched import fetch

    newer, older = (f"https://{entry['name']}{path}" for path in PATHS)
    try:
        content = fetch(newer, MEDIA_TYPES)
    except Unavailable:
        content = fetch(older, MEDIA_TYPES)
    return pinned(content)


def _file() -> Path:
    path = read_settings().device_issuers
    if path is None:
        raise Misconfigured(
            "CAPTCHA_DEVICE_ISSUERS names no file; set it first, e.g. CAPTCHA_DEVICE_ISSUERS=issuers.json"
        )
    return path
