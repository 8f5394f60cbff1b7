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
from PIL import Image

from captcha_stateless.protocols.widget import tag
from captcha_stateless.tokens import keys
from tests.cli.conftest import run
from tests.live import LiveServer, live_server
from tests.support import Server

pytestmark = pytest.mark.usefixtures("ring")


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
