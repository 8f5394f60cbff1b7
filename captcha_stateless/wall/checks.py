"""What of a site's rules can be read, but can never match here."""

from collections.abc import Iterator
from typing import NamedTuple

from captcha_stateless.settings import Settings
from captcha_stateless.wall import crawlers
from captcha_stateless.wall.conditions import ANY, Condition, near
from captcha_stateless.wall.rules import Rules, sets


class Known(NamedTuple):
    """What can be known of visitors here: whether their country and autonomous system, and which crawlers and agents."""

    country: bool = False
    asn: bool = False
    crawlers: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()


def known(settings: Settings, agents: frozenset[str]) -> Known:
    """Tell what can be known of visitors, by the settings, where so many agents' keys are pinned.

    Raises:
        Misconfigured: when a file that they name cannot be read.
    """
    trusts = bool(settings.trusted_proxies)
    return Known(
        country=trusts and bool(settings.country_header),
        asn=trusts and bool(settings.asn_header),
        crawlers=crawlers.verifiable(settings),
        agents=agents,
    )


def problems(rules: Rules, here: Known) -> Iterator[str]:
    """Tell which rules ask for what is never known here."""
    for rule in rules.all:
        for condition in rule.conditions:
            for problem in _unknown(condition, here):
                yield f"rule {rule.name}: {problem}"


def _unknown(condition: Condition, here: Known) -> Iterator[str]:
    match condition.name:
        case "country" | "asn" as name if not getattr(here, name):
            yield (
                f"{name} is what a header of a trusted proxy says: set CAPTCHA_{name.upper()}_HEADER and "
                "CAPTCHA_TRUSTED_PROXIES"
            )
        case "crawler":
            yield from (_crawler(name, here) for name in condition.values if not _told(name, here.crawlers))
        case "agent":
            yield from (_agent(name, here) for name in condition.values if not _told(name, here.agents))
        case "set":
            # Of a set that comes along it is enough that some of it can be told.
            asked = {name for entry in sets()[condition.values[0]] for name in entry.get("crawler", ())}
            if asked and not asked & here.crawlers:
                yield f"none of its crawlers can be verified here: {_HOW}"


_HOW = "set CAPTCHA_CRAWLERS to a file that `captcha-stateless rules refresh` writes, or CAPTCHA_CRAWLER_DNS"


def _told(name: str, names: frozenset[str]) -> bool:
    return bool(names) if name == ANY else name in names


def _crawler(name: str, here: Known) -> str:
    if name == ANY:
        return f"no crawler can be verified here: {_HOW}"
    if name not in crawlers.table():
        return f"there is no crawler {name}: {near(name, here.crawlers | crawlers.table().keys())}"
    return f"crawler {name} cannot be verified here: {_HOW}"


def _agent(name: str, here: Known) -> str:
    if not here.agents:
        return f"agent {name} cannot be verified here: set CAPTCHA_AGENTS to a file of pinned keys"
    return f"there is no agent {name}: {near(name, here.agents)}"
