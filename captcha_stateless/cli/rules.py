"""``rules``: who passes the wall unasked: which rule decides, which sets come along, and fresh lists of crawlers."""

import asyncio
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from captcha_stateless import sites
from captcha_stateless.agents import known
from captcha_stateless.cli.base import plainly, read_settings
from captcha_stateless.errors import BadRequest, Misconfigured, Unavailable, WrongHost
from captcha_stateless.settings import Settings
from captcha_stateless.sites import Site
from captcha_stateless.wall import Visit, checks, paths
from captcha_stateless.wall.rules import Looked, Rule, sets

if TYPE_CHECKING:
    from captcha_stateless.wall.conditions import Condition

#: What a path may hold as it is; what is encoded already stays so.
_PLAIN = "/%!$&'()*+,;=:@~#?\\"
_BECOMES = {"allow": "let through", "deny": "denied", "ask": "asked", "weigh": "weighed"}


@click.group("rules")
def rules_group() -> None:
    """Try the rules of a site, list the sets that come along, refresh the lists of crawlers."""


@rules_group.command("try")
@click.option("--path", default="/", show_default=True, help="Path of the request, with or without a query.")
@click.option("--ip", "address", default="", help="Address of the visitor.")
@click.option("--ua", "user_agent", default="", help="User agent.")
@click.option("--method", default="GET", show_default=True, help="Method.")
@click.option("--host", default="", help="Host name; names the site too, where only one has it.")
@click.option("--header", "headers", multiple=True, help="A header, as NAME: VALUE; may be said again.")
@click.option("--country", default="", help="Country, as the trusted proxy says it.")
@click.option("--asn", default="", help="Number of the autonomous system, as the trusted proxy says it.")
@click.option("--agent", default="", help="Signed agent that is taken for verified.")
@click.option(
    "--crawler", default="", help="Crawler that is taken for verified; without: as the server would."
)
@click.option("--site", "key", default="", help="Key of the site.")
@plainly
def try_rules(
    path: str,
    address: str,
    user_agent: str,
    method: str,
    host: str,
    headers: tuple[str, ...],
    country: str,
    asn: str,
    agent: str,
    crawler: str,
    key: str,
) -> None:
    """Say which rule decides about a request, and why."""
    settings = read_settings()
    site = _site(settings, key, host)
    bare, _, query = quote(path, safe=_PLAIN).partition("?")
    given = {name.lower(): value for name, value in map(_header, headers)}
    if user_agent:
        given["user-agent"] = user_agent
    _require_address(address)
    for problem in checks.problems(site.rules, known(settings)):
        click.echo(f"Warning: {problem}", err=True)
    visit = Visit(
        method=method,
        scheme="https",
        host=host or (site.hosts[0] if site.hosts else ""),
        path=bare,
        query=query,
        address=address,
        headers=given,
        country=country,
        asn=asn,
        agent=agent,
        crawler=crawler,
    )
    if "crawler" in site.rules.needs and not crawler:
        visit = _verified(settings, visit)
    click.echo("\n".join(_told(site, visit)))


@rules_group.command("sets")
def list_sets() -> None:
    """List the sets of rules that come along, and what is in them."""
    for name, tables in sets().items():
        click.echo(name)
        for table in tables:
            words = (f"{field} {_values(value)}" for field, value in table.items())
            click.echo(f"    {'; '.join(words)}")


@rules_group.command("refresh")
@click.argument("names", nargs=-1)
@click.option(
    "--to", type=click.Path(dir_okay=False, path_type=Path), help="File; without: CAPTCHA_CRAWLERS."
)
@click.option("--source", "sources", multiple=True, help="NAME=URL: a list of your own, or another address.")
@plainly
def refresh_lists(names: tuple[str, ...], to: Path | None, sources: tuple[str, ...]) -> None:
    """Fetch the networks of crawlers from their operators; without NAMES those of all that publish any.

    A list that cannot be fetched leaves what the file holds of that crawler; the command then ends with 1.
    """
    from captcha_stateless.wall.refresh import refresh

    path = to or read_settings().crawlers
    if path is None:
        raise Misconfigured("CAPTCHA_CRAWLERS names no file; set it first, or say --to FILE")
    told = refresh(path, _sources(names, sources))
    for fetched in told:
        click.echo(
            f"{fetched.name}: {fetched.problem or f'{fetched.count} networks'}", err=bool(fetched.problem)
        )
    failed = [fetched.name for fetched in told if fetched.problem]
    if failed:
        raise Unavailable(f"not refreshed: {', '.join(failed)}; what {path} held of them is left as it was")
    click.echo(f"Written to {path}; a server that runs reads it by itself.")


def _sources(names: tuple[str, ...], own: tuple[str, ...]) -> dict[str, str]:
    from captcha_stateless.wall import crawlers

    published = {name: crawler.list for name, crawler in crawlers.table().items() if crawler.list}
    given = dict(source.split("=", 1) for source in own if "=" in source)
    wrong = [name for name in names if name not in published]
    if len(given) != len(own) or not all(each.startswith("https://") for each in given.values()):
        raise Misconfigured(
            "--source is NAME=URL, such as --source partner=https://partner.example/bots.json"
        )
    if any(not name.strip() or len(name.split()) != 1 or "#" in name for name in given):
        raise Misconfigured("--source: a crawler's name is one word")
    if wrong:
        raise Misconfigured(f"no list is published of {', '.join(wrong)}: choose from {', '.join(published)}")
    if not names and given:
        return given
    return {**{name: published[name] for name in names or published}, **given}


def _site(settings: Settings, key: str, host: str) -> Site:
    served = sites.load(settings.sites) if settings.sites else sites.DEVELOPMENT_SITES
    if key:
        return served.find(key)
    fitting = [site for site in served.all if not host or _has(site, host)]
    if len(fitting) != 1:
        keys = ", ".join(site.key for site in fitting or served.all)
        raise Misconfigured(f"say which site, by --site KEY: {keys}")
    return fitting[0]


def _has(site: Site, host: str) -> bool:
    try:
        site.require_host(host)
    except WrongHost:
        return False
    return True


def _require_address(address: str) -> None:
    try:
        ip_address(address or "::1")
    except ValueError:
        raise click.BadParameter(f"{address} is no address", param_hint="--ip") from None


def _header(text: str) -> tuple[str, str]:
    name, parting, value = text.partition(":")
    if not parting:
        raise BadRequest(f"a header is NAME: VALUE, and {text} has no colon")
    return name.strip(), value.strip()


def _verified(settings: Settings, visit: Visit) -> Visit:
    """Find out which crawler the visitor is, as the server does."""
    import time
    from dataclasses import replace

    from captcha_stateless.settings.reload import Reloaded
    from captcha_stateless.wall import crawlers

    listed = Reloaded(settings.crawlers, crawlers.load) if settings.crawlers else None
    verified = crawlers.create(settings, b"", listed, time.time)
    return replace(visit, crawler=asyncio.run(verified.crawler(visit)))


def _told(site: Site, visit: Visit) -> Iterator[str]:
    """Say in words what becomes of a visit."""
    who = visit.address or "an unknown address"
    known = f", verified as {visit.crawler or visit.agent}" if visit.crawler or visit.agent else ""
    yield f"{visit.method} {visit.path} from {who}{known}, at site {site.key}"
    read = paths.readings(visit.path)
    if len(read) != 1:
        ways = (
            f"may be read as {', '.join(sorted(map(paths.shown, read)))}"
            if read
            else "can be read in too many ways"
        )
        yield f"The path {ways}: it is let through where all of these are, and stopped where one of them is."
    yield ""
    if not site.rules.all:
        yield "The site has no rules."
    for number, looked in enumerate(site.rules.explain(visit), 1):
        yield from _looked(number, looked, visit)
    decision = site.rules.decide(visit)
    policy = f", by the policy {decision.policy}" if decision.policy else ""
    yield ""
    yield f"The visitor is {_BECOMES[decision.action]}{policy}: {_why(decision.rule)}."
    if decision.weight:
        yield f"{decision.weight} is added to the risk of 0 to 100."


def _looked(number: int, looked: Looked, visit: Visit) -> Iterator[str]:
    rule = looked.rule
    yield f"{number:>3}. {rule.name}: {_says(rule)} - {'holds' if looked.holds else 'does not hold'}"
    for condition, met in zip(rule.conditions, looked.met, strict=True):
        here = "" if met else _here(condition.name, visit)
        yield f"       {'yes' if met else 'no ':<3}  {_asked(condition)}{here and f', and here it is {here}'}"


def _here(condition: str, visit: Visit) -> str:
    """Say what a visit has in the place of what a condition asks for; empty: that can be seen, or it has nothing."""
    return {
        "method": visit.method,
        "country": visit.country or "unknown",
        "asn": visit.asn or "unknown",
        "crawler": visit.crawler or "none that is verified",
        "agent": visit.agent or "none that is verified",
        "user_agent": visit.headers.get("user-agent", "") or "none",
        "network": visit.address or "unknown",
        "network_file": visit.address or "unknown",
    }.get(condition, "")


def _says(rule: Rule) -> str:
    return f"weigh {rule.weight}" if rule.says == "weigh" else f"{rule.says} {rule.policy}".strip()


def _asked(condition: "Condition") -> str:
    return f"{condition.name} {' or '.join(condition.values)}"


def _why(rule: str) -> str:
    return f"the rule {rule} is the first that holds" if rule else "no rule holds that decides"


def _values(value: object) -> str:
    return " or ".join(value) if isinstance(value, list) else str(value)
