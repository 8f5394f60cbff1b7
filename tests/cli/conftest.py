"""A key ring and a sites file, as the command line's tests use them."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from captcha_stateless.cli import main


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cli" / "keyring.json"
    monkeypatch.setenv("CAPTCHA_KEYS", str(path))
    monkeypatch.setenv("CAPTCHA_REPLAY_DIR", str(tmp_path / "replay"))
    monkeypatch.setenv("CAPTCHA_REPLAY_RATE", "10")
    return path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


@pytest.fixture
def sites_file(ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sites.toml"
    monkeypatch.setenv("CAPTCHA_SITES", str(path))
    run("keys", "init")
    return path
