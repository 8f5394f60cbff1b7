"""The seal: what opens, and the many things that do not."""

import base64
import json
import string

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from captcha_stateless.errors import BadToken
from captcha_stateless.model import Claims
from captcha_stateless.tokens import base64url, keys
from captcha_stateless.tokens.keys import KeyRing
from captcha_stateless.tokens.seal import MAX_TOKEN_CHARACTERS, Seal
from tests.support import NOW, vectors

CLAIMS = Claims(
    purpose="onecaptcha",
    kind="grid",
    jti=bytes(range(16)),
    iat=NOW,
    exp=NOW + 120,
    until=NOW + 1320,
    seed=b"s" * 16,
    digests=(b"d" * 16,),
    stage=1,
    stages=2,
    params={"profile": "humane"},
)
RING = keys.fresh_ring(NOW)
JWE_KEY = JWK(kty="oct", kid=RING.current.kid, k=base64url.encode(RING.current.secret))
SEAL = Seal(lambda: RING)
TOKEN = SEAL.seal(CLAIMS)

# The vectors' key is in their files too.
VECTOR_KEY = keys.Key(kid="vector", state="current", since=NOW, secret=bytes(range(32)))
VECTOR_RING = KeyRing(keys=(VECTOR_KEY,), root=bytes(32))
VECTOR_SEAL = Seal(lambda: VECTOR_RING)


def test_a_sealed_token_opens_to_the_same_claims() -> None:
    assert SEAL.open(TOKEN, "onecaptcha") == CLAIMS


def test_equal_claims_become_equal_tokens_and_others_share_neither_key_nor_iv() -> None:
    other = SEAL.seal(CLAIMS._replace(jti=bytes(16)))

    assert SEAL.seal(CLAIMS) == TOKEN
    assert all(one != two for one, two in zip(TOKEN.split(".")[1:], other.split(".")[1:], strict=True))


def test_another_purpose_or_key_seals_the_same_claims_otherwise() -> None:
    other = SEAL.seal(CLAIMS._replace(purpose="minicap"))
    elsewhere = Seal(lambda: keys.fresh_ring(NOW)).seal(CLAIMS)

    assert not set(TOKEN.split(".")) & {*other.split("."), *elsewhere.split(".")}


def test_a_token_ends_with_the_last_field_that_is_not_its_default() -> None:
    version, *held = msgpack.unpackb(_plaintext(TOKEN))

    assert version == 3
    assert held[-1] == CLAIMS.stages
    assert len(held) == CLAIMS._fields.index("stages") + 1


def test_fields_in_the_middle_keep_their_place() -> None:
    lone = Claims("p", "work", b"j", NOW, NOW, NOW, cdata="c")

    assert SEAL.open(SEAL.seal(lone), "p") == lone


def test_the_protected_header_names_algorithms_kid_and_purpose() -> None:
    header = json.loads(base64.urlsafe_b64decode(TOKEN.split(".")[0] + "=="))

    assert header == {
        "alg": "A256KW",
        "enc": "A256GCM",
        "kid": RING.current.kid,
        "typ": "captcha-onecaptcha",
    }


def test_a_token_stays_under_a_kilobyte_and_a_half() -> None:
    long = CLAIMS._replace(site="s" * 64, host="h" * 253, digests=(b"d" * 16,) * 2)

    assert len(SEAL.seal(long)) < 1_536


def test_another_replica_with_the_same_ring_opens_it() -> None:
    copy = KeyRing(keys=RING.keys, root=RING.root)

    assert Seal(lambda: copy).open(TOKEN, "onecaptcha") == CLAIMS


def test_a_token_for_another_purpose_does_not_open() -> None:
    with pytest.raises(BadToken):
        SEAL.open(TOKEN, "minicap", "proof")


def test_claims_of_another_purpose_under_the_right_header_do_not_open() -> None:
    version, _, *rest = msgpack.unpackb(_plaintext(TOKEN))

    with pytest.raises(BadToken):
        SEAL.open(_jwe([version, "proof", *rest], purpose="onecaptcha"), "onecaptcha")


def test_claims_of_another_version_do_not_open() -> None:
    _, *values = msgpack.unpackb(_plaintext(TOKEN))

    for version in (2, 4, "3", None):
        with pytest.raises(BadToken):
            SEAL.open(_jwe([version, *values]), "onecaptcha")


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"{}",
        b"\xc1",
        b"\xff",
        b"\x91" * 2000,
        b"\xdd\xff\xff\xff\xff",
        msgpack.packb(None),
        msgpack.packb([]),
        msgpack.packb([3]),
        msgpack.packb([3, "onecaptcha", "grid", b"j", 1]),
        msgpack.packb([3] + [0] * 30),
        msgpack.packb([3, *CLAIMS]) + b"\0",
        msgpack.packb([3, *CLAIMS])[:-1],
        msgpack.packb({3: CLAIMS}),
    ],
)
def test_a_plaintext_that_is_not_claims_does_not_open(plaintext: bytes) -> None:
    with pytest.raises(BadToken):
        SEAL.open(_jwe(plaintext), "onecaptcha")


def test_an_over_long_token_is_refused_before_any_crypto() -> None:
    with pytest.raises(BadToken, match="over-long"):
        SEAL.open(TOKEN + "A" * MAX_TOKEN_CHARACTERS, "onecaptcha")


def test_further_segments_are_refused_and_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []

    def note(part: bytes) -> bytes:
        read.append(part)
        return b""

    monkeypatch.setattr(base64url, "_read", note)

    with pytest.raises(BadToken):
        SEAL.open(TOKEN.split(".")[0] + "." * 3_000, "onecaptcha")

    assert len(read) == 4


@pytest.mark.parametrize("segment", range(5))
def test_every_flipped_bit_is_noticed(segment: int) -> None:
    parts = TOKEN.split(".")
    for place in range(0, len(parts[segment]), 3):
        text = parts[segment]
        other = "B" if text[place] == "A" else "A"
        broken = [*parts[:segment], text[:place] + other + text[place + 1 :], *parts[segment + 1 :]]
        with pytest.raises(BadToken):
            SEAL.open(".".join(broken), "onecaptcha")


def _respellings(token: str) -> list[str]:
    """Write other spellings that a lenient decoder takes for the same bytes."""
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    parts, found = token.split("."), [token + "=", token + "\n", " " + token, token + "."]
    for index, part in enumerate(parts):

        def put(text: str, index: int = index) -> str:
            return ".".join([*parts[:index], text, *parts[index + 1 :]])

        found += [
            put(part + "="),
            put(part + "=="),
            put(part[:4] + "\n" + part[4:]),
            put(part[:4] + "*" + part[4:]),
        ]
        if len(part) % 4:
            found.append(put(part[:-1] + alphabet[alphabet.index(part[-1]) ^ 1]))
        if "-" in part or "_" in part:
            found.append(put(part.replace("-", "+").replace("_", "/")))
    return found


@pytest.mark.parametrize("respelled", _respellings(vectors("jwe-valid.json")["token"]))
def test_a_respelled_token_does_not_open(respelled: str) -> None:
    with pytest.raises(BadToken):
        VECTOR_SEAL.open(respelled, "onecaptcha")


@given(st.text(max_size=300))
def test_no_text_crashes_it(text: str) -> None:
    with pytest.raises(BadToken):
        SEAL.open(text, "onecaptcha")


@given(st.lists(st.text(alphabet=string.ascii_letters + "-_=", max_size=60), min_size=4, max_size=4))
def test_nothing_behind_a_good_header_crashes_it(segments: list[str]) -> None:
    with pytest.raises(BadToken):
        SEAL.open(".".join([TOKEN.split(".")[0], *segments]), "onecaptcha")


def test_every_key_of_the_ring_opens_and_the_current_one_seals() -> None:
    rotated = keys.rotated(keys.rotated(RING, NOW), NOW)
    seal = Seal(lambda: rotated)

    assert seal.open(TOKEN, "onecaptcha") == CLAIMS
    with pytest.raises(BadToken):
        SEAL.open(seal.seal(CLAIMS), "onecaptcha")


def test_a_ring_that_changes_is_noticed_at_once() -> None:
    rings = [RING]
    seal = Seal(lambda: rings[0])
    seal.seal(CLAIMS)

    rings[0] = keys.fresh_ring(NOW)

    with pytest.raises(BadToken):
        seal.open(TOKEN, "onecaptcha")


def test_inspect_opens_a_token_of_any_purpose() -> None:
    assert SEAL.inspect(TOKEN) == CLAIMS


@pytest.mark.parametrize("text", ["", "x", "e30", "bnVsbA", TOKEN[:-4] + "AAAA"])
def test_inspect_refuses_what_is_no_token(text: str) -> None:
    with pytest.raises(BadToken):
        SEAL.inspect(text)


@pytest.mark.parametrize("example", vectors("rfc7520-jwe.json"), ids=lambda example: str(example["title"]))
def test_the_cookbook_s_tokens_are_read_by_the_library_and_refused_by_us(example: dict[str, str]) -> None:
    """The examples of RFC 7520, section 5, use other algorithms or no kid of ours: none of them may pass the seal."""
    box = JWE(algs=[example["alg"], example["enc"]])
    box.deserialize(example["token"], JWK.from_json(json.dumps(example["key"])))

    assert box.payload.decode() == example["plaintext"]
    with pytest.raises(BadToken):
        SEAL.open(example["token"], "onecaptcha")


@pytest.mark.parametrize("vector", vectors("jwe-invalid.json"), ids=lambda vector: str(vector["comment"]))
def test_an_invalid_vector_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(BadToken):
        VECTOR_SEAL.open(vector["token"], "onecaptcha")


def test_the_invalid_vectors_differ_from_a_valid_one_in_one_thing() -> None:
    claims = VECTOR_SEAL.open(vectors("jwe-valid.json")["token"], "onecaptcha")

    assert (claims.kind, claims.iat) == ("grid", NOW)


def _plaintext(token: str) -> bytes:
    box = JWE(algs=["A256KW", "A256GCM"])
    box.deserialize(token, JWE_KEY)
    plaintext: bytes = box.payload
    return plaintext


def _jwe(content: bytes | list[object], purpose: str = "onecaptcha") -> str:
    plaintext: bytes = content if isinstance(content, bytes) else msgpack.packb(content)
    header = json.dumps(
        {"alg": "A256KW", "enc": "A256GCM", "kid": RING.current.kid, "typ": f"captcha-{purpose}"},
        separators=(",", ":"),
    )
    box = JWE(plaintext, header, algs=["A256KW", "A256GCM"])
    box.add_recipient(JWE_KEY)
    return str(box.serialize(compact=True))
