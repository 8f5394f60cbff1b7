"""Sites, as an operator adds and checks them."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from captcha_stateless import sites
from captcha_stateless.formats import altcha
from captcha_stateless.tokens import keys
from tests.cli.conftest import run

pytestmark = pytest.mark.usefixtures("ring")


def test_a_site_is_added_and_its_secret_shown_once(sites_file: Path) -> None:
    added = run("sites", "add", "Shop", "--host", "shop.example", "--kind", "text")
    shown = dict(line.split(":", 1) for line in added.output.splitlines()[:2])
    listed = run("sites", "list").output

    assert added.exit_code == 0
    assert sites.load(sites_file).authenticate(shown["secret"].strip()).key == shown["site key"].strip()
    assert "shop.example" in listed
    assert shown["secret"].strip() not in listed + sites_file.read_text()


def test_a_site_keeps_the_key_that_its_clients_know(sites_file: Path) -> None:
    run("sites", "add", "Relay", "--key", "your_client_id")

    assert run("sites", "list").output == "your_client_id  Relay  hosts: any  kinds: grid, text, audio\n"
    assert 'kinds = ["grid", "text", "audio"]' in sites_file.read_text()


def test_whoever_adds_a_site_by_hand_is_asked_which_kinds_count(tmp_path: Path) -> None:
    """On a terminal: the answer is written down, and the answer's choices are told."""
    path, (ours, theirs) = tmp_path / "sites.toml", pty.openpty()
    command = [sys.executable, "-m", "captcha_stateless", "sites", "add", "Shop"]
    asked = subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, env={**os.environ, "CAPTCHA_SITES": str(path)}
    )
    os.write(ours, b"grid, audio\n")
    told, _ = asked.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)

    assert asked.returncode == 0
    assert b"A bot takes the weakest kind that counts." in told
    assert 'kinds = ["grid", "audio"]' in path.read_text()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--kind", "none"), "there is no kind none; choose from grid, text, audio"),
        (("--profile", "none"), "there is no profile none; choose from lenient, humane, strict, classic"),
        (("--host", "https://shop.example"), "write shop.example"),
        (("--host", "shop.example:8080"), "write shop.example"),
        (("--key", "é"), "1 to 64 ASCII characters"),
    ],
)
def test_a_site_that_cannot_work_is_not_added(sites_file: Path, words: tuple[str, ...], problem: str) -> None:
    result = run("sites", "add", "Shop", *words)

    assert (result.exit_code, sites_file.exists()) == (1, False)
    assert problem in result.output


@pytest.mark.parametrize("host", ["shop.example", "*.shop.example", "localhost", "127.0.0.1", "::1"])
def test_hosts_are_names_wildcards_and_addresses(sites_file: Path, host: str) -> None:
    assert run("sites", "add", "Shop", "--host", host).exit_code == 0


def test_check_finds_a_good_file_good_and_names_what_is_wrong(sites_file: Path) -> None:
    run("sites", "add", "Shop")
    good = run("sites", "check")
    sites_file.write_text(sites_file.read_text().replace('"text"', '"tetx"'))
    wrong = run("sites", "check")
    sites_file.write_text("x")
    broken = run("sites", "check")

    assert (good.exit_code, good.output) == (0, f"{sites_file}: 1 site, all good.\n")
    assert (wrong.exit_code, "no kind tetx" in wrong.output) == (1, True)
    assert (broken.exit_code, "is not TOML" in broken.output) == (1, True)


def test_what_altcha_s_libraries_hold_is_shown(sites_file: Path, ring: Path) -> None:
    added = run("sites", "add", "Shop", "--key", "shop").output
    shown = dict(
        line.split(":", 1) for line in run("sites", "altcha", "shop").output.splitlines() if ": " in line
    )
    site = sites.load(sites_file).find("shop")

    held = altcha.keys(keys.load(ring).derive("share"), site.key, site.secret_sha256)
    assert shown["HMAC secret"].strip() == held.signature
    assert shown["HMAC key secret"].strip() == held.key
    assert shown["challenge URL"].strip() == "/altcha/v2/challenge?apiKey=shop"
    assert not {held.signature, held.key} & set(added.split())
    assert run("sites", "altcha", "none").exit_code == 1


def test_without_a_sites_file_there_is_the_development_site(ring: Path) -> None:
    assert run("sites", "list").output.startswith("dev-site  Development  hosts: localhost, 127.0.0.1")
    assert "CAPTCHA_SITES" in run("sites", "check").output
    assert run("sites", "add", "Shop").exit_code == 1
