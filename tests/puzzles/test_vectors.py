"""What other people's packages computed, computed here."""

import hashlib
from typing import Any

import pytest

from captcha_stateless.model import Params
from captcha_stateless.puzzles import altcha1, altcha2, cap
from captcha_stateless.puzzles.derive import derive
from tests.support import vectors

ALTCHA, CAP = vectors("altcha.json"), vectors("cap.json")


def test_altcha_1() -> None:
    given = ALTCHA["v1"]

    assert altcha1.digest_of(given["salt"], 1234) == given["challenge"]
    assert altcha1.digest_of(given["salt"], 1235) != given["challenge"]


def params_of(given: dict[str, Any]) -> Params:
    return {
        "kdf": given["algorithm"],
        "cost": given["cost"],
        "memory": given.get("memoryCost", 0),
        "lanes": given.get("parallelism", 0),
    }


@pytest.mark.parametrize("name", [name for name in ALTCHA if name.startswith("v2_")])
def test_altcha_2(name: str) -> None:
    given, expected = ALTCHA[name]["challenge"]["parameters"], ALTCHA[name]["expect"]
    nonce, salt = bytes.fromhex(given["nonce"]), bytes.fromhex(given["salt"])

    key = derive(params_of(given), salt, altcha2.password(nonce, expected["counter"]))

    assert key.hex() == expected["derivedKey"]
    assert key.hex().startswith(given["keyPrefix"])


def test_argon2_of_its_own_library() -> None:
    """There is no vector of ALTCHA's: PyPI's altcha derives it by the same library, and so must this."""
    import altcha

    given = {"algorithm": "ARGON2ID", "cost": 2, "memoryCost": 64, "parallelism": 1, "keyLength": 32}
    theirs = altcha.ChallengeParameters.from_dict(
        {**given, "nonce": "00" * 16, "salt": "11" * 16, "keyPrefix": "0"}
    )
    text = altcha2.password(bytes(16), 7)

    ours = derive(params_of(given), b"\x11" * 16, text)

    assert ours == altcha.derive_key_argon2id(theirs, b"\x11" * 16, text)


def test_cap() -> None:
    size = cap.Size(CAP["c"], CAP["s"], CAP["d"])

    assert cap.scattered(cap.scatter(CAP["token"]), size) == [tuple(pair) for pair in CAP["pairs"]]


def test_a_hash_goes_on_where_it_left_off() -> None:
    assert cap.scatter("abc") == cap.scatter("c", cap.scatter("ab"))
    assert cap.scatter("") == 0x811C9DC5


def test_digits_are_cut_where_they_are_enough() -> None:
    assert cap.digits(1, 20)[:8] == cap.digits(1, 8)
    assert len(cap.digits(1, 20)) == 20


def test_the_hash_of_cap_is_of_salt_and_number() -> None:
    params = cap.Cap().plan({"difficulty": 6})
    solutions = cap.solve("token", params)

    for (salt, target), number in zip(
        cap.scattered(cap.scatter("token"), cap.size(params)), solutions, strict=True
    ):
        assert hashlib.sha256(f"{salt}{number}".encode()).hexdigest().startswith(target)
