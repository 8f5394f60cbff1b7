"""ALTCHA's wire forms: challenges of both generations, what widgets hand back, and the signed server payload.

Rule 1: a payload is read in the one form that an answer to a challenge of ours has; members may lack or be more nowhere but
in what the widget says of its time.

Rule 2: the signature is looked at before anything else of it is: under a key of the site's that its back end may hold, so
that ALTCHA's libraries verify offline. They count no use of it: that is the replay filter's.

PyPI's ``altcha`` is what the tests compare with. It is not used here, for it compares in variable time, takes SHA-1 and
payloads that never expire, and would parse what is refused here.
"""

import hashlib
import json
import re
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from captcha_stateless.errors import BadRequest, BadToken
from captcha_stateless.formats.strict import read, write
from captcha_stateless.puzzles.altcha1 import ALGORITHM, digest_of
from captcha_stateless.tokens.digests import derive, same, sign

_SALT = re.compile(r"[0-9a-f]{24}\?expires=[0-9]{1,11}&token=([A-Za-z0-9._-]{1,4096})&")
_KEY = re.compile(r"(?:[0-9a-f]{2}){32,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_DATA = re.compile(r"[A-Za-z0-9._%~=&+-]{1,2048}")
#: Algorithm, nonce, salt, prefix and token in a line: no space is in any of them, and one look costs less than five.
_ASKED = re.compile(
    r"[A-Z0-9/-]{1,16} [0-9a-f]{1,128} [0-9a-f]{1,128} [0-9a-f]{1,128} [A-Za-z0-9._-]{1,4096}"
)

_V1 = {"algorithm", "challenge", "number", "salt", "signature"}
_NEEDED = {"algorithm", "cost", "data", "expiresAt", "keyLength", "keyPrefix", "nonce", "salt"}
_KNOWN = {*_NEEDED, "keySignature", "memoryCost", "parallelism"}
_SOLUTION = {"counter", "derivedKey"}
_MAX_NUMBER = 2**53 - 1
_MAX_COUNTER = 2**32 - 1
_SERVER = {"algorithm", "signature", "verificationData", "verified"}

_canonical = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


class Keys(NamedTuple):
    """What the back end of a site may hold: the key of signatures and that of derived keys, as texts."""

    signature: str
    key: str


class Asked(NamedTuple):
    """The parameters of a challenge of the second form.

    Nonce, salt, prefix and proof are in hexadecimal digits, the length in bytes, ``expires`` is a Unix second. ``proof`` is
    the keyed hash of the one right key; empty: there are many. Without ``memory`` there are no ``lanes`` either.
    """

    algorithm: str
    cost: int
    memory: int
    lanes: int
    length: int
    nonce: str
    salt: str
    prefix: str
    token: str
    expires: int
    proof: str = ""

    def canonical(self) -> str:
        """Write them as JSON in its canonical form: members in alphabetical order, without spaces.

        Nothing in them needs to be escaped; an encoder would take thrice the time.
        """
        proof = f'"keySignature":"{self.proof}",' if self.proof else ""
        memory = f'"memoryCost":{self.memory},' if self.memory else ""
        lanes = f'"parallelism":{self.lanes},' if self.memory else ""
        return (
            f'{{"algorithm":"{self.algorithm}","cost":{self.cost},"data":{{"token":"{self.token}"}},'
            f'"expiresAt":{self.expires},"keyLength":{self.length},"keyPrefix":"{self.prefix}",{proof}{memory}'
            f'"nonce":"{self.nonce}",{lanes}"salt":"{self.salt}"}}'
        )


class Solution(NamedTuple):
    """What a widget handed back, its signature verified: the sealed token of the challenge, and the answer.

    ``version`` is 1 or 2; of the first form ``number`` is the answer, and ``whole`` tells whether salt, number and challenge
    belong together; of the second, ``number`` is the counter and ``key`` what it derives.
    """

    version: int
    token: str
    number: int
    key: bytes = b""
    whole: bool = True


@lru_cache(maxsize=1_024)
def keys(share_key: bytes, site: str, secret_sha256: bytes, *, code: bool = False) -> Keys:
    """Derive a site's keys: others for every site, and for every secret of it.

    The moment's work before a ``code`` is signed with keys that no back end holds: one that verifies solutions by itself
    would take it for the whole.
    """
    own = derive(share_key, f"altcha{'-code' if code else ''}/{site}/{secret_sha256.hex()}")
    return Keys(derive(own, "signature").hex(), derive(own, "key").hex())


def challenge_1(held: Keys, nonce: str, number: int, expires: int, token: str) -> str:
    """Word the members of a challenge of the first form, but for its greatest number, as JSON without its braces."""
    # The last `&` is mandatory: without it a digit could move from the salt to the number (CVE-2025-68113).
    salt = f"{nonce}?expires={expires}&token={token}&"
    digest = digest_of(salt, number)
    signature = _signed(held.signature, digest.encode())
    # All of it is ours and ASCII, with nothing to escape: an encoder would take thrice the time.
    return f'"algorithm":"{ALGORITHM}","challenge":"{digest}","salt":"{salt}","signature":"{signature}"'


def proof(held: Keys, key: bytes) -> str:
    """Sign the one right key of a challenge of the second form."""
    return _signed(held.key, key)


def challenge_2(held: Keys, asked: Asked) -> tuple[str, str]:
    """Word the parameters of a challenge of the second form, and sign them."""
    text = asked.canonical()
    return text, _signed(held.signature, text.encode())


def solution(held: Keys, text: str) -> Solution:
    """Read what a widget handed back, and verify its signature.

    Raises:
        BadRequest: when it has not the form of a solution.
        BadToken: when the signature is not the site's.
    """
    document = read(text)
    return _solution_1(held, document) if "salt" in document else _solution_2(held, document)


def server_payload(held: Keys, facts: dict[str, str | int]) -> str:
    """Word and sign what back ends verify: facts of a pass, as libraries of ALTCHA read them."""
    data = urlencode(facts)
    return write(
        _canonical(
            {
                "algorithm": ALGORITHM,
                "signature": _signed(held.signature, hashlib.sha256(data.encode()).digest()),
                "verificationData": data,
                "verified": True,
            }
        )
    )


def facts(held: Keys, text: str) -> dict[str, str]:
    """Read a server payload, and verify its signature.

    Raises:
        BadRequest: when it has not the form of one.
        BadToken: when the signature is not the site's.
    """
    document = read(text)
    if set(document) != _SERVER or document["algorithm"] != ALGORITHM or document["verified"] is not True:
        raise BadRequest("payload is no server payload")
    data = _text(document["verificationData"], _DATA)
    _require(held, hashlib.sha256(data.encode()).digest(), document["signature"])
    return dict(parse_qsl(data))


def pass_in(held: Keys, text: str) -> str:
    """Tell the pass: the text itself, or what a server payload holds.

    Raises:
        BadToken: when it is neither.
    """
    if "." in text:
        return text
    try:
        return facts(held, text).get("token", "")
    except BadRequest:
        raise BadToken("neither a pass nor a server payload") from None


def _solution_1(held: Keys, document: dict[str, Any]) -> Solution:
    if not _V1 <= set(document) <= {*_V1, "took"} or document["algorithm"] != ALGORITHM:
        raise BadRequest("payload is no solution")
    number, digest = document["number"], _text(document["challenge"], _HASH)
    salt = document["salt"]
    found = _SALT.fullmatch(salt) if isinstance(salt, str) else None
    if found is None or type(number) is not int or number < 0:
        raise BadRequest("payload is no solution")
    _require(held, digest.encode(), document["signature"])
    return Solution(1, found[1], number, whole=same(digest_of(salt, number).encode(), digest.encode()))


def _solution_2(held: Keys, document: dict[str, Any]) -> Solution:
    if set(document) != {"challenge", "solution"}:
        raise BadRequest("payload is no solution")
    challenge, found = document["challenge"], document["solution"]
    if not isinstance(challenge, dict) or not isinstance(found, dict):
        raise BadRequest("payload is no solution")
    if set(challenge) != {"parameters", "signature"} or not (_SOLUTION <= set(found) <= {*_SOLUTION, "time"}):
        raise BadRequest("payload is no solution")
    asked = _asked(challenge["parameters"])
    _require(held, asked.canonical().encode(), challenge["signature"])
    counter, key = found["counter"], _text(found["derivedKey"], _KEY)
    if type(counter) is not int or not 0 <= counter <= _MAX_COUNTER:
        raise BadRequest("payload is no solution")
    return Solution(2, asked.token, counter, bytes.fromhex(key))


def _asked(parameters: object) -> Asked:
    """Read parameters, each of which has the form of our own: no others have one canonical form."""
    if not isinstance(parameters, dict) or not _NEEDED <= set(parameters) <= _KNOWN:
        raise BadRequest("payload is no solution")
    data = parameters["data"]
    if not isinstance(data, dict) or len(data) != 1 or "token" not in data:
        raise BadRequest("payload is no solution")
    if ("memoryCost" in parameters) != ("parallelism" in parameters) or parameters.get("memoryCost") == 0:
        raise BadRequest("payload is no solution")
    proof = _text(parameters["keySignature"], _HASH) if "keySignature" in parameters else ""
    algorithm, nonce, salt = parameters["algorithm"], parameters["nonce"], parameters["salt"]
    prefix, token = parameters["keyPrefix"], data["token"]
    try:
        line = " ".join((algorithm, nonce, salt, prefix, token))
    except TypeError:  # not all of them are texts
        line = ""
    if not _ASKED.fullmatch(line):
        raise BadRequest("payload is not of the documented form")
    return Asked(
        algorithm=algorithm,
        cost=_whole(parameters["cost"]),
        memory=_whole(parameters.get("memoryCost", 0)),
        lanes=_whole(parameters.get("parallelism", 0)),
        length=_whole(parameters["keyLength"]),
        nonce=nonce,
        salt=salt,
        prefix=prefix,
        token=token,
        expires=_whole(parameters["expiresAt"]),
        proof=proof,
    )


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
        raise BadRequest("payload is not of the documented form")
    return value


def _text(value: object, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise BadRequest("payload is not of the documented form")
    return value


def _require(held: Keys, signed: bytes, signature: object) -> None:
    given = _text(signature, _HASH)
    if not same(_signed(held.signature, signed).encode(), given.encode()):
        raise BadToken("signature is not the site's")


def _signed(key: str, content: bytes) -> str:
    return sign(key.encode("ascii"), content).hex()
