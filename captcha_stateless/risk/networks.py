"""Lists of networks that an operator allows, blocks or gives a score, and the prefix that an address belongs to."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from socket import AF_INET, inet_pton

from captcha_stateless.errors import Misconfigured
from captcha_stateless.settings import spelling

Network = spelling.Network
Address = IPv4Address | IPv6Address

ALLOW, BLOCK = -1, 101

#: What one subscriber or one small network commonly holds.
PREFIX_BITS = {4: 24, 6: 64}

_MAX_FILE_BYTES = 16_777_216


def parse(text: str) -> Address | None:
    """Read an address; an IPv4 address in IPv6's clothes (RFC 4291, section 2.5.5.2) is taken out of them."""
    try:
        return IPv4Address(inet_pton(AF_INET, text))  # in a quarter of the time
    except (OSError, ValueError):
        pass
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def prefix(address: Address) -> bytes:
    """Tell the /24 or /64 of an address, as bytes that differ between the two families."""
    version = address.version
    return bytes([version]) + address.packed[: PREFIX_BITS[version] // 8]


#: In the place of a prefix: all whose address is said to be something that is none.
UNNAMED = b"\0unnamed"


class Networks:
    """Networks and their verdicts: ``ALLOW``, ``BLOCK`` or a score; of several that hold an address the narrowest decides."""

    def __init__(self, entries: Iterable[tuple[Network, int]] = ()) -> None:
        self._by_length: dict[tuple[int, int], dict[int, int]] = {}
        for network, verdict in entries:
            of_length = self._by_length.setdefault((network.version, network.prefixlen), {})
            of_length[int(network.network_address)] = verdict
        self._lengths = {
            version: sorted((length for v, length in self._by_length if v == version), reverse=True)
            for version in (4, 6)
        }

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._by_length)

    def find(self, address: Address) -> int | None:
        """Find the verdict on an address; None where no network holds it."""
        lengths = self._lengths[address.version]
        if not lengths:
            return None
        number, width = int(address), address.max_prefixlen
        for length in lengths:
            start = number >> (width - length) << (width - length)
            verdict = self._by_length[address.version, length].get(start)
            if verdict is not None:
                return verdict
        return None


def load(path: Path) -> Networks:
    """Read a list: one ``allow``, ``block`` or ``score NUMBER`` and one network a line; ``#`` begins a comment.

    Raises:
        Misconfigured: when the file cannot be read, or a line is not of that form.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = file.read(_MAX_FILE_BYTES).splitlines()
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"cannot read the networks file {path}") from None
    numbered = ((number, line.partition("#")[0].split()) for number, line in enumerate(lines, 1))
    return Networks(_entry(f"{path}, line {number}", words) for number, words in numbered if words)


def _entry(where: str, words: list[str]) -> tuple[Network, int]:
    try:
        match words:
            case ["allow", network]:
                return spelling.network(network, strict=False), ALLOW
            case ["block", network]:
                return spelling.network(network, strict=False), BLOCK
            case ["score", score, network] if 0 <= int(score) <= 100:
                return spelling.network(network, strict=False), int(score)
    except ValueError:
        pass
    raise Misconfigured(f"{where}: write `allow NETWORK`, `block NETWORK` or `score 0-100 NETWORK`")


def among(text: Iterable[str], name: str) -> tuple[Network, ...]:
    """Read the networks of a setting.

    Raises:
        Misconfigured: when one is none.
    """
    try:
        return tuple(spelling.network(network, strict=False) for network in text)
    except ValueError:
        raise Misconfigured(f"{name}: must hold addresses and networks only") from None
