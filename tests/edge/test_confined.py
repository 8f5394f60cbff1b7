"""A server that may do next to nothing: nothing to write to but memory, no capabilities, no way to gain any."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from tests.edge.conftest import engine_of, settings_in
from tests.edge.flows import FLOWS
from tests.live import live_server
from tests.needs import need, program

#: So much memory that may be written to; the filter of these tests takes 0.5 MB.
ENOUGH, TOO_LITTLE = "16m", "128k"


def confined(memory: str) -> list[str]:
    """Word the command that runs another one confined, in name spaces of its own."""
    program("setpriv")
    mounts = f"mount -t tmpfs -o size={memory} none /dev/shm && mount -o remount,bind,ro /"
    drop = "exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs"
    inside = [program("unshare"), "--user", "--map-root-user", "--mount", "sh", "-c"]
    tried = subprocess.run([*inside, mounts], capture_output=True, check=False)
    need(tried.returncode == 0, "the right to mount in a name space of one's own")
    return [*inside, f'{mounts} && {drop} "$@"', "sh"]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {**settings_in(tmp_path), "CAPTCHA_REPLAY_DIR": "/dev/shm/replay", "TMPDIR": "/dev/shm"}


def test_every_protocol_is_served(environ: dict[str, str]) -> None:
    with (
        live_server("--workers", "2", environ=environ, within=confined(ENOUGH)) as server,
        httpx.Client(base_url=server.url) as http,
    ):
        engine = engine_of(environ)
        right = [flow(http, engine) for flow in FLOWS]
        status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")

    assert right == [True] * len(FLOWS)
    assert "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n" in status


def refusal(environ: dict[str, str], within: Sequence[str], **more: str) -> str:
    """Start a server that cannot work; return what it says."""
    command = [*within, sys.executable, "-m", "captcha_stateless", "serve", "--port", "0"]
    run = subprocess.run(
        command, env={**environ, **more}, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    return run.stderr


def test_with_too_little_memory_to_write_to_it_does_not_start(environ: dict[str, str]) -> None:
    said = refusal(environ, confined(TOO_LITTLE))

    assert "the replay filter's file in /dev/shm/replay cannot be used: No space left on device" in said


def test_with_nothing_to_write_to_it_does_not_start(environ: dict[str, str]) -> None:
    said = refusal(environ, confined(ENOUGH), CAPTCHA_REPLAY_DIR="/nowhere", CAPTCHA_METRICS="false")

    assert "cannot be used: Read-only file system" in said


def test_metrics_with_no_folder_to_write_to_do_not_start(environ: dict[str, str]) -> None:
    said = refusal(environ, confined(ENOUGH), TMPDIR="/nowhere")

    assert "CAPTCHA_METRICS needs a folder to write to" in said
