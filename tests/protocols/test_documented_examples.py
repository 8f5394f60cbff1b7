"""The documented examples of the three text services, run by curl and Python against live servers."""

import json
import re
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from PIL import Image

from captcha_stateless import Settings, sites
from captcha_stateless.app import create_engine
from captcha_stateless.cli import main
from captcha_stateless.engine import Engine
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.digests import fingerprint
from tests.live import LiveServer, live_server
from tests.needs import program

JSON = ("-H", "Content-Type: application/json")

# miniCAP's example, as its documentation has it, but for the address and the place where a person would type.
PYTHON = """
import requests

# 1. Generate CAPTCHA and retrieve its id from Captcha-Id header.
res = requests.post("http://localhost:8000/api/captcha/generate/")
res.raise_for_status()
captcha_id = res.headers.get("Captcha-Id")
with open("CAPTCHA.png", "wb") as img:
    img.write(res.content)

# 2. Open CAPTCHA image and solve it.
solution = "captcha solution here"

# 3. Validate CAPTCHA.
res = requests.post(
    "http://localhost:8000/api/captcha/validate/",
    json={"id": captcha_id, "text": solution},
)
res.raise_for_status()
"""
READ_IT = """
import json, subprocess, sys
told = subprocess.run([sys.executable, "-m", "captcha_stateless", "inspect", "--answer", captcha_id], capture_output=True)
solution = json.loads(told.stdout)["answer"]
"""


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("deployment")
    variables = {"CAPTCHA_KEYS": str(folder / "keyring.json"), "CAPTCHA_SITES": str(folder / "sites.toml")}
    for words in (["keys", "init"], ["sites", "add", "Relay", "--key", "your_client_id"]):
        result = CliRunner().invoke(main, words, env=variables)
        assert result.exit_code == 0, result.output
    found = re.search(r"secret: +(\S+)", result.output)
    assert found is not None
    return {**variables, "SECRET": found[1]}


@pytest.fixture(scope="module")
def live(environ: dict[str, str]) -> Iterator[LiveServer]:
    with live_server(environ=environ) as server:
        yield server


@pytest.fixture(scope="module")
def engine(environ: dict[str, str]) -> Engine:
    ring = keys.load(Path(environ["CAPTCHA_KEYS"]))
    return create_engine(Settings(), lambda: ring)


def read(engine: Engine, token: str, purpose: str) -> str:
    return str(engine.tell(engine.look(token, purpose)))


def curl(*words: str) -> str:
    done = subprocess.run(
        [program("curl"), "-s", *words], capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout


def curl_json(*words: str) -> Any:
    return json.loads(curl(*words))


def test_minicap_by_curl(live: LiveServer, engine: Engine, tmp_path: Path) -> None:
    picture = tmp_path / "CAPTCHA.png"
    command = [
        "curl",
        "-v",
        "-s",
        "-X",
        "POST",
        f"{live.url}/api/captcha/generate/",
        "--output",
        str(picture),
    ]
    done = subprocess.run(
        [program("curl"), *command[1:]], capture_output=True, text=True, timeout=30, check=True
    )
    found = re.search(r"^< captcha-id: (\S+)", done.stderr, flags=re.MULTILINE)
    assert found is not None

    body = f'{{ "id": "{found[1]}", "text": "{read(engine, found[1], "minicap")}" }}'
    reply = curl("-X", "POST", f"{live.url}/api/captcha/validate/", *JSON, "-d", body)

    assert reply == '{"status":200,"message":"CAPTCHA validated successfully"}'
    with Image.open(picture) as image:
        assert image.size == (600, 200)


def test_minicap_by_python(live: LiveServer, environ: dict[str, str], tmp_path: Path) -> None:
    script = PYTHON.replace("http://localhost:8000", live.url)
    script = script.replace('solution = "captcha solution here"\n', READ_IT)

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "CAPTCHA.png").exists()


def test_relaysms_by_curl(live: LiveServer, engine: Engine, environ: dict[str, str]) -> None:
    base = f"{live.url}/v1"
    drawn = curl_json(f"{base}/new", *JSON, "-d", '{"client_id": "your_client_id"}')
    answer = {
        "client_id": "your_client_id",
        "challenge_id": drawn["challenge_id"],
        "answer": read(engine, drawn["challenge_id"], "relaysms"),
    }

    solved = curl_json(f"{base}/solve", *JSON, "-d", json.dumps(answer))
    body = json.dumps({"client_secret": environ["SECRET"], "token": solved["token"]})
    verified = curl(f"{base}/verify", *JSON, "-d", body)
    again = curl_json(f"{base}/verify", *JSON, "-d", body)

    assert solved["message"] == "CAPTCHA solved successfully."
    assert verified == '{"success":true,"message":"Token verified successfully."}'
    assert again["success"] is False


@pytest.mark.parametrize("version", ["3.0", "2.0"])
def test_tornevall_by_curl(live: LiveServer, engine: Engine, version: str, tmp_path: Path) -> None:
    base = f"{live.url}/{version}/captcha"
    picture = tmp_path / "captcha.png"
    first, second, third = (
        curl_json(f"{base}/getCaptcha")["response"]["getCaptchaResponse"] for _ in range(3)
    )
    one, two, three = (read(engine, drawn["imageHash"], "tornevall") for drawn in (first, second, third))

    curl(first["imageUrl"], "--output", str(picture))
    by_json = curl_json(
        f"{base}/testcaptcha", *JSON, "-d", json.dumps({"hash": first["imageHash"], "response": one})
    )
    by_form = curl_json(f"{base}/testcaptcha", "-d", f"hash={second['imageHash']}", "-d", f"response={two}")
    by_path = curl_json(f"{base}/testcaptcha/hash/{third['imageHash']}/response/{three}")
    again = curl_json(f"{base}/testcaptcha/hash/{third['imageHash']}/response/{three}")

    assert by_json == by_form == by_path == {"response": {"testCaptchaResponse": "1"}}
    assert again["errors"]["faultstring"] == "Captcha test failed"
    with Image.open(picture) as image:
        assert image.format == "PNG"


def test_audio_by_curl_in_two_parts(live: LiveServer) -> None:
    token = curl_json(f"{live.url}/3.0/captcha/")["captchaResponse"]["imageHash"]
    url = f"{live.url}/api/audio?token={token}"

    whole = httpx.get(url).content
    parts = [httpx.get(url, headers={"Range": part}).content for part in ("bytes=0-999", "bytes=1000-")]

    assert b"".join(parts) == whole
    with wave.open(BytesIO(whole)) as file:
        assert file.getframerate() == 8_000


def test_a_tornevall_picture_is_the_same_from_two_server_processes(
    live: LiveServer, environ: dict[str, str]
) -> None:
    path = httpx.get(f"{live.url}/3.0/captcha/").json()["captchaResponse"]["imageUrl"].removeprefix(live.url)

    with live_server(environ=environ) as other:
        one, two = (httpx.get(server.url + path) for server in (live, other))

    assert one.content == two.content
    assert one.headers["etag"] == two.headers["etag"]
    assert "immutable" in one.headers["cache-control"]


def test_three_tries_are_three_tries_across_four_processes(live: LiveServer, environ: dict[str, str]) -> None:
    token = httpx.post(f"{live.url}/api/captcha/generate/").headers["Captcha-Id"]
    body = {"id": token, "text": "wrong"}

    with (
        live_server(environ=environ) as two,
        live_server(environ=environ) as three,
        live_server(environ=environ) as four,
    ):
        statuses = [
            httpx.post(f"{server.url}/api/captcha/validate/", json=body).status_code
            for server in (live, two, three, four, live, two)
        ]

    assert statuses == [400, 400, 400, 404, 404, 404]


def test_a_site_that_is_added_is_served_without_a_restart(live: LiveServer, environ: dict[str, str]) -> None:
    before = httpx.post(f"{live.url}/v1/new", json={"client_id": "added"}).status_code
    sites.append(
        Path(environ["CAPTCHA_SITES"]),
        sites.make("Added", "added", fingerprint("secret of the added site").hex()),
    )

    for _ in range(50):
        after = httpx.post(f"{live.url}/v1/new", json={"client_id": "added"}).status_code
        if after == 200:
            break
        time.sleep(0.1)

    assert (before, after) == (401, 200)
