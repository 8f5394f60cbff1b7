"""The values that travel: what a challenge is while it is drawn, and what a token holds while it is away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

#: What a kind needs to draw the same again; small, and of plain JSON types.
Params = Mapping[str, str | int | bool]


class Challenge(NamedTuple):
    """One drawn challenge: it lives for one call and is never stored.

    ``answers`` are the normal forms of every accepted answer; ``params`` say which sort of its kind it is, ``shown`` which
    characters are drawn, in order, and ``spoken`` which are said.
    """

    kind: str
    seed: bytes
    answers: tuple[bytes, ...]
    params: Params
    shown: tuple[str, ...] = ()
    spoken: tuple[str, ...] = ()


class Claims(NamedTuple):
    """What a token holds, in this order: new fields come last.

    A tuple, for every request makes some, and a frozen dataclass of this size takes thrice as long.

    Times are whole Unix seconds. ``exp`` is this token's deadline; ``until`` the last second to which the challenge can be
    extended, equal for every token of one ``jti``, so that the replay filter files them in one place. ``digests`` are keyed
    hashes of the accepted answers, bound to ``jti``; ``tries`` is how many answers are judged. ``hits`` and ``misses`` count
    the stages before this one that were answered right, and those that were forgiven. An answer before ``nbf_ms`` is too
    soon (Unix milliseconds, for the wait is no longer than the error of whole seconds would be). ``who`` is a keyed hash of
    the network that asked, by which its failures are counted. ``action`` and ``cdata`` are the page's own words for the
    run, and go into its pass. ``risk`` is the risk of whoever asked, from 0 to 100, by which the pass is worth less.
    """

    purpose: str
    kind: str
    jti: bytes
    iat: int
    exp: int
    until: int
    seed: bytes = b""
    digests: tuple[bytes, ...] = ()
    params: Params = {}  # noqa: RUF012 - shared, and a Mapping: never written to
    stage: int = 0
    stages: int = 1
    site: str = ""
    host: str = ""
    who: bytes = b""
    hits: int = 0
    misses: int = 0
    tries: int = 1
    nbf_ms: int = 0
    action: str = ""
    cdata: str = ""
    risk: int = 0


class Answered(NamedTuple):
    """An answer that leads on: all that follows is made of this, and of nothing drawn anew.

    ``claims`` are those of the token that was answered, its stage counted; ``at`` is the Unix second in which that was, as
    the replay filter knows it: the same on every repeat.
    """

    claims: Claims
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What a solved run earns: whose visitor solved what, and until when (Unix seconds) that counts.

    ``action`` and ``cdata`` are what the site's page gave when the run began, handed back unread. ``score`` is what the pass
    is worth by the site's policy, from 0 (a bot's, surely) to 1, as reCAPTCHA v3 counts. ``net`` is a keyed hash of the
    network that earned it, where the site asks for one; no two passes of one network share it.
    """

    site: str
    host: str
    kind: str
    jti: bytes
    iat: int
    exp: int
    action: str = ""
    cdata: str = ""
    score: float = 1.0
    net: bytes = b""


@dataclass(frozen=True, slots=True)
class Signed:
    """A pass as text together with what it says."""

    token: str
    claims: Pass


class Sealed(NamedTuple):
    """A token together with what it holds; ``challenge`` is what was drawn for it, if anything was."""

    token: str
    claims: Claims
    challenge: Challenge | None = None
