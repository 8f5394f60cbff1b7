"""A bare server among slow clients, and workers that are recycled: honest visitors notice neither."""

import subprocess
import tempfile
from pathlib import Path

import httpx
import pytest

from tests.chaos import size
from tests.edge.conftest import settings_in
from tests.live import live_server
from tests.needs import program

SECONDS = 14


@pytest.mark.parametrize(("option", "ends"), [("-H", True), ("-B", True), ("-X", False)])
def test_slow_clients_are_closed_and_honest_ones_are_served(tmp_path: Path, option: str, ends: bool) -> None:
    attack = [program("slowhttptest"), option, "-c", str(size(100, 600)), "-r", "200", "-i", "1", "-p", "5"]
    environ = settings_in(tmp_path)
    with live_server(environ=environ) as server, tempfile.TemporaryFile() as said:
        attack += ["-l", str(SECONDS), "-u", f"{server.url}/api/challenge"]
        with subprocess.Popen(attack, stdout=said, stderr=subprocess.STDOUT) as process:
            served = []
            while process.poll() is None:
                served.append(httpx.post(f"{server.url}/api/challenge").status_code)
        said.seek(0)
        told = said.read().decode(errors="replace")

    assert set(served) == {200}
    # The deadlines are 5 s: the attack ends by itself, since nothing of it is left. Slow reads are of answers that fit in the
    # kernel's buffers: those cost us nothing.
    assert not ends or "No open connections left" in told, told[-500:]


def test_workers_are_recycled_unnoticed(tmp_path: Path) -> None:
    options = ("--workers", "2", "--limit-max-requests", "40", "--limit-max-requests-jitter", "20")
    with live_server(*options, environ=settings_in(tmp_path)) as server:
        # So small a limit has both workers start at once now and then: who comes then waits for a few seconds.
        asked = (httpx.post(f"{server.url}/api/challenge", timeout=60) for _ in range(120))
        statuses = {reply.status_code for reply in asked}
        written = server.stop()

    assert statuses == {200}
    assert "Maximum request limit" in written
