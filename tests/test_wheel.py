"""The wheel, installed in an empty environment outside the tree: it serves, and a grid is solved there."""

import os
import re
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.live import free_port

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "captcha_stateless"
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")
#: What stands in the tree, but is no part of the package.
UNSHIPPED = {"__pycache__"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, *PIP, "wheel", "--no-deps", "--wheel-dir", folder, ROOT], check=True, timeout=180
    )
    (path,) = folder.glob("*.whl")
    return path


def test_it_holds_everything(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "captcha_stateless"], cwd=ROOT, capture_output=True, text=True
    )
    files = set(tracked.stdout.split()) or {
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*")
        if path.is_file() and not UNSHIPPED & set(path.parts)
    }

    with zipfile.ZipFile(wheel) as archive:
        missing = files - set(archive.namelist())

    assert not missing


@pytest.mark.timeout(300)
def test_it_serves_outside_the_tree(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    venv.create(home, with_pip=True)
    python, command = home / "bin" / "python", home / "bin" / "captcha-stateless"
    lock = ROOT / "requirements.lock"
    subprocess.run([python, *PIP, "install", "--constraint", lock, wheel], check=True, timeout=240)
    port = free_port()
    environ = {
        "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
        "CAPTCHA_KEYS": str(tmp_path / "keys" / "keyring.json"),
        "CAPTCHA_REPLAY": "memory",
    }
    subprocess.run([command, "keys", "init"], check=True, env=environ, cwd=tmp_path)
    server = subprocess.Popen([command, "serve", "--port", str(port)], env=environ, cwd=tmp_path)
    try:
        wait(server, port)
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", curl_flow(port)],
            capture_output=True,
            text=True,
            timeout=60,
            env=environ,
            cwd=tmp_path,
        )
    finally:
        server.terminate()
        server.wait(20)

    assert (result.stderr, result.stdout) == ("", "true\n")


def curl_flow(port: int) -> str:
    """Read the README's run with curl, for this server and for the command that is on the PATH."""
    (flow,) = re.findall(
        r"```sh\n(server=.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    return str(flow).replace(":8000", f":{port}").replace(".venv/bin/", "")


def wait(server: subprocess.Popen[bytes], port: int) -> None:
    """Wait until it answers at all, for at most a minute."""
    for _ in range(300):
        assert server.poll() is None
        try:
            httpx.get(f"http://127.0.0.1:{port}/livez")
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the server did not start")
