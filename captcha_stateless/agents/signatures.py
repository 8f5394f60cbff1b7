"""Web Bot Auth signatures: which of a visit's is for us, what it must say, and whether it is right.

Rule 1: sizes are bounded before anything is parsed; one signature with our tag is looked at, and no request may hold two.

Rule 2: what decides is signed: the host, who the agent says it is, both times and the nonce.

Rule 3: the library parses, writes the signature base (RFC 9421, section 2.5) and verifies; the times are judged here, by the
server's own clock.
"""

from typing import Any, NamedTuple, cast

import http_sf
from http_message_signatures import HTTPMessageSignaturesException, HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

from captcha_stateless.agents import directory
from captcha_stateless.agents.base import TAG
from captcha_stateless.agents.directory import AgentKey
from captcha_stateless.errors import BadToken, Expired
from captcha_stateless.wall.visit import Visit

#: How long a signature counts after its making, whatever it says itself: so long its nonce is remembered.
LIFE_SECONDS = 600
#: By how much an agent's clock may be ahead of ours. For so long a filter that has just begun refuses what is signed: it
#: cannot know whether that was used.
AHEAD_SECONDS = 5
#: The draft's own bound on what a signature may say.
_MOST_LIFE_SECONDS = 86_400

_MOST_CHARACTERS = {"signature-input": 2_048, "signature": 1_024, "signature-agent": 512}
_MOST_COMPONENTS, _MOST_NONCE = 16, 256
_MARKER = f'"{TAG}"'


class Signed(NamedTuple):
    """A signature's own words: its label, what it covers, and its parameters."""

    label: str
    components: list[tuple[Any, dict[str, Any]]]
    keyid: str
    nonce: str
    created: int
    expires: int

    @property
    def until(self) -> int:
        """The Unix second from which on it does not count."""
        return min(self.expires, self.created + LIFE_SECONDS)


class _Message(NamedTuple):
    """A request as the library reads one."""

    method: str
    url: str
    headers: dict[str, str]


class _Verifier(HTTPMessageVerifier):
    """The library's, but for the times, which are judged by :func:`require_timely`."""

    def validate_created_and_expires(self, sig_input: Any, max_age: object = None) -> None:
        """Leave them alone."""


def read(visit: Visit) -> Signed | None:
    """Read the signature of a visit that is for us; None where there is none.

    Raises:
        BadToken: when there are two, or one that does not say or cover what it must.
    """
    text = visit.headers.get("signature-input", "")
    if _MARKER not in text:
        return None
    if any(len(visit.headers.get(name, "")) > most for name, most in _MOST_CHARACTERS.items()):
        raise BadToken("a signature of such a length is not read")
    ours = [(label, *member) for label, member in _dictionary(text).items() if member[1].get("tag") == TAG]
    if len(ours) != 1:
        raise BadToken("one signature is wanted")
    label, components, params = ours[0]
    if not isinstance(components, list) or len(components) > _MOST_COMPONENTS:
        raise BadToken("not a list of a few components")
    if ("@authority", {}) not in components:
        raise BadToken("the host is not signed")
    keyid, nonce, created, expires = (params.get(name) for name in ("keyid", "nonce", "created", "expires"))
    if not (isinstance(keyid, str) and isinstance(nonce, str) and 0 < len(nonce) <= _MOST_NONCE):
        raise BadToken("keyid and nonce are needed")
    if type(created) is not int or type(expires) is not int:
        raise BadToken("created and expires are needed")
    return Signed(label, components, keyid, nonce, created, expires)


def require_timely(signed: Signed, known: AgentKey, now: float) -> None:
    """Refuse a signature that is not of now.

    Raises:
        Expired: when its time, or its key's, is over.
        BadToken: when its time, or its key's, has not come, or it is made for longer than the draft allows.
    """
    if now >= min(signed.until, known.until):
        raise Expired("the signature's time is over")
    if signed.created > now + AHEAD_SECONDS or known.since > now:
        raise BadToken("the signature's time has not come")
    if signed.expires - signed.created > _MOST_LIFE_SECONDS:
        raise BadToken("the signature is made for too long")


def require_agent(visit: Visit, signed: Signed, known: AgentKey) -> None:
    """Refuse a ``Signature-Agent`` that is not signed, or names another than the key's owner.

    It comes in two forms: a text, or a dictionary of texts whose member is signed by its key.

    Raises:
        BadToken: when it is so.
    """
    header = visit.headers.get("signature-agent")
    if header is None:
        return
    covered = [params for name, params in signed.components if name == "signature-agent"]
    if len(covered) != 1:
        raise BadToken("Signature-Agent is not signed")
    try:
        if header.startswith('"'):
            said = http_sf.parse(header.encode("ascii"), tltype="item")
        else:
            said = _dictionary(header)[covered[0].get("key", signed.label)]
        right = directory.origin(cast(tuple[str, Any], said)[0]) == known.origin
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadToken("Signature-Agent names nobody") from None
    if not right:
        raise BadToken("Signature-Agent names another")


def verify(visit: Visit, signed: Signed, known: AgentKey) -> None:
    """Refuse a signature that is not by this key over this visit.

    Raises:
        BadToken: when it is not.
    """
    query = f"?{visit.query}" if visit.query else ""
    url = f"{visit.scheme}://{visit.host}{visit.path}{query}"
    keys = MappingKeyResolver(public_keys={signed.keyid: known.key}, private_keys={})
    verifier = _Verifier(signature_algorithm=ED25519, key_resolver=keys)
    try:
        verifier.verify(_Message(visit.method, url, dict(visit.headers)), max_age=None, expect_tag=TAG)
    except HTTPMessageSignaturesException:
        raise BadToken("the signature is wrong") from None


def _dictionary(text: str) -> dict[str, Any]:
    def twice(_: str, context: str) -> None:
        raise BadToken(f"a {context} names a member twice")

    try:
        return cast(
            dict[str, Any], http_sf.parse(text.encode("ascii"), tltype="dictionary", on_duplicate_key=twice)
        )
    except ValueError:
        raise BadToken("not a structured field") from None
