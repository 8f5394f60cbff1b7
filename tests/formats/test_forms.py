"""The wire forms: one spelling in, one spelling out, and it is the one that other people's libraries compute."""

import base64
import json
from typing import Any

import altcha
import pytest
from hypothesis import given
from hypothesis import strategies as st

from captcha_stateless.errors import BadRequest, BadToken
from captcha_stateless.formats import altcha as forms
from captcha_stateless.formats import cap, strict

KEYS = forms.Keys("s" * 64, "k" * 64)
HEX = st.text("0123456789abcdef", min_size=1, max_size=64)
NUMBERS = st.integers(0, 2**53 - 1)
ASKED = st.builds(
    forms.Asked,
    algorithm=st.sampled_from(["SHA-256", "PBKDF2/SHA-512", "SCRYPT", "ARGON2ID"]),
    cost=NUMBERS,
    memory=NUMBERS,
    lanes=NUMBERS,
    length=NUMBERS,
    nonce=HEX,
    salt=HEX,
    prefix=HEX,
    token=st.text("abcXYZ019._-", min_size=1, max_size=40),
    expires=NUMBERS,
    proof=st.sampled_from(["", "f" * 64]),
)


@given(ASKED)
def test_parameters_are_written_in_the_canonical_form(asked: forms.Asked) -> None:
    text = asked.canonical()

    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) == text


@given(ASKED)
def test_what_is_written_is_read_and_what_their_library_makes_of_it_is_signed_so(asked: forms.Asked) -> None:
    text, signature = forms.challenge_2(KEYS, asked)
    parameters = json.loads(text)
    theirs = altcha.Challenge.from_dict({"parameters": parameters, "signature": "x"}).to_dict()
    document = {
        "challenge": {"parameters": theirs["parameters"], "signature": signature},
        "solution": {"counter": 7, "derivedKey": "ab" * 32},
    }

    found = forms.solution(KEYS, strict.write(json.dumps(document)))

    assert found == forms.Solution(2, asked.token, 7, b"\xab" * 32)


def test_a_first_challenge_is_read_back() -> None:
    members = json.loads(f"{{{forms.challenge_1(KEYS, 'ab' * 12, 42, 1_800_000_000, 'a.b.c')}}}")

    right = forms.solution(KEYS, strict.write(json.dumps({**members, "number": 42})))
    wrong = forms.solution(KEYS, strict.write(json.dumps({**members, "number": 43})))

    assert right == forms.Solution(1, "a.b.c", 42)
    assert wrong == forms.Solution(1, "a.b.c", 43, whole=False)


def test_a_digit_cannot_move_from_the_salt_to_the_number() -> None:
    """CVE-2025-68113: of ``expires=1800`` and ``12`` was made ``expires=18001`` and ``2``."""
    members = json.loads(f"{{{forms.challenge_1(KEYS, 'ab' * 12, 12, 1_800, 'a.b.c')}}}")
    moved = {**members, "salt": members["salt"] + "1", "number": 2}

    with pytest.raises(BadRequest):
        forms.solution(KEYS, strict.write(json.dumps(moved)))


@given(st.dictionaries(st.sampled_from(["token", "id", "x"]), st.text(max_size=30), min_size=1))
def test_facts_are_read_back(given: dict[str, Any]) -> None:
    told = {name: value for name, value in given.items() if value}

    if told:
        assert forms.facts(KEYS, forms.server_payload(KEYS, told)) == told


def test_facts_under_another_key_are_none() -> None:
    with pytest.raises(BadToken):
        forms.facts(forms.Keys("x", "y"), forms.server_payload(KEYS, {"token": "x"}))


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"null", b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b"\xff", b"[" * 5_000]
)
def test_what_is_no_object_of_members_that_come_once_is_refused(content: bytes) -> None:
    with pytest.raises(BadRequest):
        strict.read(base64.b64encode(content).decode())


@pytest.mark.parametrize(
    "text", ["e30", "e30=\n", "e3 0=", "e30==", "e31=", "e31=x", "-_==", "\u00e9", "A" * 8_193]
)
def test_base64_has_one_spelling(text: str) -> None:
    with pytest.raises(BadRequest):
        strict.read(text)
    assert strict.read("e30=") == {}


@pytest.mark.parametrize(
    ("solutions", "expected"),
    [([1, 2], [1, 2]), ([{"nonce": 3}], [3]), ([{"y": "ab"}], ["ab"]), ([{"z": 1}], [None]), ([[1]], [[1]])],
)
def test_cap_s_solutions_are_numbers_or_objects(solutions: list[Any], expected: list[Any]) -> None:
    assert cap.answer({"token": "t", "solutions": solutions}) == ("t", expected)
