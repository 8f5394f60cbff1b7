"""What a command loads: counted, for time depends on the machine."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from captcha_stateless.tokens import keys
from tests.support import Server

#: Runs a command in this process, and tells which packages it has loaded, and how many modules.
LOADED = """
import json, sys
from captcha_stateless.cli import main
main(sys.argv[1:], standalone_mode=False)
print()
print(json.dumps(sorted(sys.modules)))
"""
#: Composes a server, and tells the same.
COMPOSED = "import json, sys; from captcha_stateless.app import create_app; create_app(); print(json.dumps([*sys.modules]))"
#: Starts a server, and tells how many KB of its own it has, and how many are left when all is given back.
KEPT = """
import anyio, ctypes
from captcha_stateless.app import create_app
def own():
    lines = [line.split() for line in open("/proc/self/smaps_rollup")]
    return sum(int(words[1]) for words in lines if words[0].startswith("Private_"))
async def main():
    app = create_app()
    async with app.router.lifespan_context(app):
        while app.state.warming:
            await anyio.sleep(0.05)
        before = own()
        ctypes.CDLL(None).malloc_trim(0)
        print(before, own())
anyio.run(main)
"""
#: What draws and what serves.
HEAVY = {"numpy", "PIL", "starlette", "uvicorn", "werkzeug", "redis", "limits", "dns", "idna"}
#: What only some settings need.
EXTRAS = {
    "dns",
    "redis",
    "limits",
    "prometheus_client",
    "opentelemetry",
    "httpx",
    "flask",
    "django",
    "captcha",
    "pytest",
}


def ran(folder: Path, program: str, *words: str) -> str:
    environ = {
        **os.environ,
        "CAPTCHA_KEYS": str(folder / "keyring.json"),
        "CAPTCHA_REPLAY_DIR": str(folder / "replay"),
    }
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def loaded(folder: Path, *words: str, program: str = LOADED) -> set[str]:
    return {name.partition(".")[0] for name in json.loads(ran(folder, program, *words))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys.save(tmp_path / "keyring.json", keys.fresh_ring(int(time.time()) - 60), overwrite=False)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [("--help",), ("keys", "list"), ("keys", "rotate"), ("sites", "list"), ("serve", "--help")],
    ids=" ".join,
)
def test_what_neither_draws_nor_serves_loads_neither(folder: Path, words: tuple[str, ...]) -> None:
    assert loaded(folder, *words) & HEAVY == set()


def test_a_token_is_looked_into_without_drawing(folder: Path) -> None:
    token = Server(folder).engine.issue("onecaptcha", "grid").token

    assert loaded(folder, "inspect", token) & HEAVY == set()


def test_a_server_loads_only_the_extras_that_its_settings_name(folder: Path) -> None:
    assert loaded(folder, program=COMPOSED) & EXTRAS == set()


def test_a_server_keeps_no_memory_that_only_its_start_needed(folder: Path) -> None:
    """It was 17 MB of each worker's."""
    before, after = map(int, ran(folder, KEPT).split())

    assert before - after < 5_000
