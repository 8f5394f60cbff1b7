"""``serve``: what it refuses, and what it warns of, before it listens."""

import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from captcha_stateless.cli import main
from captcha_stateless.tokens import keys
from tests.live import live_server


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
