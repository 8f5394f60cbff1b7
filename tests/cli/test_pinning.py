"""What others publish is pinned by a command, over HTTPS and from nowhere else; what fails leaves what there is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from captcha_stateless import sites
from captcha_stateless.agents import directory
from captcha_stateless.cli import main, pinning
from captcha_stateless.cli.doctor_checks import examine
from captcha_stateless.devices import issuers
from captcha_stateless.errors import Misconfigured, Unavailable
from captcha_stateless.stores.fetched import fetch
from captcha_stateless.tokens import keys
from tests.agents.signers import Agent, jwk
from tests.cli.publishing import Publisher, publishing
from tests.devices.issuing import entry
from tests.support import NOW

AGENTS, ISSUERS = directory.PATH, issuers.PATHS[0]
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setenv("CAPTCHA_AGENTS", str(tmp_path / "pins" / "agents.json"))
    monkeypatch.setenv("CAPTCHA_DEVICE_ISSUERS", str(tmp_path / "pins" / "issuers.json"))
    with publishing(tmp_path) as (publisher, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        yield publisher


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def publish_agents(publisher: Publisher, *listed: dict[str, Any], path: str = AGENTS) -> None:
    publisher.documents[path] = (200, directory.MEDIA_TYPE, json.dumps({"keys": listed}).encode())


def publish_issuer(publisher: Publisher, *listed: dict[str, Any], path: str = ISSUERS) -> None:
    body = json.dumps({"issuer-request-uri": "/request", "token-keys": listed}).encode()
    publisher.documents[path] = (200, issuers.MEDIA_TYPES[0], body)


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / "pins" / f"{name}.json").read_text(encoding="utf-8"))


def test_an_agent_is_pinned_listed_and_refreshed(publisher: Publisher, tmp_path: Path) -> None:
    agent = Agent()
    publish_agents(
        publisher, {**jwk(agent.key), "kid": "any", "use": "sig", "nbf": 1, "exp": NOW}, {"crv": "P-256"}
    )
    added = run("agents", "add", "Reader", f"https://{publisher.name}/")
    listed = run("agents", "list")
    publish_agents(publisher, jwk(OTHER))
    refreshed = run("agents", "refresh")

    assert added.exit_code == listed.exit_code == refreshed.exit_code == 0, added.output
    assert f"Reader  https://{publisher.name}  {agent.keyid}" in listed.output
    assert "Reader: 1 key, changed" in refreshed.output
    assert read(tmp_path, "agents")["agents"] == [
        {"name": "Reader", "directory": f"https://{publisher.name}", "keys": [jwk(OTHER)]}
    ]


def test_an_issuer_is_pinned_listed_and_refreshed(publisher: Publisher, tmp_path: Path) -> None:
    publish_issuer(publisher, {"token-type": 1, "token-key": "x"}, {"token-type": 2, **entry("issuer", 5)})
    added = run("devices", "add", publisher.name)
    listed = run("devices", "list")
    refreshed = run("devices", "refresh")

    assert added.exit_code == listed.exit_code == refreshed.exit_code == 0, added.output
    assert f"{publisher.name}  " in listed.output
    assert "from 5 on" in listed.output
    assert refreshed.output == f"{publisher.name}: 1 key\n"
    assert read(tmp_path, "issuers")["issuers"] == [{"name": publisher.name, "keys": [entry("issuer", 5)]}]


def test_an_issuer_of_the_drafts_publishes_elsewhere(publisher: Publisher) -> None:
    publish_issuer(publisher, {"token-type": 2, **entry("issuer")}, path=issuers.PATHS[1])

    assert run("devices", "add", publisher.name).exit_code == 0
    assert publisher.asked == list(issuers.PATHS)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ((404, "text/plain", b""), "404"),
        ((302, directory.MEDIA_TYPE, b""), "302"),
        ((200, "text/html", b"<p>"), "of the type text/html"),
        ((200, directory.MEDIA_TYPE, b" " * 262_145), "too long"),
        ((200, directory.MEDIA_TYPE, b"{"), "no directory"),
        ((200, directory.MEDIA_TYPE, b'{"keys": [1]}'), "no directory"),
        ((200, directory.MEDIA_TYPE, b'{"keys": []}'), "no Ed25519 key"),
        (
            (200, directory.MEDIA_TYPE, b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}]}'),
            "no directory",
        ),
        ((200, directory.MEDIA_TYPE, b"[" * 100_000), "no directory"),
    ],
)
def test_what_is_no_directory_leaves_the_keys_there_are(
    publisher: Publisher, tmp_path: Path, document: tuple[int, str, bytes], told: str
) -> None:
    publish_agents(publisher, jwk(OTHER))
    run("agents", "add", "Reader", f"https://{publisher.name}")
    before = read(tmp_path, "agents")
    publisher.documents[AGENTS] = document

    result = run("agents", "refresh")

    assert result.exit_code == 1
    assert told in result.output
    assert "its keys stay as they are" in result.output
    assert read(tmp_path, "agents") == before
    assert "/elsewhere" not in publisher.asked


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ([], "no key of type 2"),
        ([{"token-type": 2, "token-key": "AAAA"}], "no issuer directory"),
        ([{"token-type": 2, "token-key": 1}], "no issuer directory"),
        ([{"token-type": 2, **entry("issuer"), "not-before": -1}], "no issuer directory"),
        ([{"token-type": 2, **entry("issuer"), "not-before": "soon"}], "no issuer directory"),
    ],
)
def test_what_is_no_issuer_s_directory_is_not_pinned(
    publisher: Publisher, tmp_path: Path, listed: list[dict[str, Any]], told: str
) -> None:
    publish_issuer(publisher, *listed)

    result = run("devices", "add", publisher.name)

    assert (result.exit_code, told in result.output) == (1, True)
    assert not (tmp_path / "pins" / "issuers.json").exists()


def test_two_agents_share_neither_name_nor_key(publisher: Publisher, tmp_path: Path) -> None:
    publish_agents(publisher, jwk(OTHER))
    run("agents", "add", "Reader", f"https://{publisher.name}")
    before = read(tmp_path, "agents")

    again = run("agents", "add", "Reader", f"https://{publisher.name}")
    twin = run("agents", "add", "Twin", f"https://{publisher.name}")

    assert (again.exit_code, twin.exit_code) == (1, 1)
    assert "names Reader already" in again.output
    assert "shares its name or a key" in twin.output
    assert read(tmp_path, "agents") == before


def test_nothing_is_fetched_without_https(publisher: Publisher) -> None:
    with pytest.raises(Unavailable):
        fetch(f"http://{publisher.name}{AGENTS}", [directory.MEDIA_TYPE])
    with pytest.raises(Unavailable):
        fetch("file:///etc/hostname", ["text/plain"])
    assert run("agents", "add", "Reader", f"http://{publisher.name}").exit_code == 1
    assert run("agents", "add", "", f"https://{publisher.name}").exit_code == 1
    assert run("devices", "add", f"https://{publisher.name}").exit_code == 1
    assert publisher.asked == []


@pytest.mark.parametrize("group", ["agents", "devices"])
def test_without_a_setting_there_is_no_file(group: str) -> None:
    result = run(group, "list")

    assert (result.exit_code, "names no file" in result.output) == (1, True)


KEY = jwk(OTHER)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"agents": {}}',
        '{"agents": [1]}',
        '{"agents": [{"name": "A"}]}',
        '{"agents": [{"name": "A", "directory": "http://a.example"}]}',
        '{"agents": [{"name": "A", "directory": "https://[a"}]}',
        '{"agents": [{"name": "A", "directory": "https://a.example", "more": 1}]}',
        '{"agents": [{"name": "A", "directory": "https://a.example", "keys": 1}]}',
        '{"agents": [{"name": "A", "directory": "https://a.example", "keys": [1]}]}',
        '{"agents": [{"name": "A", "directory": "https://a.example", "keys": [{"kty": "OKP"}]}]}',
        json.dumps(
            {"agents": [{"name": "A", "directory": "https://a.example", "keys": [{**KEY, "nbf": "x"}]}]}
        ),
        json.dumps(
            {"agents": [{"name": "A", "directory": "https://a.example", "keys": [{**KEY, "exp": -1}]}]}
        ),
        json.dumps(
            {"agents": [{"name": "A", "directory": "https://a.example", "keys": [{**KEY, "exp": True}]}]}
        ),
    ],
)
def test_a_file_of_agents_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "agents.json").write_text(text, encoding="utf-8")

    with pytest.raises(Misconfigured, match=r"agents\.json|no directory|is no"):
        directory.load(tmp_path / "agents.json")


@pytest.mark.parametrize(
    "listed",
    [
        [{}],
        [{"name": "A_b"}],
        [{"name": "a", "more": 1}],
        [{"name": "a", "keys": 1}],
        [{"name": "a", "keys": [{"token-key": "AA"}]}],
        [{"name": "a"}, {"name": "a"}],
        [{"name": name} for name in "abcde"],
    ],
)
def test_a_file_of_issuers_of_another_form_is_refused(tmp_path: Path, listed: list[dict[str, Any]]) -> None:
    (tmp_path / "issuers.json").write_text(json.dumps({"issuers": listed}), encoding="utf-8")

    with pytest.raises(Misconfigured):
        issuers.load(tmp_path / "issuers.json")


def test_whoever_publishes_another_s_key_keeps_nobody_from_new_ones(tmp_path: Path) -> None:
    reader, path = Agent(), tmp_path / "agents.json"
    old, fresh = (jwk(Ed25519PrivateKey.from_private_bytes(each * 32)) for each in (b"p", b"q"))
    mallory = {"name": "Mallory", "directory": "https://mallory.example", "keys": [jwk(OTHER)]}
    path.write_text(
        json.dumps({"agents": [mallory, reader.entry, {**mallory, "name": "Late", "keys": [old]}]})
    )
    new = {"Mallory": [jwk(reader.key)], "Reader": [jwk(reader.key)], "Late": [fresh]}

    with pytest.raises(Misconfigured, match="1 of 3"):
        pinning.refresh(path, directory.ENTRIES, lambda entry: new[entry["name"]], directory.load)

    kept = {entry["name"]: entry["keys"] for entry in json.loads(path.read_text())["agents"]}
    assert kept == {**new, "Mallory": [jwk(OTHER)]}


def told(folder: Path, **environ: str) -> set[tuple[str, str]]:
    """Tell what the doctor says."""
    if not (folder / "keyring.json").exists():
        keys.save(folder / "keyring.json", keys.fresh_ring(NOW - 60), overwrite=False)
    base = {
        "CAPTCHA_KEYS": str(folder / "keyring.json"),
        "CAPTCHA_REPLAY": "memory",
        "CAPTCHA_FAMILY": "filled",
    }
    return {(finding.grade, finding.text) for finding in examine({**base, **environ}, now=NOW)}


def test_the_doctor_tells_of_keys_that_can_never_match(tmp_path: Path) -> None:
    agent, path = Agent(), tmp_path / "agents.json"
    late = {"name": "Late", "directory": "https://late.example", "keys": [{**KEY, "exp": NOW}]}
    path.write_text(json.dumps({"agents": [agent.entry, late]}), encoding="utf-8")
    some = told(tmp_path, CAPTCHA_AGENTS=str(path))
    path.write_text(json.dumps({"agents": [late]}), encoding="utf-8")
    none = told(tmp_path, CAPTCHA_AGENTS=str(path))
    path.write_text("{", encoding="utf-8")
    broken = told(tmp_path, CAPTCHA_AGENTS=str(path))

    assert ("good", f"{path} can be read: 1 agents with keys of now.") in some
    assert ("note", "No key of Late counts now: run `captcha-stateless agents refresh`.") in some
    assert ("note", "No agent has a key that counts now: run `captcha-stateless agents refresh`.") in none
    assert ("wrong", f"{path} is not JSON.") in broken


@pytest.mark.parametrize(("hosts", "grades"), [("", ["note"]), ('hosts = ["shop.example"]', [])])
def test_the_doctor_tells_of_sites_where_what_was_signed_for_another_counts(
    tmp_path: Path, hosts: str, grades: list[str]
) -> None:
    pins, served = tmp_path / "agents.json", tmp_path / "sites.toml"
    pins.write_text(json.dumps({"agents": [Agent().entry]}), encoding="utf-8")
    rule = '[[site.rule]]\nagent = "Reader"\naction = "allow"\n'
    site = f'[[site]]\nname = "Shop"\nkey = "shop"\nsecret_sha256 = "{"0" * 64}"\n{hosts}\n{rule}'
    served.write_text(site, encoding="utf-8")

    found = told(tmp_path, CAPTCHA_AGENTS=str(pins), CAPTCHA_SITES=str(served))

    assert [grade for grade, text in found if "names an agent" in text] == grades


def test_the_doctor_tells_of_devices_that_can_never_count(tmp_path: Path) -> None:
    path, served = tmp_path / "issuers.json", tmp_path / "sites.toml"
    path.write_text(
        json.dumps({"issuers": [{"name": "a", "keys": [entry("issuer", NOW + 1)]}]}), encoding="utf-8"
    )
    idle = told(tmp_path, CAPTCHA_DEVICE_ISSUERS=str(path))
    sites.append(served, sites.make("Shop", "shop", "secret", kinds=["grid", "device"]))
    wanted = told(tmp_path, CAPTCHA_DEVICE_ISSUERS=str(path), CAPTCHA_SITES=str(served))
    missing = told(tmp_path, CAPTCHA_SITES=str(served))
    named = told(
        tmp_path,
        CAPTCHA_DEVICE_ISSUERS=str(path),
        CAPTCHA_SITES=str(served),
        CAPTCHA_PUBLIC_URL="https://captcha.example",
    )
    sites.append(served, sites.make("Alone", "alone", "secret-2", kinds=["device"]))
    alone = told(tmp_path, CAPTCHA_SITES=str(served))

    hosts = ("wrong", "Site shop counts devices and has no hosts: name them, or set CAPTCHA_PUBLIC_URL.")
    assert ("note", "Issuers are pinned, and no site names the kind `device`.") in idle
    assert ("note", "No key of a counts now: run `captcha-stateless devices refresh`.") in wanted
    assert hosts in wanted
    assert hosts not in named
    assert (
        "wrong",
        "Site shop counts devices, and no issuer is pinned: set CAPTCHA_DEVICE_ISSUERS.",
    ) in missing
    assert ("wrong", "site alone: devices alone count; name another kind for whoever has none.") in alone
