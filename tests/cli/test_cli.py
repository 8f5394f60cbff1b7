"""The command line, as an operator types it."""

import json
import os
import pty
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from captcha_stateless import sites
from captcha_stateless.cli import main
from captcha_stateless.formats import altcha
from captcha_stateless.protocols.widget import tag
from captcha_stateless.render.compiled import COMPILED
from captcha_stateless.tokens import keys
from tests.live import LiveServer, live_server
from tests.support import Server


@pytest.fixture(autouse=True)
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cli" / "keyring.json"
    monkeypatch.setenv("CAPTCHA_KEYS", str(path))
    monkeypatch.setenv("CAPTCHA_REPLAY_DIR", str(tmp_path / "replay"))
    monkeypatch.setenv("CAPTCHA_REPLAY_RATE", "10")
    return path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_init_makes_a_ring_once(ring: Path) -> None:
    first, second = run("keys", "init"), run("keys", "init")

    assert first.exit_code == 0
    assert stat.S_IMODE(ring.stat().st_mode) == 0o600
    assert second.exit_code == 1
    assert "not overwritten" in second.output


def test_init_if_missing_leaves_a_ring_alone(ring: Path) -> None:
    run("keys", "init")
    before = ring.read_bytes()

    again = run("keys", "init", "--if-missing")

    assert (again.exit_code, again.output, ring.read_bytes()) == (0, "", before)


def test_list_shows_states_and_no_secret(ring: Path) -> None:
    run("keys", "init")

    output = run("keys", "list").output

    assert "current" in output
    assert json.loads(ring.read_text())["keys"][0]["k"] not in output


def test_rotate_takes_three_steps_and_says_what_comes_next(ring: Path) -> None:
    run("keys", "init")

    first, early, second = run("keys", "rotate"), run("keys", "rotate"), run("keys", "rotate", "--force")
    states = [key.state for key in keys.load(ring).all]
    late, third = run("keys", "rotate"), run("keys", "rotate", "--force")

    assert all("Next: copy" in step.output for step in (first, second, third))
    assert (early.exit_code, late.exit_code) == (1, 1)
    assert "too new" in early.output
    assert "tokens under it still live" in late.output
    assert "seal and sign from now on" in second.output
    assert "complete" in third.output
    assert states == ["retired", "current"] * 2
    assert [key.state for key in keys.load(ring).all] == ["current"] * 2


def test_list_tells_the_two_sorts_of_keys_apart(ring: Path) -> None:
    run("keys", "init")

    output = run("keys", "list").output

    assert "seals challenges" in output
    assert "signs passes" in output
    assert keys.load(ring).signer.jwk.export(as_dict=True)["d"] not in output


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


def test_retire_keeps_what_living_tokens_need(ring: Path) -> None:
    run("keys", "init")
    run("keys", "rotate")
    run("keys", "rotate", "--force")

    assert run("keys", "retire").output == "Deleted 0 retired keys; 4 left.\n"

    old = [
        {**key, "since": 1} if key.get("state") == "retired" else key
        for key in json.loads(ring.read_text())["keys"]
    ]
    ring.write_text(json.dumps({"keys": old}))
    assert run("keys", "retire").output == "Deleted 2 retired keys; 2 left.\n"


def test_inspect_prints_claims_and_on_demand_the_answer(ring: Path, tmp_path: Path) -> None:
    server = Server(ring.parent)
    sealed = server.engine.issue("onecaptcha", "grid")

    claims = json.loads(run("inspect", sealed.token).output)
    told = json.loads(run("inspect", "--answer", sealed.token).output)

    assert (claims["kind"], claims["stage"], claims["params"]) == (
        "grid",
        0,
        {"profile": "humane", "family": "filled"},
    )
    assert "answer" not in claims
    assert told["answer"] == server.engine.tell(sealed.claims)


def test_inspect_of_nonsense_is_one_sentence(ring: Path) -> None:
    run("keys", "init")

    result = run("inspect", "nonsense")

    assert (result.exit_code, result.output) == (1, "Error: not a token\n")


def test_sample_writes_a_contact_sheet(ring: Path, tmp_path: Path) -> None:
    run("keys", "init")
    output = tmp_path / "sheet.png"

    result = run("sample", "--count", "2", "--param", "profile=classic", "--output", str(output))

    assert result.exit_code == 0
    with Image.open(output) as image:
        assert image.width > image.height > 100


@pytest.mark.parametrize("words", [("--kind", "none"), ("--param", "profile=none")])
def test_sample_of_what_there_is_not_is_one_sentence(ring: Path, words: tuple[str, str]) -> None:
    run("keys", "init")

    result = run("sample", *words)

    assert result.exit_code == 1
    assert result.output.startswith("Error: ")


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


def test_more_workers_than_the_filter_serves_are_refused(ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("keys", "init")
    monkeypatch.setenv("CAPTCHA_REPLAY", "memory")

    result = run("serve", "--workers", "2")

    assert result.exit_code == 1
    assert "one worker only" in result.output


def test_a_filter_that_cannot_work_stops_the_start_with_one_sentence(
    ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("keys", "init")
    (tmp_path / "file").touch()
    monkeypatch.setenv("CAPTCHA_REPLAY_DIR", str(tmp_path / "file"))

    for command in ("serve", "doctor"):
        result = run(command)
        assert result.exit_code == 1
        assert "replay filter" in result.output


def test_a_config_file_is_read(ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "captcha.toml"
    config.write_text("profile = 'none'\n")
    monkeypatch.delenv("CAPTCHA_CONFIG", raising=False)
    monkeypatch.setenv("CAPTCHA_CONFIG", "")

    result = run("--config", str(config), "keys", "list")

    assert (result.exit_code, "must be one of lenient, humane, strict, classic" in result.output) == (1, True)


@pytest.fixture
def live(ring: Path) -> Iterator[LiveServer]:
    run("keys", "init")
    with live_server() as server:
        yield server


def test_serve_says_where_to_look_and_logs_no_address_and_no_path(live: LiveServer) -> None:
    reply = httpx.post(f"{live.url}/api/challenge")

    output = live.stop()

    assert reply.status_code == 200
    assert f"try it at {live.url}/" in output
    assert "/api/challenge" not in output


def test_a_hangup_reads_the_keys_again(live: LiveServer, ring: Path) -> None:
    token = httpx.post(f"{live.url}/api/challenge").json()["challenge"]
    keys.save(ring, keys.fresh_ring(int(time.time())), overwrite=True)

    os.kill(live.process.pid, signal.SIGHUP)
    for _ in range(50):
        reply = httpx.post(f"{live.url}/api/extend", headers={"X-Captcha-Challenge": token}).json()
        if "error" in reply:
            break
        time.sleep(0.1)

    assert reply == {"error": "Unable to parse challenge token"}
    assert live.process.poll() is None


def test_uvicorn_s_own_options_pass_through(ring: Path) -> None:
    run("keys", "init")

    result = subprocess.run(
        [sys.executable, "-m", "captcha_stateless", "serve", "--no-such-option"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert result.returncode == 2
    assert "no-such-option" in result.stderr


@pytest.fixture
def sites_file(ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sites.toml"
    monkeypatch.setenv("CAPTCHA_SITES", str(path))
    run("keys", "init")
    return path


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


def test_a_sample_takes_sizes_and_switches(ring: Path, tmp_path: Path) -> None:
    run("keys", "init")
    output = tmp_path / "text.png"
    params = [f"--param={pair}" for pair in ("width=350", "height=100", "theme=dark", "background=false")]

    result = run("sample", "--kind", "text", *params, "--count", "1", "--output", str(output))

    assert result.exit_code == 0
    with Image.open(output) as image:
        assert image.width >= 350


def test_a_sample_of_audio_is_a_wav(ring: Path, tmp_path: Path) -> None:
    run("keys", "init")

    result = run("sample", "--kind", "audio", "--output", str(tmp_path / "sample.png"))

    assert result.output == f"Wrote {tmp_path / 'sample.wav'}.\n"
    assert (tmp_path / "sample.wav").read_bytes().startswith(b"RIFF")


def test_serve_announces_the_development_site(live: LiveServer) -> None:
    assert "serving the development site dev-site (secret dev-secret) for localhost" in live.stop()


def test_widget_prints_the_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPTCHA_PUBLIC_URL", "https://captcha.example")

    assert run("widget").output == '<script src="https://captcha.example/widget.js" async></script>\n'


def test_widget_sri_prints_the_tag_of_this_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPTCHA_PUBLIC_URL", "https://captcha.example")

    assert run("widget", "--sri").output == f"{tag('https://captcha.example', pinned=True)}\n"
