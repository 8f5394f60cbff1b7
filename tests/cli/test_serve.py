"""``serve``: what it refuses, and what it warns of, before it listens."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from captcha_stateless.cli import main
from captcha_stateless.tokens import keys
from tests.live import free_port, live_server
from tests.support import NOW


def serve(*options: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["serve", *options], env=environ)


@pytest.mark.parametrize(
    ("options", "environ"),
    [
        (["--log-level", "trace"], {}),
        (["--log-level=TRACE"], {}),
        ([], {"UVICORN_LOG_LEVEL": "trace"}),
    ],
)
def test_the_level_that_writes_tokens_to_the_log_is_refused(
    options: list[str], environ: dict[str, str]
) -> None:
    result = serve(*options, **environ)

    assert result.exit_code == 1
    assert "would write tokens" in result.output


def test_a_key_ring_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    """Only the doctor told."""
    ring = tmp_path / "keyring.json"
    keys.save(ring, keys.fresh_ring(int(time.time()) - 60), overwrite=False)
    ring.chmod(0o644)

    with live_server(environ={"CAPTCHA_KEYS": str(ring), "CAPTCHA_REPLAY": "memory"}) as server:
        told = server.stop()

    assert f"{ring} can be read by others (mode 0644); run chmod 600 on it." in told


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_cannot_be_composed_is_told_once_with_any_number_of_workers(
    tmp_path: Path, workers: str
) -> None:
    """uvicorn replaced the workers of two that could not be made for ever, with a traceback each."""
    keys.save(tmp_path / "keyring.json", keys.fresh_ring(NOW), overwrite=False)
    site = f'[[site]]\nname = "Shop"\nkey = "shop"\nsecret_sha256 = "{"00" * 32}"\n'
    (tmp_path / "sites.toml").write_text(site + 'hosts = ["shop.example:8443"]\n')
    environ = {
        **os.environ,
        "CAPTCHA_KEYS": str(tmp_path / "keyring.json"),
        "CAPTCHA_SITES": str(tmp_path / "sites.toml"),
        "CAPTCHA_REPLAY_DIR": str(tmp_path / "replay"),
        "CAPTCHA_REPLAY_RATE": "10",
        "CAPTCHA_FAMILY": "filled",
    }

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "captcha_stateless",
            "serve",
            "--workers",
            workers,
            "--port",
            str(free_port()),
        ],
        env=environ,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    told = "Error: site shop: shop.example:8443 is never what a browser names: write shop.example\n"
    assert done.stderr.endswith(told)
    assert "Traceback" not in done.stderr
