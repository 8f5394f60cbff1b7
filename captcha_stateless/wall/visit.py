"""A visit: one request of a visitor, as an edge tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request.

    ``method`` is in capitals, ``path`` as the edge wrote it, percent-encoded and without its query; they and the address are
    empty where they are not known; ``headers`` are the visitor's own, by their names in lower case. ``country`` and ``asn``
    are what a trusted proxy says of the address. ``agent`` and ``crawler`` name a signed agent and a crawler that were
    verified; see :attr:`Rules.needs`.
    """

    method: str
    scheme: str
    host: str
    path: str
    query: str
    address: str
    headers: Mapping[str, str]
    country: str = ""
    asn: str = ""
    agent: str = ""
    crawler: str = ""
