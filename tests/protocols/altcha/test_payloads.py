"""ALTCHA payloads that were changed, mixed or malformed: none is judged, and none spends a try."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocols.altcha.conftest import Change, both, put, raised, signature
from tests.protocols.contract import INHERITED
from tests.support import Server
from tests.widgets import V1, V2, packed, payload, unpacked, verify

PARAMETERS = ("challenge", "parameters")


FORGED_2 = [
    raised("challenge", "signature"),
    *(
        raised(*PARAMETERS, name)
        for name in ("cost", "expiresAt", "keyLength", "keyPrefix", "keySignature", "nonce", "salt")
    ),
    put(*PARAMETERS, "algorithm", value="SHA-512"),
    raised(*PARAMETERS, "data", "token"),
]


FORGED_1 = [raised("challenge"), raised("signature")]


@pytest.mark.parametrize(
    ("path", "forge"), [*((V1, forge) for forge in FORGED_1), *((V2, forge) for forge in FORGED_2)]
)
def test_what_was_changed_is_no_longer_signed_and_spends_nothing(
    server: Server, path: str, forge: Change
) -> None:
    solution = payload(server, path)

    assert verify(server, packed(forge(unpacked(solution))), path)["reason"] == "INVALID_SIGNATURE"
    assert verify(server, solution, path)["verified"]


MALFORMED_1 = [
    put("number", value="1"),
    put("number", value=True),
    put("number", value=-1),
    put("number", value=1.5),
    put("algorithm", value="SHA-1"),
    put("salt", value="0" * 24),
    put("salt", value=None),
    put("extra", value=1),
    put("signature", value=None),
]


MALFORMED_2 = [
    put("solution", "counter", value="1"),
    put("solution", "counter", value=True),
    put("solution", "counter", value=-1),
    put("solution", "counter", value=2**32),
    put("solution", "derivedKey", value="F" * 64),
    put("solution", "derivedKey", value="f" * 63),
    put("solution", "derivedKey", value=None),
    put("solution", "extra", value=1),
    put("solution", value=None),
    put("challenge", value=None),
    put("challenge", "signature", value=None),
    put("challenge", "extra", value=1),
    put("challenge", "parameters", value=None),
    put(*PARAMETERS, "data", value={"1": 1, "token": "x"}),
    put(*PARAMETERS, "data", value={"token": 7}),
    put(*PARAMETERS, "cost", value=1.0),
    put(*PARAMETERS, "cost", value=True),
    put(*PARAMETERS, "expiresAt", value=None),
    put(*PARAMETERS, "extra", value=1),
    put(*PARAMETERS, "memoryCost", value=2**31),
    both(put(*PARAMETERS, "memoryCost", value=0), put(*PARAMETERS, "parallelism", value=0)),
    put(*PARAMETERS, "algorithm", value='SHA-256","cost":1,"x":"'),
    put(*PARAMETERS, "keySignature", value=""),
    put("test", value=True),
]


@pytest.mark.parametrize(
    ("path", "change"), [*((V1, change) for change in MALFORMED_1), *((V2, change) for change in MALFORMED_2)]
)
def test_what_has_another_form_is_an_error_and_spends_nothing(
    server: Server, path: str, change: Change
) -> None:
    solution = payload(server, path)

    assert "error" in verify(server, packed(change(unpacked(solution))), path)
    assert verify(server, solution, path)["verified"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "====",
        "e30",
        "e30=\n",
        "\u00e4",
        packed([]),
        packed(None),
        packed({}),
        packed({"challenge": None, "solution": None, "test": True}),
        "W1" * 4_000,
        "A" * 8_193,
    ],
)
def test_what_is_no_payload_is_an_error(server: Server, text: str) -> None:
    assert list(verify(server, text)) == ["error"]
    assert list(signature(server, text).json()) == ["error"]


def test_a_member_that_is_there_twice_is_an_error(server: Server) -> None:
    import base64

    solution = json.dumps(unpacked(payload(server, V1)))
    doubled = base64.b64encode(solution.replace('{"', '{"number": 1, "', 1).encode()).decode()

    assert list(verify(server, doubled, V1)) == ["error"]


@pytest.mark.parametrize("body", [[], {}, {"payload": 7}, {"payload": "x", "code": 7}, {"payload": None}])
def test_a_body_of_another_form_is_an_error(server: Server, body: object) -> None:
    reply = server.visitor.post(f"{V2}/verify?apiKey=dev-site", json=body)

    assert (reply.status_code, list(reply.json())) == (400, ["error"])


def test_parts_of_two_challenges_are_none(server: Server) -> None:
    """The signature is of the one, the salt and its number are of the other."""
    one, other = unpacked(payload(server, V1)), unpacked(payload(server, V1))
    mixed = {**one, "challenge": other["challenge"], "signature": other["signature"]}

    assert verify(server, packed(mixed), V1)["reason"] == "INVALID_SIGNATURE"


@settings(max_examples=150, deadline=None, suppress_health_check=INHERITED)
@given(
    document=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["challenge", "solution", "salt", "parameters", "signature", "number", "data", "1"]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    )
)
def test_no_payload_crashes_it(server: Server, document: object) -> None:
    text = packed(document)

    assert list(verify(server, text)) == ["error"]
    assert list(signature(server, text).json()) == ["error"]
