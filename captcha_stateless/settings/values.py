"""How the text of a setting becomes its value; a ``ValueError`` says, in the words of a sentence's end, what it must be."""

import re
from collections.abc import Callable
from pathlib import Path

from captcha_stateless.errors import Misconfigured
from captcha_stateless.settings import spelling
from captcha_stateless.stores.url import RedisUrl

#: BCP 47 as far as voices are named: nothing that could be an option or a path.
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")


def text(text: str) -> str:
    """Take the text as it is."""
    return text


def path(text: str) -> Path:
    """Name a file or folder."""
    if not text:
        raise ValueError("must name a file or folder")
    return Path(text)


def flag(text: str) -> bool:
    """Read yes or no."""
    words = {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }
    try:
        return words[text.lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def names(text: str) -> tuple[str, ...]:
    """Read a list, parted by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def proxies(text: str) -> tuple[str, ...]:
    """Read a list of trusted proxies; ``*`` alone: every peer."""
    listed = names(text)
    return listed if listed == (spelling.EVERY,) else _each(spelling.proxy, listed)


def networks(text: str) -> tuple[str, ...]:
    """Read a list of addresses and networks."""
    return _each(lambda name: str(spelling.network(name, strict=False)), names(text))


def origins(text: str) -> tuple[str, ...]:
    """Read a list of origins."""
    return _each(spelling.origin, names(text))


def zone(text: str) -> str:
    """Read a zone of the DNS; empty: none."""
    return spelling.host(text) if text else text


def languages(text: str) -> tuple[str, ...]:
    """Read a list of language tags."""
    tags = tuple(dict.fromkeys(name.lower() for name in names(text)))
    if not all(_LANGUAGE.fullmatch(tag) for tag in tags):
        raise ValueError("must be language tags such as en,de,pt-br")
    return tags


def url(text: str) -> str:
    """Read an address, without its last slash."""
    if text and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise ValueError("must be an address such as https://captcha.example")
    return text.rstrip("/")


def whole(low: int, high: int) -> Callable[[str], int]:
    """Make what reads a whole number within bounds, both included."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return number

    return parse


def one_of(*words: str) -> Callable[[str], str]:
    """Make what takes one of the words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return parse


def short(most: int) -> Callable[[str], str]:
    """Make what takes a text of so many printable ASCII characters."""

    def parse(text: str) -> str:
        if not (0 < len(text) <= most and text.isascii() and text.isprintable()):
            raise ValueError(f"must be 1 to {most} printable ASCII characters")
        return text

    return parse


def replay(text: str) -> str:
    """Read which replay filter."""
    return text if text in ("memory", "shared") else _redis(text, "must be memory, shared, or a Redis URL")


def rates(text: str) -> tuple[str, ...]:
    """Read a list of rates."""
    listed = names(text)
    if not all(re.fullmatch(r"[1-9]\d{0,6}/(second|minute|hour|day)", rate) for rate in listed):
        raise ValueError("must be rates such as 30/minute,300/hour")
    return listed


def store(text: str) -> str:
    """Read where rates are counted."""
    return text if text == "memory" else _redis(text, "must be memory, or a Redis URL")


def _each(read: Callable[[str], str], listed: tuple[str, ...]) -> tuple[str, ...]:
    """Read each of a list; which of several is wrong is said."""
    found = []
    for name in listed:
        try:
            found.append(read(name))
        except ValueError as error:
            raise ValueError(f"is wrong: {name} {error}" if len(listed) > 1 else str(error)) from None
    return tuple(found)


def _redis(text: str, rule: str) -> str:
    try:
        RedisUrl.parse(text)
    except Misconfigured as problem:
        raise ValueError(f"{rule}: {problem}") from None
    return text
