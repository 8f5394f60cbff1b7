"""The lists that operators of crawlers publish: fetched, read strictly, and written to the file that the server reads."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from captcha_stateless.errors import Misconfigured, Unavailable
from captcha_stateless.settings import spelling
from captcha_stateless.settings.spelling import Network
from captcha_stateless.stores import files
from captcha_stateless.stores.fetched import fetch
from captcha_stateless.wall import crawlers

#: Whoever publishes a wider network than these (bits, by version) has made a mistake, or is not who he should be.
_WIDEST = {4: 12, 6: 29}
_PUBLIC = 0o644
_COMMENTS = (
    "Networks of crawlers, as their operators publish them: a name and a network a line.",
    "Written by `captcha-stateless rules refresh`; lines of other names are kept as they are.",
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one list: how many networks it holds, or why it is not used."""

    name: str
    count: int
    problem: str = ""


def refresh(path: Path, sources: Mapping[str, str]) -> list[Fetched]:
    """Fetch lists, and write them in the place of what the file holds of these crawlers; a list that fails leaves it there.

    Args:
        path: the file; it need not be there.
        sources: the address of each crawler's list.

    Raises:
        Misconfigured: when the file cannot be read or written.
    """
    before = crawlers.read(path) if path.exists() else []
    told, new = [], dict[str, list[Network]]()
    for name, source in sources.items():
        try:
            new[name] = networks(fetch(source, follows=True))
            told.append(Fetched(name, len(new[name])))
        except Unavailable as error:
            told.append(Fetched(name, 0, str(error)))
    if new:
        kept = [entry for entry in before if entry[0] not in new]
        fresh = [(name, network) for name, found in new.items() for network in found]
        _write(path, [*fresh, *kept])
    return told


def networks(content: bytes) -> list[Network]:
    """Read a list: ``{"prefixes": [{"ipv4Prefix": …}, {"ipv6Prefix": …}]}``, as all of them are published.

    Raises:
        Unavailable: when it is not of that form, holds no network, or one that cannot be a crawler's.
    """
    try:
        document = json.loads(content)
        texts = [text for entry in document["prefixes"] for text in _texts(entry)]
        found = [spelling.network(text, strict=False) for text in texts]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Unavailable("it is no list of prefixes") from None
    if not found:
        raise Unavailable("it holds no network")
    for network in found:
        if network.prefixlen < _WIDEST[network.version] or not network.is_global:
            raise Unavailable(f"it holds {network}, which is no crawler's")
    return list(dict.fromkeys(found))


def _texts(entry: Any) -> Iterable[str]:
    return (
        [entry]
        if isinstance(entry, str)
        else [entry[name] for name in ("ipv4Prefix", "ipv6Prefix") if name in entry]
    )


def _write(path: Path, entries: Iterable[tuple[str, Network]]) -> None:
    text = "\n".join(
        (*(f"# {comment}" for comment in _COMMENTS), *(f"{name} {network}" for name, network in entries), "")
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(path, text.encode(), _PUBLIC)
    except OSError as error:
        raise Misconfigured(f"cannot write {path} ({error.strerror})") from None
