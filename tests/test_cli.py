"""The command line, as an operator types it."""

import json
import os
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

from captcha_stateless import keys
from captcha_stateless.cli import main
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


def test_rotate_takes_two_steps_and_says_what_comes_next(ring: Path) -> None:
    run("keys", "init")

    first, early, second = run("keys", "rotate"), run("keys", "rotate"), run("keys", "rotate", "--force")

    assert "Next: copy" in first.output
    assert early.exit_code == 1
    assert "too new" in early.output
    assert "seals now" in second.output
    assert [key.state for key in keys.load(ring).keys] == ["retired", "current"]


def test_retire_keeps_what_living_tokens_need(ring: Path) -> None:
    run("keys", "init")
    run("keys", "rotate")
    run("keys", "rotate", "--force")

    assert run("keys", "retire").output == "Deleted 0 retired keys; 2 left.\n"

    old = [
        {**key, "since": 1} if key.get("state") == "retired" else key
        for key in json.loads(ring.read_text())["keys"]
    ]
    ring.write_text(json.dumps({"keys": old}))
    assert run("keys", "retire").output == "Deleted 1 retired key; 1 left.\n"


def test_inspect_prints_claims_and_on_demand_the_answer(ring: Path, tmp_path: Path) -> None:
    server = Server(ring.parent)
    sealed = server.engine.issue("onecaptcha", "grid")

    claims = json.loads(run("inspect", sealed.token).output)
    told = json.loads(run("inspect", "--answer", sealed.token).output)

    assert (claims["kind"], claims["stage"], claims["params"]) == ("grid", 0, {"profile": "humane"})
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

    assert (result.exit_code, "must be one of humane, classic" in result.output) == (1, True)


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
