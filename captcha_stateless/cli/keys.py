"""``keys``: make, list and rotate the keys that seal challenges and sign passes."""

import time

import click

from captcha_stateless.cli.base import plainly, read_settings
from captcha_stateless.errors import Misconfigured
from captcha_stateless.tokens import keys

_DID: dict[keys.Step, str] = {
    "add": "Added a key that opens and a public key that verifies; neither is used for new tokens yet.",
    "switch": "The new keys seal and sign from now on; the ones before them still open and verify.",
    "delete": "Deleted the retired keys: what they sealed and signed is refused. The rotation is complete.",
}
_NEXT: dict[keys.Step, str] = {
    "add": f"then, after {keys.SETTLE_SECONDS // 60} minutes or more, run `captcha-stateless keys rotate` again.",
    "switch": f"then, after {keys.GRACE_SECONDS // 60} minutes or more, run `captcha-stateless keys rotate` again.",
    "delete": "nothing else is to do until the next rotation.",
}
#: The keys that a step must wait for, how long, and what would happen otherwise.
_WAITS: dict[keys.Step, tuple[keys.State, int, str]] = {
    "switch": ("next", keys.SETTLE_SECONDS, "is too new: a replica or an edge may not know it yet"),
    "delete": ("retired", keys.GRACE_SECONDS, "was retired too lately: tokens under it still live"),
}


@click.group("keys")
def keys_group() -> None:
    """Make, list and rotate the keys that seal challenges and sign passes."""


@keys_group.command()
@click.option("--if-missing", is_flag=True, help="Leave an existing key ring as it is, and say nothing.")
@plainly
def init(if_missing: bool) -> None:
    """Make a key ring; an existing one is never overwritten."""
    path = read_settings().keys
    if if_missing and path.exists():
        return
    keys.save(path, keys.fresh_ring(int(time.time())), overwrite=False)
    click.echo(f"Made {path}. Give every replica a copy, and nobody else.")


@keys_group.command("list")
@plainly
def list_keys() -> None:
    """List the keys, without their secrets."""
    now = time.time()
    for key in keys.load(read_settings().keys).all:
        use = "signs passes" if isinstance(key, keys.SigningKey) else "seals challenges"
        click.echo(f"{key.kid}  {key.state:8}  for {_span(now - key.since):6}  {use}")


@keys_group.command()
@click.option("--force", is_flag=True, help="Do not wait: tokens may be refused.")
@plainly
def rotate(force: bool) -> None:
    """Take the next of a rotation's three steps: add keys, let them seal and sign, delete the ones before."""
    path, now = read_settings().keys, int(time.time())
    ring = keys.load(path)
    step = ring.step
    if step in _WAITS and not force:
        _require_waited(ring, now, *_WAITS[step])
    moved = keys.rotated(ring, now) if step != "delete" else keys.without_retired(ring, now, -1)
    keys.save(path, moved, overwrite=True)
    click.echo(_DID[step])
    click.echo(f"Next: copy {path} to every replica; {_NEXT[step]}")


def _require_waited(ring: keys.KeyRing, now: int, state: keys.State, seconds: int, why: str) -> None:
    key = ring.find(state)
    if key is not None and now - key.since < seconds:
        wait = seconds - (now - key.since)
        raise Misconfigured(f"key {key.kid} {why}; wait {wait} s or use --force")


@keys_group.command()
@plainly
def retire() -> None:
    """Delete the retired keys that no living token needs."""
    path, now = read_settings().keys, int(time.time())
    ring = keys.load(path)
    rest = keys.without_retired(ring, now, keys.GRACE_SECONDS)
    dropped = len(ring.all) - len(rest.all)
    if dropped:
        keys.save(path, rest, overwrite=True)
    click.echo(f"Deleted {dropped} retired {'key' if dropped == 1 else 'keys'}; {len(rest.all)} left.")


def _span(seconds: float) -> str:
    for length, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{int(seconds // length)} {name}"
    return f"{max(0, int(seconds))} s"
