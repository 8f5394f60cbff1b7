"""Prometheus itself: it takes the files of deploy/, every alert fires when it should, every panel has something to show."""

import contextlib
import json
import math
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.edge import programs
from tests.edge.conftest import Fleet, settings_in
from tests.edge.flows import FLOWS
from tests.live import free_port, live_server
from tests.needs import program
from tests.replay.servers import RedisServer

DEPLOY = programs.DEPLOY
RULES: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"][0]["rules"]

#: What is scraped where nothing is wrong, every minute: at first this, then so much more each time.
HEALTHY = {
    'up{job="captcha-stateless"}': "1+0x60",
    "captcha_replay_ready": "1+0x60",
    "captcha_replay_fill": "0.3+0x60",
    "captcha_clock_ahead_seconds": "0.01+0x60",
    'captcha_key_age_seconds{use="seal"}': "3600+60x60",
    'captcha_refusals_total{protocol="onecaptcha",reason="overloaded"}': "0+6x60",
    'captcha_refusals_total{protocol="siteverify",reason="spent"}': "0+60x60",
    'captcha_response_seconds_count{protocol="onecaptcha",status="200"}': "0+600x60",
    'captcha_response_seconds_count{protocol="none",status="404"}': "0+600x60",
    'captcha_response_seconds_bucket{le="0.1"}': "0+600x60",
    'captcha_response_seconds_bucket{le="+Inf"}': "0+600x60",
    'captcha_answers_total{result="right"}': "0+60x60",
    'captcha_answers_total{result="wrong-answer"}': "0+60x60",
}
#: For each alert what is different, and the labels of what is found beside the alert's own.
WRONG: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "CaptchaUnscraped": ({'up{job="captcha-stateless"}': "0+0x60"}, {"job": "captcha-stateless"}),
    "CaptchaReplayDown": ({"captcha_replay_ready": "0+0x60"}, {}),
    "CaptchaReplayFilling": ({"captcha_replay_fill": "0.85+0x60"}, {}),
    "CaptchaReplayFull": ({"captcha_replay_fill": "1+0x60"}, {}),
    "CaptchaClockOff": ({"captcha_clock_ahead_seconds": "0.5+0x60"}, {}),
    "CaptchaShedding": (
        {'captcha_refusals_total{protocol="onecaptcha",reason="overloaded"}': "0+120x60"},
        {},
    ),
    "CaptchaFaults": ({'captcha_response_seconds_count{protocol="nojs",status="500"}': "0+1x60"}, {}),
    "CaptchaSlow": (
        {
            'captcha_response_seconds_bucket{le="0.1"}': "0+60x60",
            'captcha_response_seconds_bucket{le="1"}': "0+600x60",
        },
        {},
    ),
    "CaptchaKeyOld": ({'captcha_key_age_seconds{use="seal"}': "7800000+60x60"}, {}),
    "CaptchaGuessing": ({'captcha_answers_total{result="wrong-answer"}': "0+600x60"}, {}),
}
#: Which others are right to fire at the same time.
ALSO: dict[str, dict[str, dict[str, str]]] = {"CaptchaReplayFull": {"CaptchaReplayFilling": {}}}


def test_promtool_takes_the_files() -> None:
    told = subprocess.run(
        [program("promtool"), "check", "config", str(DEPLOY / "prometheus.yml")],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert told.returncode == 0, told.stderr
    assert f"SUCCESS: {len(RULES)} rules found" in told.stdout


def test_each_alert_is_tried() -> None:
    assert {rule["alert"] for rule in RULES} == set(WRONG)


def judged(folder: Path, series: dict[str, str], firing: dict[str, dict[str, str]]) -> str:
    """Let promtool play an hour; return what it objects to where other alerts fire than these with these labels."""
    expected = [
        {
            "eval_time": "40m",
            "alertname": rule["alert"],
            "exp_alerts": [
                {
                    "exp_labels": rule["labels"] | firing[rule["alert"]],
                    "exp_annotations": rule["annotations"],
                }
            ]
            if rule["alert"] in firing
            else [],
        }
        for rule in RULES
    ]
    played = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": "1m", "input_series": played, "alert_rule_test": expected}
    document = {"rule_files": [str(DEPLOY / "alerts.yaml")], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.yml").write_text(yaml.safe_dump(document))
    words = [program("promtool"), "test", "rules", str(folder / "test.yml")]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60)
    return "" if told.returncode == 0 else told.stdout + told.stderr


def test_no_alert_fires_where_nothing_is_wrong(tmp_path: Path) -> None:
    assert judged(tmp_path, HEALTHY, {}) == ""


@pytest.mark.parametrize("alert", WRONG)
def test_an_alert_fires_when_it_should_and_no_other_does(alert: str, tmp_path: Path) -> None:
    changed, labels = WRONG[alert]

    assert judged(tmp_path, HEALTHY | changed, {alert: labels} | ALSO.get(alert, {})) == ""


class Prometheus:
    """A running Prometheus; every interval of its files is shortened to a second."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def query(self, expression: str) -> list[float]:
        """Return the numbers that an expression finds."""
        reply = self._http.get("/api/v1/query", params={"query": expression}).json()
        assert reply["status"] == "success", reply
        return [float(found["value"][1]) for found in reply["data"]["result"]]

    def firing(self) -> set[str]:
        alerts = self._http.get("/api/v1/alerts").json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def wait(self, true: Callable[[], bool]) -> bool:
        """Wait for up to half a minute."""
        end = time.monotonic() + 30
        while not true() and time.monotonic() < end:
            time.sleep(0.3)
        return true()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[list[int]], Prometheus]]:
    """Start Prometheus with the files of deploy/, scraping these ports."""

    with contextlib.ExitStack() as stack:

        def start(ports: list[int]) -> Prometheus:
            (tmp_path / "alerts.yaml").write_text(
                programs.placed("alerts.yaml", {"for: 1m": "for: 1s"}), encoding="utf-8"
            )
            places = {"interval: 15s": "interval: 1s", **programs.replicas(ports)}
            (tmp_path / "prometheus.yml").write_text(programs.placed("prometheus.yml", places))
            port = free_port()
            words = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
            words += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
            url = stack.enter_context(programs.running([program("prometheus"), *words], port))
            return Prometheus(stack.enter_context(httpx.Client(base_url=url, timeout=10)))

        yield start


def panels() -> Iterator[tuple[str, str]]:
    """Name every query of the dashboard, as Grafana would word it for a short range."""
    for panel in json.loads((DEPLOY / "grafana.json").read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "10s")


def test_every_panel_has_something_to_show(fleet: Fleet, start: Callable[[list[int]], Prometheus]) -> None:
    prometheus = start(fleet.ports)
    wanted = dict.fromkeys(expression for _, expression in panels())

    def shown() -> bool:
        for server in fleet.servers:
            with httpx.Client(base_url=server.url, timeout=20) as http:
                assert all(flow(http, fleet.engine) for flow in FLOWS)
        for expression in wanted:
            numbers = prometheus.query(expression)
            wanted[expression] = len([number for number in numbers if not math.isnan(number)])
        return all(wanted.values())

    assert prometheus.wait(shown), wanted


def test_a_filter_that_is_down_is_told_by_prometheus(
    tmp_path: Path, start: Callable[[list[int]], Prometheus]
) -> None:
    redis = RedisServer(tmp_path / "redis")
    with live_server(environ={**settings_in(tmp_path), "CAPTCHA_REPLAY": redis.url}) as server:
        prometheus = start([server.port])
        assert prometheus.wait(lambda: prometheus.query("captcha_replay_ready") == [1])
        before = prometheus.firing()

        redis.end()

        assert before == set()
        assert prometheus.wait(lambda: prometheus.firing() == {"CaptchaReplayDown"})
