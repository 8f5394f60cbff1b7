"""Conditions: what a rule can ask of a visit; each is read from an operator's words once, and then told quickly."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from http import HTTPMethod
from pathlib import Path
from typing import NamedTuple

from captcha_stateless.errors import Misconfigured
from captcha_stateless.risk import networks
from captcha_stateless.risk.networks import Networks
from captcha_stateless.settings import spelling
from captcha_stateless.settings.reload import Reloaded
from captcha_stateless.wall import paths
from captcha_stateless.wall.visit import Visit

#: Stands for any verified crawler, or agent.
ANY = "*"

#: RFC 9110 and RFC 5789, and those of WebDAV (RFC 4918, RFC 3253, RFC 5323).
METHODS = (
    *(method.value for method in HTTPMethod),
    *("PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH"),
)
_COUNTRY = re.compile(r"[A-Z][A-Z0-9]")
#: Codes that people write, and what ISO 3166 has in their place.
_COUNTRIES = {"UK": "GB", "EL": "GR"}
_ASN = re.compile(r"(?:AS)?([1-9][0-9]{0,9})")
_MOST_NETWORK_BYTES = 16_777_216


class Seen:
    """A visit as conditions look at it: what several of them need is made of it once."""

    __slots__ = (
        "address",
        "agent",
        "asn",
        "country",
        "crawler",
        "headers",
        "method",
        "readings",
        "user_agent",
    )

    def __init__(self, visit: Visit, looks: frozenset[str]) -> None:
        """Look at what some rule asks for only."""
        self.method, self.country = visit.method, visit.country.upper()
        self.agent, self.crawler = visit.agent, visit.crawler
        self.asn = visit.asn.upper().removeprefix("AS")
        self.readings = paths.readings(visit.path) if "path" in looks else ()
        self.address = networks.parse(visit.address) if looks & {"network", "network_file"} else None
        self.headers = frozenset(visit.headers) if looks & {"header", "no_header"} else frozenset[str]()
        self.user_agent = visit.headers.get("user-agent", "").lower() if "user_agent" in looks else ""


Test = Callable[[Seen], bool]


class Place(NamedTuple):
    """What the reading of a condition hangs on: the folder that files are named from, and whether its rule lets through."""

    folder: Path
    allows: bool


class Condition(NamedTuple):
    """One condition: its name, what was written (any of it will do), and whether a visit meets it."""

    name: str
    values: tuple[str, ...]
    test: Test


def read(name: str, value: object, place: Place) -> Condition:
    """Read a condition.

    Raises:
        ValueError: when it is none, or could never be met; it says, in the words of a sentence's end, what to write.
        Misconfigured: when a file that it names cannot be read.
    """
    listed = value if isinstance(value, list) else [value]
    values = tuple(map(str, listed))
    right = (str, int) if name == "asn" else (str,)
    if not all(type(each) in right for each in listed):
        raise ValueError("must be a text, or a list of texts")
    if not all(values) or not values:
        raise ValueError("names nothing")
    return Condition(name, values, _readers(place)[name](values))


def near(word: str, known: Iterable[str]) -> str:
    """Say what somebody may have meant by a word that is unknown."""
    choices = sorted(known)
    found = get_close_matches(word.lower(), choices, n=1)
    return f"write {found[0]}" if found else f"choose from {', '.join(choices)}"


def _path(values: Sequence[str], allows: bool) -> Test:
    """A path that servers read in several ways is let through when every way is, and stopped when one of them is."""
    match = paths.match(_each(paths.glob, values))

    def every(seen: Seen) -> bool:
        read = seen.readings
        return match(read[0]) if len(read) == 1 else bool(read) and all(map(match, read))

    def any_of_them(seen: Seen) -> bool:
        read = seen.readings
        return match(read[0]) if len(read) == 1 else not read or any(map(match, read))

    return every if allows else any_of_them


def _method(values: Sequence[str]) -> Test:
    for value in values:
        if value not in METHODS:
            found = get_close_matches(value.upper(), METHODS, n=1)
            raise ValueError(f"{value} is no method: write {found[0] if found else ', '.join(METHODS)}")
    methods = frozenset(values)
    return lambda seen: seen.method in methods


def _network(values: Sequence[str]) -> Test:
    found = Networks((spelling.network(name), 1) for name in _each(_is_network, values))
    return lambda seen: seen.address is not None and found.find(seen.address) is not None


def _network_file(values: Sequence[str], folder: Path) -> Test:
    files = [Reloaded(folder / value, load_networks) for value in values]

    def among(seen: Seen) -> bool:
        address = seen.address
        return address is not None and any(file.value.find(address) is not None for file in files)

    return among


def load_networks(path: Path) -> Networks:
    """Read a list of networks, one a line; ``#`` begins a comment.

    Raises:
        Misconfigured: when the file cannot be read, holds none, or a line is none.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = file.read(_MOST_NETWORK_BYTES).splitlines()
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"cannot read the networks file {path}") from None
    entries = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        try:
            entries += [(spelling.network(text, strict=False), 1)] if text else []
        except ValueError as error:
            raise Misconfigured(f"{path}, line {number}: {text} {error}") from None
    if not entries:
        raise Misconfigured(f"{path} holds no network: write one a line, such as 203.0.113.0/24")
    return Networks(entries)


def _user_agent(values: Sequence[str]) -> Test:
    first, *rest = (value.lower() for value in values)
    if not rest:
        return lambda seen: first in seen.user_agent
    search = re.compile("|".join(map(re.escape, (first, *rest)))).search
    return lambda seen: search(seen.user_agent) is not None


def _header(values: Sequence[str]) -> Test:
    names = frozenset(_each(_is_header, values))
    return lambda seen: not names.isdisjoint(seen.headers)


def _no_header(values: Sequence[str]) -> Test:
    names = frozenset(_each(_is_header, values))
    return lambda seen: not names <= seen.headers


def _country(values: Sequence[str]) -> Test:
    countries = frozenset(_each(_is_country, values))
    return lambda seen: seen.country in countries


def _asn(values: Sequence[str]) -> Test:
    numbers = frozenset(_each(_is_asn, values))
    return lambda seen: seen.asn in numbers


def _crawler(values: Sequence[str]) -> Test:
    names = frozenset(value.lower() for value in values)
    return lambda seen: seen.crawler != "" and (seen.crawler in names or ANY in names)


def _agent(values: Sequence[str]) -> Test:
    names = frozenset(values)
    return lambda seen: seen.agent != "" and (seen.agent in names or ANY in names)


def _is_network(text: str) -> str:
    spelling.network(text)
    return text


def _is_header(text: str) -> str:
    return spelling.header(text).lower()


def _is_country(text: str) -> str:
    code = text.upper()
    if code in _COUNTRIES:
        raise ValueError(f"is no country of ISO 3166: write {_COUNTRIES[code]}")
    if not _COUNTRY.fullmatch(code):
        raise ValueError("is no country: write the two letters of ISO 3166, such as DE")
    return code


def _is_asn(text: str) -> str:
    found = _ASN.fullmatch(text.upper())
    if not found or int(found[1]) >= 2**32:
        raise ValueError("is no autonomous system: write its number, such as 64500")
    return found[1]


def _each(check: Callable[[str], str], values: Sequence[str]) -> list[str]:
    """Read each of a list, and say which of them is wrong."""
    found = []
    for value in values:
        try:
            found.append(check(value))
        except ValueError as error:
            raise ValueError(f"{value} {error}") from None
    return found


def _readers(place: Place) -> Mapping[str, Callable[[Sequence[str]], Test]]:
    return {
        "method": _method,
        "country": _country,
        "asn": _asn,
        "crawler": _crawler,
        "agent": _agent,
        "header": _header,
        "no_header": _no_header,
        "path": partial(_path, allows=place.allows),
        "user_agent": _user_agent,
        "network": _network,
        "network_file": partial(_network_file, folder=place.folder),
    }


#: Every condition, in the order in which a rule's are tried: what is told quickly comes first.
NAMES = tuple(_readers(Place(Path(), allows=True)))
