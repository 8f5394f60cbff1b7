"""Cloudflare's library for private tokens, as issuer and as device, against a live server."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from captcha_stateless import sites
from captcha_stateless.devices import WINDOW_SECONDS, issuers
from captcha_stateless.stores import documents
from captcha_stateless.testing import CaptchaServer
from tests.needs import need, program

HERE = Path(__file__).parent


def node(*words: str) -> str:
    need((HERE / "node_modules").exists(), "the npm packages of tests/clients (npm ci there)")
    command = [program("node"), "--no-deprecation", "privatetokens.mjs", *words]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Pin what the issuer publishes, serve, and let the device try everything."""
    folder = tmp_path_factory.mktemp("issuer")
    node("issuer", str(folder))
    keys = issuers.pinned((folder / "directory.json").read_bytes())
    documents.write(folder / "issuers.json", issuers.ENTRIES, [{"name": "issuer.example", "keys": keys}])
    hosts = ["127.0.0.1", "localhost"]
    site = sites.make("Shop", "dev-site", "dev-secret", kinds=["grid", "device"], hosts=hosts)
    sites.append(folder / "sites.toml", site)
    with CaptchaServer(sites=folder / "sites.toml", device_issuers=folder / "issuers.json") as server:
        time.sleep(
            WINDOW_SECONDS - time.time() % WINDOW_SECONDS
        )  # of the window that is open its filter knows nothing
        told = json.loads(node("device", str(folder), server.url))
        yield {**told, "verified": server.verify(told["brought"]["flag"]).success}


def test_the_library_reads_what_is_asked(told: dict[str, Any]) -> None:
    asked = {
        "tokenType": 2,
        "issuerName": "issuer.example",
        "redemptionContext": 32,
        "originInfo": ["127.0.0.1"],
    }

    assert told["challenge"] == asked
    assert (told["asked"]["status"], told["asked"]["images"]) == (401, 9)


def test_its_token_ends_the_run_once(told: dict[str, Any]) -> None:
    assert told["brought"]["status"] == 200
    assert told["verified"] is True
    assert (told["again"]["status"], told["again"]["images"]) == (200, 9)


@pytest.mark.parametrize("attempt", ["foreign", "elsewhere"])
def test_another_issuer_s_token_and_another_host_s_count_nothing(told: dict[str, Any], attempt: str) -> None:
    assert (told[attempt]["images"], told[attempt].get("flag")) == (9, None)
