"""Private tokens: as the RFCs' vectors say, and nothing else."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from captcha_stateless.errors import BadToken
from captcha_stateless.tokens import privatetokens
from captcha_stateless.tokens.privatetokens import IssuerKey
from tests.support import vectors

VECTORS = vectors("privatetokens.json")
KEY = IssuerKey(bytes.fromhex(VECTORS["token_key"]))
TOKENS: list[dict[str, str]] = VECTORS["tokens"]


def challenge(vector: dict[str, str]) -> bytes:
    return privatetokens.challenge(vector["issuer"], bytes.fromhex(vector["context"]), vector["origin"])


def header(raw: bytes) -> str:
    return f'PrivateToken token="{base64.urlsafe_b64encode(raw).decode()}"'


def test_a_key_is_known_by_its_digest() -> None:
    assert KEY.id.hex() == VECTORS["token_key_id"]


@pytest.mark.parametrize("vector", TOKENS)
def test_a_challenge_is_written_and_a_token_verifies_as_the_vectors_say(vector: dict[str, str]) -> None:
    token = privatetokens.read(header(bytes.fromhex(vector["token"])))

    assert challenge(vector).hex() == vector["challenge"]
    assert privatetokens.answers(token, challenge(vector))
    assert token.key_id == KEY.id
    KEY.verify(token)


@pytest.mark.parametrize("vector", VECTORS["challenges"])
def test_a_challenge_s_digest_is_the_vectors(vector: dict[str, str]) -> None:
    assert hashlib.sha256(challenge(vector)).hexdigest() == vector["digest"]


def test_an_offer_is_worded_as_the_standard_s_example() -> None:
    asked = challenge(TOKENS[0])
    shown, key = (base64.urlsafe_b64encode(part).decode() for part in (asked, KEY.spki))

    assert privatetokens.offer(asked, KEY) == f'PrivateToken challenge="{shown}", token-key="{key}"'
    assert "=" in shown


@pytest.mark.parametrize("place", [2, 33, 34, 65, 66, 97, 98, 353])
def test_a_token_with_one_bit_changed_does_not_verify(place: int) -> None:
    raw = bytearray.fromhex(TOKENS[0]["token"])
    raw[place] ^= 1

    with pytest.raises(BadToken):
        KEY.verify(privatetokens.read(header(bytes(raw))))


def test_a_token_answers_its_own_challenge_alone() -> None:
    token = privatetokens.read(header(bytes.fromhex(TOKENS[0]["token"])))

    assert [privatetokens.answers(token, challenge(vector)) for vector in TOKENS] == [True] + [False] * 4


GOOD = bytes.fromhex(TOKENS[0]["token"])


@pytest.mark.parametrize(
    "form", ['PrivateToken token="{}"', "PrivateToken token={}", 'privatetoken  TOKEN="{}"']
)
def test_a_header_is_read_in_each_of_its_spellings(form: str) -> None:
    assert privatetokens.read(form.format(base64.urlsafe_b64encode(GOOD).decode())).signed == GOOD[:98]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "PrivateToken",
        "Bearer x",
        header(GOOD[:-3]),
        header(GOOD + b"abc"),
        header(b"\x00\x01" + GOOD[2:]),
        header(GOOD) + ", more=1",
        header(GOOD).replace("PrivateToken", "PublicToken"),
        header(GOOD).replace('="', "="),
        f'PrivateToken token="{base64.b64encode(GOOD).decode()}"',
        header(GOOD)[:-2] + '\u017f"',
    ],
)
def test_anything_else_is_no_token(bad: str) -> None:
    with pytest.raises(BadToken):
        privatetokens.read(bad)


def spki(key: Any) -> bytes:
    written: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return written


#: Made when they are asked for: what a test is called must be the same in every process.
OTHERS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no DER": lambda: b"x",
    "P-256": lambda: spki(ec.generate_private_key(ec.SECP256R1())),
    "RSA of 1024 bits": lambda: spki(rsa.generate_private_key(65537, 1024)),
    "cut off": lambda: KEY.spki[:-1],
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_key_is_none(other: str) -> None:
    with pytest.raises(ValueError, match="key"):
        IssuerKey(OTHERS[other]())
