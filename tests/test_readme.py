"""The README, run: what it shows works, and its tables say what the code says."""

import os
import re
import subprocess
import sys
from pathlib import Path

from captcha_stateless import keys
from captcha_stateless.settings import table
from tests.live import live_server
from tests.support import NOW

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Find the code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_settings_table_is_the_code_s() -> None:
    assert f"<!-- settings -->\n{table()}\n<!-- /settings -->" in README


def test_the_curl_flow_solves_a_run(tmp_path: Path) -> None:
    ring = tmp_path / "keyring.json"
    keys.save(ring, keys.fresh_ring(NOW), overwrite=False)
    (flow,) = [block for block in blocks("sh") if "curl" in block]
    environ = {
        "CAPTCHA_KEYS": str(ring),
        "CAPTCHA_REPLAY_DIR": str(tmp_path / "replay"),
        "CAPTCHA_REPLAY_RATE": "10",
    }

    with live_server(environ=environ) as server:
        script = flow.replace("http://127.0.0.1:8000", server.url).replace(
            ".venv/bin/captcha-stateless", f"{sys.executable} -m captcha_stateless"
        )
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            timeout=60,
            env={**environ, "PATH": os.environ["PATH"]},
        )

    assert result.stderr == ""
    assert result.stdout == "true\n"


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    (first, *_) = blocks("sh")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    commands = re.findall(r"^make (\w+)", first, flags=re.MULTILINE)

    assert commands == ["run", "test"]
    assert all(f"\n{command}:" in makefile for command in commands)


def test_every_file_it_shows_is_there() -> None:
    for path in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (ROOT / path).exists(), path
