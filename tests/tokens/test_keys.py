"""The key ring: its file, its states, its rotation."""

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from captcha_stateless.errors import Misconfigured
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.keys import KeyRing
from tests.support import NOW


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "ring" / "keyring.json"
    keys.save(file, keys.fresh_ring(NOW), overwrite=False)
    return file


def states(ring: KeyRing) -> list[str]:
    sealing, signing = [key.state for key in ring.keys], [key.state for key in ring.signing]
    assert sealing == signing
    return [str(state) for state in sealing]


def test_a_saved_ring_loads_as_it_was(tmp_path: Path) -> None:
    ring = keys.rotated(keys.fresh_ring(NOW), NOW + 1)

    keys.save(tmp_path / "keyring.json", ring, overwrite=False)

    assert keys.load(tmp_path / "keyring.json") == ring


def test_the_file_is_its_owner_s_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_file_is_a_jwk_set(path: Path) -> None:
    entries = json.loads(path.read_text())["keys"]

    assert [(entry["kty"], entry["kid"] == "root") for entry in entries] == [
        ("oct", False),
        ("oct", True),
        ("EC", False),
    ]


def test_an_existing_ring_is_not_overwritten(path: Path) -> None:
    before = path.read_bytes()

    with pytest.raises(Misconfigured, match="not overwritten"):
        keys.save(path, keys.fresh_ring(NOW), overwrite=False)

    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Misconfigured, match="cannot write"):
        keys.save(tmp_path / "file" / "keyring.json", keys.fresh_ring(NOW), overwrite=False)


def test_a_missing_ring_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="keys init"):
        keys.load(tmp_path / "none.json")


def test_rotation_adds_before_it_seals_and_retires_what_sealed() -> None:
    first = keys.fresh_ring(NOW)

    second = keys.rotated(first, NOW + 1)
    third = keys.rotated(second, NOW + 2)

    assert states(second) == ["current", "next"]
    assert states(third) == ["retired", "current"]
    assert second.current == first.current
    assert third.current.kid == second.keys[1].kid
    assert [key.since for key in third.keys] == [NOW + 2, NOW + 2]


def test_a_retired_key_stays_for_its_grace() -> None:
    ring = keys.rotated(keys.rotated(keys.fresh_ring(NOW), NOW), NOW)

    assert states(keys.without_retired(ring, NOW + 100, 100)) == ["retired", "current"]
    assert states(keys.without_retired(ring, NOW + 101, 100)) == ["current"]


def test_what_is_derived_outlives_a_rotation() -> None:
    ring = keys.fresh_ring(NOW)

    rotated = keys.rotated(keys.rotated(ring, NOW), NOW)

    assert rotated.derive("replay") == ring.derive("replay") != ring.derive("draw")


def test_a_ring_has_one_current_key_and_no_twins() -> None:
    ring = keys.fresh_ring(NOW)
    (key,) = ring.keys

    for wrong in [(), (key, key), (key, replace(key, kid="b")), (replace(key, state="next"),)]:
        with pytest.raises(Misconfigured):
            KeyRing(keys=wrong, root=ring.root)


@pytest.mark.parametrize(
    "damage",
    [
        lambda ring: [],
        lambda ring: {},
        lambda ring: {"keys": None},
        lambda ring: {"keys": ring["keys"][:1]},
        lambda ring: {"keys": ring["keys"][1:]},
        lambda ring: {"keys": [ring["keys"][0] | {"alg": "A128KW"}, ring["keys"][1]]},
        lambda ring: {"keys": [ring["keys"][0] | {"state": "other"}, ring["keys"][1]]},
        lambda ring: {"keys": [ring["keys"][0] | {"kid": "../x"}, ring["keys"][1]]},
        lambda ring: {"keys": [ring["keys"][0] | {"k": "AAAA"}, ring["keys"][1]]},
        lambda ring: {"keys": [ring["keys"][0] | {"k": 1}, ring["keys"][1]]},
        lambda ring: {"keys": [ring["keys"][0] | {"kty": "RSA"}, ring["keys"][1]]},
        lambda ring: {"keys": [ring["keys"][0] | {"since": "x"}, ring["keys"][1]]},
        lambda ring: {"keys": [*ring["keys"][:2], ring["keys"][2] | {"alg": "ES384"}]},
        lambda ring: {"keys": [*ring["keys"][:2], ring["keys"][2] | {"state": "other"}]},
        lambda ring: {"keys": [*ring["keys"][:2], ring["keys"][2] | {"d": "AAAA"}]},
        lambda ring: {"keys": [*ring["keys"][:2], ring["keys"][2] | {"d": "A" * 43}]},
        lambda ring: {"keys": [*ring["keys"][:2], ring["keys"][2] | {"x": ring["keys"][2]["y"]}]},
        lambda ring: {"keys": [*ring["keys"][:2], ring["keys"][2] | {"crv": "P-384"}]},
        lambda ring: {"keys": [*ring["keys"][:2], {"kty": "EC"}]},
        lambda ring: {"keys": [*ring["keys"], ring["keys"][2]]},
    ],
)
def test_a_damaged_ring_is_refused_without_its_content(path: Path, damage: Any) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps(damage(document)))

    with pytest.raises(Misconfigured) as caught:
        keys.load(path)

    assert document["keys"][0]["k"] not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 50_000])
def test_what_is_no_json_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(Misconfigured):
        keys.load(path)


def test_a_ring_from_before_passes_signs_alike_on_every_replica(path: Path) -> None:
    old = json.loads(path.read_text())["keys"][:2]
    path.write_text(json.dumps({"keys": old}))

    one, other = keys.load(path), keys.load(path)

    assert one.signer == other.signer
    assert one.signer.state == "current"


def test_the_first_rotation_of_an_old_ring_writes_its_signing_key_down(path: Path) -> None:
    path.write_text(json.dumps({"keys": json.loads(path.read_text())["keys"][:2]}))
    old = keys.load(path)

    keys.save(path, keys.rotated(old, NOW + 1), overwrite=True)

    assert [key.state for key in keys.load(path).signing] == ["current", "next"]
    assert keys.load(path).signer == old.signer


def test_a_rotation_begun_before_passes_catches_up_in_step() -> None:
    ring = keys.fresh_ring(NOW)
    half = replace(ring, keys=(*ring.keys, keys.fresh_key("next", NOW)))

    done = keys.rotated(half, NOW)

    assert [key.state for key in done.keys] == ["retired", "current"]
    assert [key.state for key in done.signing] == ["current"]


def test_what_is_published_holds_no_private_part() -> None:
    ring = keys.rotated(keys.fresh_ring(NOW), NOW)

    published = keys.published(ring)["keys"]

    assert [set(key) for key in published] == [{"kty", "crv", "x", "y", "kid", "use", "alg"}] * 2
    assert {key["kid"] for key in published} == {key.kid for key in ring.signing}


def test_the_steps_of_a_rotation_come_in_order() -> None:
    ring, steps = keys.fresh_ring(NOW), []

    for _ in range(2):
        steps.append(ring.step)
        ring = keys.rotated(ring, NOW)
    steps.append(ring.step)

    assert steps == ["add", "switch", "delete"]
    assert keys.without_retired(ring, NOW, -1).step == "add"
