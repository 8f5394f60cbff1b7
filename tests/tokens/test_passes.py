"""Signer: what verifies, with other people's libraries too, and the many things that do not."""

import base64
import hashlib
import hmac
import json
import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from captcha_stateless.errors import BadRequest, BadToken
from captcha_stateless.model import Pass
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.passes import (
    MAX_PASS_CHARACTERS,
    MAX_TOKEN_CHARACTERS,
    Signer,
    UnknownKey,
    Verifier,
)
from tests.support import NOW

CLAIMS = Pass(
    site="shop",
    host="shop.example",
    kind="grid",
    jti=bytes(range(16)),
    iat=NOW,
    exp=NOW + 300,
    action="login",
    cdata="cart 7",
)
RING = keys.fresh_ring(NOW)
PASSES = Signer(lambda: RING, "tests")
TOKEN = PASSES.sign(CLAIMS)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def segment(document: object) -> str:
    return encoded(json.dumps(document, separators=(",", ":")).encode())


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signed(payload: object, header: dict[str, Any] | None = None) -> str:
    """Sign what we would never sign, with the right key."""
    box = JWS(json.dumps(payload) if not isinstance(payload, bytes) else payload)
    protected = header or json.loads(decoded(TOKEN.split(".")[0]))
    box.add_signature(RING.signer.jwk, protected=json.dumps(protected, separators=(",", ":")))
    return canonical_s(str(box.serialize(compact=True)))


def canonical_s(token: str) -> str:
    head, _, signature = token.rpartition(".")
    number = decoded(signature)
    s = int.from_bytes(number[32:], "big")
    return f"{head}.{encoded(number[:32] + min(s, ORDER - s).to_bytes(32, 'big'))}"


def test_a_signed_pass_verifies_to_the_same_claims() -> None:
    assert PASSES.verify(TOKEN) == CLAIMS


def test_header_and_claims_are_those_that_are_documented() -> None:
    header, payload, _ = (decoded(part) for part in TOKEN.split("."))

    assert json.loads(header) == {"alg": "ES256", "kid": RING.signer.kid, "typ": "captcha-pass+jwt"}
    assert json.loads(payload) == {
        "iss": "tests",
        "aud": "shop",
        "hostname": "shop.example",
        "kind": "grid",
        "action": "login",
        "cdata": "cart 7",
        "score": 1.0,
        "iat": NOW,
        "exp": NOW + 300,
        "jti": "AAECAwQFBgcICQoLDA0ODw",
    }


def test_the_longest_pass_keeps_to_its_limit() -> None:
    for issuer in ("i", "i" * 64):
        passes = Signer(lambda: RING, issuer)
        room = next(size for size in range(400, 0, -1) if has_room(passes, "h" * size))
        longest = replace(CLAIMS, site="", action="", cdata="", host="h" * room, kind="k" * 16, net=bytes(8))

        assert MAX_PASS_CHARACTERS - 2 <= len(passes.sign(longest)) <= MAX_PASS_CHARACTERS
        assert room > 100


def has_room(passes: Signer, *binding: str) -> bool:
    try:
        passes.require_room(*binding)
    except BadRequest:
        return False
    return True


def test_every_key_of_the_ring_verifies_and_the_current_one_signs() -> None:
    rotated = keys.rotated(keys.rotated(RING, NOW), NOW)
    passes = Signer(lambda: rotated, "tests")

    assert passes.verify(TOKEN) == CLAIMS
    with pytest.raises(UnknownKey):
        PASSES.verify(passes.sign(CLAIMS))


def test_a_ring_that_changes_is_noticed_at_once() -> None:
    rings = [RING]
    passes = Signer(lambda: rings[0], "tests")

    rings[0] = keys.fresh_ring(NOW)

    with pytest.raises(BadToken):
        passes.verify(TOKEN)


def test_the_published_set_is_enough_to_verify() -> None:
    document = json.loads(json.dumps(PASSES.published()))

    assert Verifier(document, "tests").verify(TOKEN) == CLAIMS


def test_another_issuer_s_pass_is_refused() -> None:
    with pytest.raises(BadToken):
        Verifier(PASSES.published(), "others").verify(TOKEN)


@pytest.mark.parametrize(
    "document", [{}, {"keys": 1}, {"keys": [{}]}, {"keys": [{"kid": "a", "x": "A", "y": "A"}]}, {"keys": [1]}]
)
def test_what_is_no_set_of_public_keys_is_told(document: dict[str, Any]) -> None:
    with pytest.raises(BadToken):
        Verifier(document, "tests")


def test_hs256_with_the_public_key_as_secret_is_refused() -> None:
    header = segment({"alg": "HS256", "kid": RING.signer.kid, "typ": "captcha-pass+jwt"})
    body = f"{header}.{TOKEN.split('.')[1]}"
    public = RING.signer.jwk
    for secret in (public.export_public().encode(), public.export_to_pem(), public.thumbprint().encode()):
        forged = encoded(hmac.digest(secret, body.encode(), hashlib.sha256))
        with pytest.raises(BadToken):
            PASSES.verify(f"{body}.{forged}")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, "ES512", "RS256"])
def test_another_algorithm_is_refused(algorithm: str | None) -> None:
    header = segment({"alg": algorithm, "kid": RING.signer.kid, "typ": "captcha-pass+jwt"})
    payload, signature = TOKEN.split(".")[1:]
    for forged in (signature, ""):
        with pytest.raises(BadToken):
            PASSES.verify(f"{header}.{payload}.{forged}")


def test_a_key_that_the_pass_brings_along_is_not_used() -> None:
    own = JWK.generate(kty="EC", crv="P-256")
    header = json.dumps(
        {"alg": "ES256", "kid": RING.signer.kid, "typ": "captcha-pass+jwt", "jwk": own.export_public(True)}
    )
    box = JWS(decoded(TOKEN.split(".")[1]))
    box.add_signature(own, protected=header)

    with pytest.raises(BadToken):
        PASSES.verify(canonical_s(str(box.serialize(compact=True))))


@pytest.mark.parametrize(
    "change",
    [{"typ": "JWT"}, {"typ": "captcha-onecaptcha"}, {"cty": "x"}, {"crit": ["exp"], "exp": 1}, {"kid": "x"}],
)
def test_a_header_that_differs_is_refused_though_it_is_signed(change: dict[str, Any]) -> None:
    header = {"alg": "ES256", "kid": RING.signer.kid, "typ": "captcha-pass+jwt", **change}
    if "crit" in change:
        header_text, payload = segment(header), TOKEN.split(".")[1]
        forged = f"{header_text}.{payload}.{TOKEN.split('.')[2]}"
    else:
        forged = signed(json.loads(decoded(TOKEN.split(".")[1])), header)

    with pytest.raises(BadToken):
        PASSES.verify(forged)


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"{}", b"\xff", b"[" * 1000, {"iss": "tests"}])
def test_signed_nonsense_is_no_pass(payload: object) -> None:
    with pytest.raises(BadToken):
        PASSES.verify(signed(payload))


def test_the_other_form_of_the_signature_is_refused() -> None:
    """(r, n - s) verifies like (r, s): other libraries take both, so a filter by text would see two passes."""
    head, _, signature = TOKEN.rpartition(".")
    number = decoded(signature)
    other = number[:32] + (ORDER - int.from_bytes(number[32:], "big")).to_bytes(32, "big")
    respelled = f"{head}.{encoded(other)}"

    box = JWS()
    box.deserialize(respelled, RING.signer.jwk)
    assert box.is_valid
    with pytest.raises(BadToken):
        PASSES.verify(respelled)


def respellings() -> list[str]:
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    parts, found = TOKEN.split("."), [TOKEN + "=", TOKEN + "\n", " " + TOKEN, TOKEN + ".", "." + TOKEN]
    for index, part in enumerate(parts):
        others = [part + "=", part[:4] + "\n" + part[4:], part[:4] + "*" + part[4:]]
        if len(part) % 4:
            others.append(part[:-1] + alphabet[alphabet.index(part[-1]) ^ 1])
        found += [".".join([*parts[:index], other, *parts[index + 1 :]]) for other in others]
    return found


def test_a_respelled_pass_is_refused() -> None:
    for respelled in respellings():
        with pytest.raises(BadToken):
            PASSES.verify(respelled)


def test_every_flipped_bit_is_noticed() -> None:
    for place in range(len(TOKEN)):
        if TOKEN[place] != ".":
            other = "B" if TOKEN[place] == "A" else "A"
            with pytest.raises(BadToken):
                PASSES.verify(TOKEN[:place] + other + TOKEN[place + 1 :])


def test_an_over_long_text_is_refused_before_any_crypto() -> None:
    with pytest.raises(BadToken, match="over-long"):
        PASSES.verify(TOKEN + "A" * MAX_TOKEN_CHARACTERS)


@given(st.text(max_size=300))
def test_no_text_crashes_it(text: str) -> None:
    with pytest.raises(BadToken):
        PASSES.verify(text)


@given(st.lists(st.text(alphabet=string.ascii_letters + "-_=", max_size=90), min_size=0, max_size=4))
def test_nothing_behind_a_good_header_crashes_it(segments: list[str]) -> None:
    with pytest.raises(BadToken):
        PASSES.verify(".".join([TOKEN.split(".")[0], *segments]))
