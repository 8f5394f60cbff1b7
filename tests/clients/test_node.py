"""npm's clients and Node's own fetch, unmodified, each with a good pass, the same again, and a bad one."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from captcha_stateless.testing import CaptchaServer
from tests.clients.conftest import SecureServer, held_by
from tests.needs import need, program

HERE = Path(__file__).parent
BAD = "no.such.pass"


def ask(client: str, url: str, token: str) -> dict[str, Any]:
    node = program("node")
    need((HERE / "node_modules").exists(), "the npm packages of tests/clients (npm ci there)")
    words = [node, "--no-deprecation", "verify.cjs", client, url, CaptchaServer.secret, token]
    done = subprocess.run(words, cwd=HERE, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(
    "client", ["google-recaptcha", "recaptcha2", "fetch with FormData", "fetch with JSON"]
)
def test_a_client_takes_a_good_pass_once(client: str, live: CaptchaServer) -> None:
    good = live.solve()

    answers = [ask(client, live.url, token) for token in (good, good, BAD)]

    assert [answer["success"] for answer in answers] == [True, False, False]
    assert [answer["codes"] for answer in answers[1:]] == [
        ["timeout-or-duplicate"],
        ["invalid-input-response"],
    ]


def test_recaptcha2_over_https(trusting: SecureServer) -> None:
    url = f"https://{trusting.host}"

    assert ask("recaptcha2", url, trusting.server.solve())["success"]
    assert not ask("recaptcha2", url, BAD)["success"]


def test_jose_verifies_offline(live: CaptchaServer) -> None:
    good = live.solve()

    right, wrong = ask("jose", live.url, good), ask("jose", live.url, good[:-4] + "AAAA")

    assert (right["success"], wrong["success"]) == (True, False)
    assert wrong["codes"] == ["ERR_JWS_SIGNATURE_VERIFICATION_FAILED"]


def test_friendly_captcha_takes_a_good_pass_once(live: CaptchaServer) -> None:
    good = live.solve()

    answers = [ask("friendly captcha", live.url, token) for token in (good, good, BAD, "")]

    assert [answer["success"] for answer in answers] == [True, False, False, False]
    assert [answer["codes"] for answer in answers] == [
        [""],
        ["response_duplicate"],
        ["response_invalid"],
        ["response_invalid"],
    ]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_altcha_lib_solves_and_verifies(altcha_lib: dict[str, Any], version: str) -> None:
    told = altcha_lib[version]

    assert told["verified"] is True
    assert told["offline"] == ([True, False] if version == "v1" else [True, True, False])
    assert told["signed"] == [True, False]
    assert told["remote"] == [[False, "wrong secret"], [True, None], [False, "PAYLOAD_ALREADY_USED"]]


@pytest.fixture(scope="module")
def altcha_lib(live: CaptchaServer) -> dict[str, Any]:
    """Have altcha-lib do all that it can."""
    node, held = program("node"), held_by(live)
    need((HERE / "node_modules").exists(), "the npm packages of tests/clients (npm ci there)")
    words = [node, "--no-deprecation", "altcha.mjs", live.url, live.secret, held.signature, held.key]
    done = subprocess.run(words, cwd=HERE, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told
