"""Where the server listens: a Unix socket, whose peer has no address, and both families of addresses at once."""

import socket
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from captcha_stateless.cli import main
from captcha_stateless.tokens import keys
from tests.live import live_server
from tests.support import NOW

VISITOR, BLOCKED = "192.0.2.1", "203.0.113.9"
CHALLENGE = "/v1/challenge?siteKey=dev-site"
ORIGIN = {"Origin": "http://localhost"}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    keys.save(tmp_path / "keyring.json", keys.fresh_ring(NOW), overwrite=False)
    (tmp_path / "networks.txt").write_text(f"block {BLOCKED}\n")
    return {
        "CAPTCHA_KEYS": str(tmp_path / "keyring.json"),
        "CAPTCHA_REPLAY_DIR": str(tmp_path / "replay"),
        "CAPTCHA_REPLAY_RATE": "10",
        "CAPTCHA_RISK_NETWORKS": str(tmp_path / "networks.txt"),
        "CAPTCHA_RISK_HEADER": "X-Risk-Score",
    }


@pytest.mark.parametrize("workers", ["1", "2"])
def test_behind_a_unix_socket_every_rule_applies(
    tmp_path: Path, environ: dict[str, str], workers: str
) -> None:
    """Its peer has no address, so that it could not be trusted, and no rule applied to anybody."""
    limited = {**environ, "CAPTCHA_TRUSTED_PROXIES": "unix", "CAPTCHA_RATE_LIMIT": "30/minute"}
    with live_server("--workers", workers, environ=limited, uds=tmp_path / "captcha.sock") as server:
        easy = server.get(CHALLENGE, headers={**ORIGIN, "X-Forwarded-For": VISITOR})
        hard = server.get(CHALLENGE, headers={**ORIGIN, "X-Forwarded-For": VISITOR, "X-Risk-Score": "90"})
        refused = server.get(CHALLENGE, headers={**ORIGIN, "X-Forwarded-For": f"1.2.3.4, {BLOCKED}"})
        many = [
            server.get(CHALLENGE, headers={**ORIGIN, "X-Forwarded-For": "198.51.100.7"}) for _ in range(70)
        ]
        output = server.stop()

    difficulty = [reply.json()["challengeType"]["difficulty"] for reply in (easy, hard)]
    assert difficulty[0] < difficulty[1]
    assert refused.status_code == 403
    assert 429 in {reply.status_code for reply in many}
    assert f"serving at unix:{tmp_path}/captcha.sock" in output
    assert "127.0.0.1" not in output.partition("Started")[0].replace("for localhost, 127.0.0.1, ::1 only", "")
    assert "Warning" not in output


def test_a_unix_socket_that_nobody_trusts_is_warned_of(tmp_path: Path, environ: dict[str, str]) -> None:
    headers = {**ORIGIN, "X-Forwarded-For": BLOCKED, "X-Risk-Score": "100"}
    with live_server(environ=environ, uds=tmp_path / "captcha.sock") as server:
        reply = server.get(CHALLENGE, headers=headers)
        output = server.stop()

    assert reply.status_code == 200
    assert "say CAPTCHA_TRUSTED_PROXIES=unix" in output


@pytest.mark.parametrize("workers", ["1", "2"])
def test_both_families_are_served_and_ipv4_is_ipv4(environ: dict[str, str], workers: str) -> None:
    """With one worker IPv4 was refused; with more it came as ::ffff:127.0.0.1, which nobody trusted."""
    trusting = {**environ, "CAPTCHA_TRUSTED_PROXIES": "127.0.0.1,::1"}
    with live_server("--host", "::", "--workers", workers, environ=trusting) as server:
        replies = [
            httpx.get(f"http://{host}:{server.port}{CHALLENGE}", headers={**ORIGIN, "X-Forwarded-For": hops})
            for host in ("127.0.0.1", "[::1]")
            for hops in (VISITOR, BLOCKED, f"::ffff:{BLOCKED}", f"{BLOCKED}, ::ffff:127.0.0.1")
        ]

    assert [reply.status_code for reply in replies] == [200, 403, 403, 403] * 2


def test_a_host_that_there_is_not_is_told(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    """Conda sets HOST to the kind of the machine."""
    for name, text in {**environ, "HOST": "x86_64-conda-linux-gnu"}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)

    served, examined = (CliRunner().invoke(main, [word]) for word in ("serve", "doctor"))

    for result in (served, examined):
        assert result.exit_code == 1
        assert "cannot listen on x86_64-conda-linux-gnu" in result.output
        assert "unset HOST" in result.output


def nowhere(*_: object, **__: object) -> None:
    """Stand in for a resolver, which may be slow to say no."""
    raise socket.gaierror("no such host")
