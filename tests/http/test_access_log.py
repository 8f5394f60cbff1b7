"""The journal: an id in and out, one line a request, and nothing secret in any of them."""

import json
import logging
from pathlib import Path

import httpx
import pytest

from captcha_stateless.telemetry.logs import REQUEST_ID, JsonFormatter
from captcha_stateless.tokens import keys
from tests.live import live_server
from tests.support import NOW, Server


@pytest.mark.parametrize("given", ["abc-DEF_123", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", "x" * 64])
def test_a_well_formed_id_comes_back(server: Server, given: str) -> None:
    assert server.visitor.get("/livez", headers={"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a.b", "a\tb", "é"])
def test_any_other_id_is_replaced(server: Server, given: str) -> None:
    headers = {"X-Request-Id": given.encode("latin-1")}

    number = server.visitor.get("/livez", headers=headers).headers["x-request-id"]

    assert number != given
    assert len(number) == 16


def test_what_others_may_be_handed_from_a_cache_carries_no_id(server: Server) -> None:
    assert "x-request-id" not in server.visitor.get("/captcha.js").headers


def test_each_request_has_an_id_of_its_own(server: Server) -> None:
    numbers = {server.visitor.get(path).headers["x-request-id"] for path in ("/livez", "/", "/nowhere")}

    assert len(numbers) == 3


def test_a_line_says_protocol_status_and_time_but_neither_path_nor_address(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "captcha_stateless")
    token = server.visitor.get("/3.0/captcha").json()["captchaResponse"]["imageHash"]
    server.visitor.get(f"/3.0/captcha/getImage/hash/{token}")

    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]

    told = [line for line in lines if line["message"] == "answered"]
    assert [(line["protocol"], line["method"], line["status"]) for line in told] == [
        ("tornevall", "GET", 200)
    ] * 2
    assert all(line["milliseconds"] >= 0 for line in told)
    assert token[:20] not in json.dumps(lines)
    assert "127.0.0.1" not in json.dumps(lines)


def test_a_line_is_one_json_object_with_the_request_s_id() -> None:
    record = logging.LogRecord("a.b", logging.WARNING, "", 0, "two\nlines %s", ("ü",), None)
    before = REQUEST_ID.set("r1")

    line = JsonFormatter().format(record)
    REQUEST_ID.reset(before)

    assert "\n" not in line
    document = json.loads(line)
    assert document.pop("time").endswith("+00:00")
    assert document == {"level": "warning", "logger": "a.b", "message": "two\nlines ü", "request": "r1"}


def test_a_fault_is_logged_with_its_traceback() -> None:
    try:
        raise ValueError("no")
    except ValueError as error:
        record = logging.LogRecord(
            "a", logging.ERROR, "", 0, "m", (), (type(error), error, error.__traceback__)
        )

    assert "ValueError: no" in json.loads(JsonFormatter().format(record))["error"]


def test_all_that_a_server_writes_is_json(tmp_path: Path) -> None:
    keys.save(tmp_path / "keyring.json", keys.fresh_ring(NOW), overwrite=False)
    environ = {
        "CAPTCHA_KEYS": str(tmp_path / "keyring.json"),
        "CAPTCHA_REPLAY_DIR": str(tmp_path / "replay"),
        "CAPTCHA_REPLAY_RATE": "10",
        "CAPTCHA_LOG": "json",
    }
    with live_server("--workers", "2", environ=environ) as server:
        reply = httpx.post(f"{server.url}/api/challenge", headers={"X-Captcha-Challenge": "nonsense"})
        written = server.stop()

    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    others = [line for line in written.splitlines() if not line.startswith("{")]
    about = [line for line in lines if line.get("request") == reply.headers["x-request-id"]]
    assert [line["message"].partition(": ")[0] for line in about] == ["onecaptcha", "answered"]
    assert all(line.startswith(("captcha_stateless ", "No CAPTCHA_SITES")) for line in others)  # at the start
