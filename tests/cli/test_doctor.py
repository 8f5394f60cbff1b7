"""The doctor: what it finds wrong with an installation before a visitor does."""

import subprocess
import sys
from pathlib import Path

import pytest

from captcha_stateless.render.compiled import COMPILED
from captcha_stateless.tokens import keys
from tests.cli.conftest import run

pytestmark = pytest.mark.usefixtures("ring")


def test_the_doctor_objects_to_the_test_keys(ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("keys", "init")
    monkeypatch.setenv("CAPTCHA_TEST_KEYS", "on")

    result = run("doctor")

    assert result.exit_code == 1
    assert "CAPTCHA_TEST_KEYS" in result.output


def test_the_doctor_notes_a_key_that_is_needed_no_more(ring: Path) -> None:
    long_ago = keys.rotated(keys.rotated(keys.fresh_ring(1), 1), 1)
    keys.save(ring, long_ago, overwrite=False)

    assert "is needed no more" in run("doctor").output


def test_the_doctor_finds_a_good_installation_good(ring: Path) -> None:
    run("keys", "init")

    result = run("doctor")

    assert result.exit_code == 0
    assert "A token made here opens here." in result.output


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        ("", "Drawing is compiled." if COMPILED else "Drawing is not compiled"),
        ("_fused", "Drawing is not compiled"),
    ],
)
def test_the_doctor_tells_whether_drawing_is_compiled(ring: Path, hidden: str, told: str) -> None:
    """Without the compiled part, as where there was no compiler, everything is drawn and only told."""
    run("keys", "init")
    script = (
        f"import sys; sys.modules['captcha_stateless.render.{hidden or 'none'}'] = None\n"
        "from captcha_stateless.cli import main; main(['doctor'])"
    )

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0
    assert told in done.stdout


def test_the_doctor_prints_the_blind_floor_of_every_profile(ring: Path) -> None:
    run("keys", "init")
    output = run("doctor").output

    assert "Grid humane: 2 of 2 stages drawn outline; a blind guess passes 1 run in 207,936." in output
    for profile in ("lenient", "strict", "classic"):
        assert f"Grid {profile}: " in output


def test_the_doctor_finds_what_is_wrong(ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = run("doctor")
    run("keys", "init")
    ring.chmod(0o644)
    readable = run("doctor")
    monkeypatch.setenv("CAPTCHA_ALPHABET", "A")
    alphabet = run("doctor")
    monkeypatch.setenv("CAPTCHA_TILE_SIZE", "1")
    settings = run("doctor")

    assert [result.exit_code for result in (missing, readable, alphabet, settings)] == [1] * 4
    assert "keys init" in missing.output
    assert "chmod 600" in readable.output
    assert "CAPTCHA_ALPHABET" in alphabet.output
    assert "CAPTCHA_TILE_SIZE" in settings.output


def test_the_doctor_objects_to_the_development_site_in_production(
    ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("keys", "init")
    trying = run("doctor")
    monkeypatch.setenv("CAPTCHA_PRODUCTION", "true")
    production = run("doctor")

    assert (trying.exit_code, "note  The development site" in trying.output) == (0, True)
    assert (production.exit_code, "wrong The development site" in production.output) == (1, True)


def test_the_doctor_looks_at_the_sites(sites_file: Path) -> None:
    missing = run("doctor")
    run("sites", "add", "Shop")
    good = run("doctor")
    sites_file.write_text(sites_file.read_text() + 'profile = "none"\n')
    wrong = run("doctor")

    assert [result.exit_code for result in (missing, good, wrong)] == [1, 0, 1]
    assert "no profile none" in wrong.output


def test_the_doctor_names_the_weakest_door_of_each_site(sites_file: Path) -> None:
    run("sites", "add", "Grids", "--key", "grids", "--kind", "grid")
    run("sites", "add", "Worked", "--key", "worked", "--kind", "grid", "--kind", "work")

    lines = {
        line.split()[2].rstrip(":"): line for line in run("doctor").output.splitlines() if "Site " in line
    }

    assert "**grid**" in lines["grids"]
    assert "text" not in lines["grids"]
    assert "**work** (any program, 2^16 hashes)" in lines["worked"]


def test_the_doctor_notes_a_site_that_names_no_kinds(sites_file: Path) -> None:
    sites_file.write_text(f'[[site]]\nname = "Old"\nkey = "old"\nsecret_sha256 = "{"0" * 64}"\n')

    assert "Site old names no kinds: grid, text, audio count" in run("doctor").output


def test_the_doctor_objects_to_public_recordings_where_they_are_used(
    ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("keys", "init")
    monkeypatch.setenv("CAPTCHA_AUDIO_PUBLIC_RECORDINGS", "true")
    monkeypatch.setenv("PATH", "/nonexistent")

    assert "English is said by public ones" in run("doctor").output


def test_the_doctor_looks_at_the_policies(sites_file: Path) -> None:
    run("sites", "add", "Shop")
    rule = '[[policy.rule]]\nscore = [0, 100]\nkind = "work"\nunit = "bits"\ndifficulty = 999\n'
    sites_file.write_text(f'{sites_file.read_text()}\n[[policy]]\nname = "odd"\n{rule}')

    result = run("doctor")

    assert result.exit_code == 1
    assert "wrong policy odd" in result.output


def test_the_doctor_looks_at_the_networks(
    ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = tmp_path / "networks"
    run("keys", "init")
    monkeypatch.setenv("CAPTCHA_RISK_NETWORKS", str(networks))
    missing = run("doctor")
    networks.write_text("allow 10.0.0.0/8\n")
    good = run("doctor")
    networks.write_text("allow everyone\n")
    wrong = run("doctor")

    assert [result.exit_code for result in (missing, good, wrong)] == [1, 0, 1]
    assert f"{networks}, line 1" in wrong.output


def test_the_doctor_says_what_cannot_be_heard(ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("keys", "init")
    english = run("doctor")
    monkeypatch.setenv("CAPTCHA_AUDIO_LANGUAGES", "en,xx")
    mixed = run("doctor")

    assert "Text can be heard in en." in english.output
    assert (mixed.exit_code, "note  Text cannot be heard in xx" in mixed.output) == (0, True)


def test_the_doctor_objects_to_recordings_that_cannot_be_used(
    ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("keys", "init")
    monkeypatch.setenv("CAPTCHA_AUDIO_RECORDINGS", str(tmp_path / "none"))

    result = run("doctor")

    assert (result.exit_code, "no folder of recordings" in result.output) == (1, True)
