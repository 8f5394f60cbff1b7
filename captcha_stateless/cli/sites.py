"""``sites``: add, list and check the sites that are served."""

import secrets
import sys
from pathlib import Path
from urllib.parse import quote

import click

from captcha_stateless import sites
from captcha_stateless.cli.base import plainly, read_settings, tell_problems
from captcha_stateless.errors import Misconfigured

# A site's secret has 256 bits, so that a fast hash of it is enough; its key is public.
_SECRET_BYTES, _KEY_BYTES = 32, 12


@click.group("sites")
def sites_group() -> None:
    """Add, list and check the sites that are served."""


@sites_group.command("add")
@click.argument("name")
@click.option(
    "--host", "hosts", multiple=True, help="Host name of its pages; *.shop.example: every one below."
)
@click.option("--kind", "kinds", multiple=True, help="Kind of challenge that counts; without: you are asked.")
@click.option("--profile", default="", help="Profile of its grid.")
@click.option("--policy", default="", help="Its policy.")
@click.option("--return", "returns", multiple=True, help="Address to which /nojs may send a pass.")
@click.option("--key", default="", help="Its public key, where clients know one already; without: a new one.")
@plainly
def add_site(
    name: str,
    hosts: tuple[str, ...],
    kinds: tuple[str, ...],
    profile: str,
    policy: str,
    returns: tuple[str, ...],
    key: str,
) -> None:
    """Add a site to the sites file, and show its secret: this once."""
    from captcha_stateless.sites.checks import fit
    from captcha_stateless.wall.checks import Known

    path, secret = _sites_file(), secrets.token_hex(_SECRET_BYTES)
    key = key or secrets.token_hex(_KEY_BYTES)
    lists = {"hosts": list(hosts), "kinds": list(kinds or _asked_kinds()), "returns": list(returns)}
    options = {**lists, "profile": profile, "policy": policy}
    site = sites.make(name, key, secret, **options)
    tell_problems(fit(site, Known()))
    sites.append(path, site)
    click.echo(f"site key: {key}\nsecret:   {secret}")
    click.echo(f"Only the secret's hash is kept, in {path}: note the secret down now.")


@sites_group.command("list")
@plainly
def list_sites() -> None:
    """List the sites, without their secrets."""
    path = read_settings().sites
    for site in sites.load(path).all if path else (sites.DEVELOPMENT,):
        hosts, kinds = ", ".join(site.hosts) or "any", ", ".join(site.counting)
        click.echo(f"{site.key}  {site.name}  hosts: {hosts}  kinds: {kinds}")


@sites_group.command("check")
@plainly
def check_sites() -> None:
    """Check the sites file as the server does; exit with 1 when a site or a policy cannot work."""
    from captcha_stateless.agents import known
    from captcha_stateless.app import create_engine
    from captcha_stateless.sites.checks import problems
    from captcha_stateless.tokens.keys import fresh_ring

    path, settings = _sites_file(), read_settings()
    found = sites.load(path)
    ring = fresh_ring(0)  # whoever checks a file need not hold the keys
    tell_problems(
        problems(found, settings.policy, create_engine(settings, lambda: ring).plan, known(settings))
    )
    count = len(found.all)
    click.echo(f"{path}: {count} {'site' if count == 1 else 'sites'}, all good.")


@sites_group.command("altcha")
@click.argument("key")
@plainly
def show_altcha(key: str) -> None:
    """Show what the back end of a site sets to verify ALTCHA's payloads by itself."""
    from captcha_stateless.formats import altcha
    from captcha_stateless.tokens import keys

    settings = read_settings()
    served = sites.load(settings.sites) if settings.sites else sites.DEVELOPMENT_SITES
    site, share_key = served.find(key), keys.load(settings.keys).derive("share")
    held = altcha.keys(share_key, site.key, site.secret_sha256)
    click.echo(f"challenge URL:        /altcha/v2/challenge?apiKey={quote(site.key)}")
    click.echo(f"HMAC secret:          {held.signature}")
    click.echo(f"HMAC key secret:      {held.key}")
    click.echo("They follow from the key ring and from the site's secret: another secret makes others.")


def _asked_kinds() -> tuple[str, ...]:
    """Ask which kinds count, where there is somebody to ask; either way the file then names them."""
    usual = " ".join(sites.DEFAULT_KINDS)
    if not sys.stdin.isatty():
        return sites.DEFAULT_KINDS
    click.echo("A bot takes the weakest kind that counts. Work is done by any program.")
    return tuple(click.prompt("Kinds of challenge that count", default=usual).replace(",", " ").split())


def _sites_file() -> Path:
    path = read_settings().sites
    if path is None:
        raise Misconfigured("CAPTCHA_SITES names no file; set it first, e.g. CAPTCHA_SITES=sites.toml")
    return path
