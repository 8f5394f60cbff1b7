"""The README, run: what it shows works, and its tables say what the code says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from captcha_stateless import sites
from captcha_stateless.settings import table
from captcha_stateless.testing import CaptchaServer, captcha_server
from captcha_stateless.tokens import keys
from tests.live import live_server
from tests.support import NOW

__all__ = ["captcha_server"]  # the fixture that back ends use

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Find the code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_settings_table_is_the_code_s() -> None:
    assert f"<!-- settings -->\n{table()}\n<!-- /settings -->" in SETTINGS


def test_the_curl_flow_solves_a_run(tmp_path: Path) -> None:
    ring = tmp_path / "keyring.json"
    keys.save(ring, keys.fresh_ring(NOW), overwrite=False)
    (flow,) = [block for block in blocks("sh") if "inspect --answer" in block and "curl" in block]
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


def test_the_back_end_s_lines_let_a_solved_visitor_through_once(captcha_server: CaptchaServer) -> None:
    (lines,) = [block for block in blocks("python") if "Client(" in block]
    lines = lines.replace("https://captcha.example", captcha_server.url)
    lines = lines.replace("your site's secret", captcha_server.secret)
    form = {"captcha-response": captcha_server.solve()}

    names = run_python(lines, form=form)
    names["captcha"].close()

    with pytest.raises(PermissionError):
        run_python(
            lines.replace("captcha = Client(", "names['captcha'] = captcha = Client("), form=form, names=names
        )
    names["captcha"].close()


def run_python(lines: str, **given: Any) -> dict[str, Any]:
    names: dict[str, Any] = dict(given)
    exec(compile(lines, "README.md", "exec"), names)
    return names


def test_the_siteverify_call_is_answered(captcha_server: CaptchaServer) -> None:
    (call,) = [block for block in blocks("sh") if "/siteverify" in block]
    environ = {**os.environ, "SECRET": captcha_server.secret, "PASS": captcha_server.solve()}

    script = call.replace("https://captcha.example", captcha_server.url)
    reply = subprocess.run(["bash", "-c", script], capture_output=True, env=environ, timeout=60, check=True)

    assert json.loads(reply.stdout)["success"] is True


def test_the_policy_it_shows_can_be_read(tmp_path: Path) -> None:
    (policy,) = blocks("toml")
    path = tmp_path / "sites.toml"
    path.write_text(policy)

    assert "shop" in sites.load(path).policies


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    (first, *_) = blocks("sh")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    commands = re.findall(r"^make (\w+)", first, flags=re.MULTILINE)

    assert commands == ["run", "test"]
    assert all(f"\n{command}:" in makefile for command in commands)


def test_every_file_it_shows_is_there() -> None:
    shown = re.findall(r"\]\(((?!http)[^)#]+)\)", README) + re.findall(r'src="(docs/[^"]+)"', README)

    assert "docs/widget-light.png" in shown
    for path in shown:
        assert (ROOT / path).exists(), path
