"""How networks, hosts, origins and headers must be written to be found in requests; what could never match is told how.

Each raises a ``ValueError`` that says, in the words of a sentence's end, what to write instead.
"""

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network

#: How the peer of a Unix socket is called among trusted proxies: it has no address.
UNIX = "unix"
EVERY = "*"

#: IPv4 addresses as sockets of both families tell them (RFC 4291, section 2.5.5.2).
MAPPED = IPv6Network("::ffff:0:0/96")

_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_GLOB = re.compile(r"(\d+)((?:\.\d+){0,2})((?:\.\*){1,3})")
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_MOST_HOST_CHARACTERS = 253
#: RFC 9110, section 5.6.2.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def network(text: str, *, strict: bool = True) -> Network:
    """Read an address or a network; IPv4 in IPv6's clothes is taken out of them.

    Args:
        text: the address or network.
        strict: whether to refuse what has bits beyond its prefix, for those who compare texts.
    """
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(_meant(text)) from None
    if isinstance(found, IPv6Network) and found.subnet_of(MAPPED):
        bits = found.prefixlen - MAPPED.prefixlen
        found = IPv4Network((int(found.network_address) & 0xFFFF_FFFF, bits))
    if (
        strict
        and "/" in text
        and ip_address(text.partition("/")[0])
        not in (
            found.network_address,
            _mapped(found),
        )
    ):
        raise ValueError(f"has bits beyond its prefix: write {found}")
    return found


def proxy(text: str) -> str:
    """Read who may be a trusted proxy: a network, or the peer of a Unix socket."""
    if text == UNIX:
        return text
    found = network(text)
    return str(found.network_address if found.prefixlen == found.max_prefixlen else found)


def host(text: str) -> str:
    """Read the host of a site's pages, as browsers name it: a name in ASCII, an address, or ``*.`` and a name."""
    wanted = _host(text)
    if text == EVERY:
        raise ValueError("is no host name: name no hosts where every host is allowed")
    if not wanted:
        raise ValueError("is no host name: write shop.example or *.shop.example, without port")
    if wanted != text:
        raise ValueError(f"is never what a browser names: write {wanted}")
    return text


def origin(text: str) -> str:
    """Read an origin as browsers send it (RFC 6454, section 6.2), or ``*`` for all."""
    if text == EVERY:
        return text
    wanted = _origin(text)
    if not wanted:
        raise ValueError("is no origin: write https://shop.example")
    if wanted != text:
        raise ValueError(f"is never what a browser sends: write {wanted}")
    return text


def header(text: str) -> str:
    """Read the name of a header; empty: none."""
    if text and not _TOKEN.fullmatch(text):
        near = "-".join(re.findall(r"[0-9A-Za-z_]+", text)) or "X-Risk-Score"
        raise ValueError(f"is no header's name: write {near}")
    return text


def _mapped(network: Network) -> IPv6Address | None:
    if isinstance(network, IPv6Network):
        return None
    return MAPPED.network_address + int(network.network_address)


def _meant(text: str) -> str:
    """Say what somebody may have meant who wrote no address."""
    glob = _GLOB.fullmatch(text)
    if glob:
        start = glob[1] + glob[2]
        known = start.count(".") + 1
        return f"is no network: write {start}{'.0' * (4 - known)}/{8 * known}"
    if text == "localhost":
        return "is a name, and connections come from addresses: write 127.0.0.1"
    bare = _address(_host_of(text if "://" in text else f"//{text}"))
    if bare:
        return f"is no address alone: write {bare}"
    if text == EVERY:
        return "stands for every peer, and alone"
    return "is no address: connections come from addresses, so write one, or a network such as 172.18.0.0/16"


def _host(text: str) -> str:
    """Write a host as browsers do; empty: there is no such host."""
    text = text.strip().lower()
    rest = text if _address(text) else _host_of(text if "://" in text else f"//{text}")
    wild, name = ("*.", rest[2:]) if rest.startswith("*.") else ("", rest)
    address = _address(name)
    if address:
        return "" if wild else str(address)
    name = _punycode(name.rstrip("."))
    labels = name.split(".")
    good = len(name) <= _MOST_HOST_CHARACTERS and all(map(_LABEL.fullmatch, labels))
    return wild + name if good and not _NUMBER.fullmatch(labels[-1]) else ""


def _origin(text: str) -> str:
    scheme, _, rest = text.strip().partition("://") if "://" in text else ("https", "", text.strip())
    scheme = scheme.lower()
    try:
        port = urlsplit(f"//{rest}").port
    except ValueError:
        return ""
    name = _host(rest) if rest != "null" else ""  # of a page that hides where it is, which no protocol serves
    if not (_SCHEME.fullmatch(scheme) and name) or name.startswith("*"):
        return ""
    shown = f"[{name}]" if ":" in name else name
    return f"{scheme}://{shown}" + (f":{port}" if port and port != _DEFAULT_PORTS.get(scheme) else "")


def _host_of(text: str) -> str:
    try:
        return urlsplit(text).hostname or ""
    except ValueError:
        return ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        pass
    # As browsers read it: 127.1 is 127.0.0.1 (URL Standard, section 3.5).
    if not _NUMBER.fullmatch(text.rpartition(".")[2]):
        return None
    try:
        return IPv4Address(socket.inet_aton(text))
    except (OSError, ValueError):
        return None


def _punycode(name: str) -> str:
    if name.isascii():
        return name
    import idna  # its tables are large, and names in other scripts are few

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ""
