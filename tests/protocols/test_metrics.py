"""Metrics: what is counted, across workers too, and who may read it."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from captcha_stateless.errors import Unavailable
from captcha_stateless.protocols.metrics import MetricsPage
from captcha_stateless.render.compiled import COMPILED
from captcha_stateless.telemetry.reading import Reading, lines, parse, read
from captcha_stateless.tokens import keys
from tests.conftest import MakeServer
from tests.live import LiveServer, live_server
from tests.protocols.contract import AdapterContract
from tests.support import NOW, Server


class TestAdapter(AdapterContract):
    adapter: ClassVar = MetricsPage
    paths: ClassVar[Sequence[str]] = ["/metrics"]

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, tmp_path_factory: pytest.TempPathFactory) -> Server:
        return Server(tmp_path_factory.mktemp("keys"), metrics=True)

    def is_worded(self, response: httpx.Response) -> bool:
        return list(response.json()) == ["error"]


@pytest.fixture
def counting(make_server: MakeServer) -> Server:
    return make_server(metrics=True)


def value(text: str, name: str, **labels: str) -> float:
    return sum(
        number for found, number in parse(text).get(name, {}).items() if set(labels.items()) <= set(found)
    )


def run(server: Server, *, right: bool) -> None:
    """Answer one stage."""
    reply = server.visitor.post("/api/challenge").json()
    server.clock.pass_(4)
    answer: Any = server.answer(reply["challenge"], "onecaptcha")
    headers = {"X-Captcha-Challenge": reply["challenge"]}
    server.visitor.post(
        "/api/challenge", headers=headers, json={"answer": answer if right else [not x for x in answer]}
    )


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_what_a_proxy_handed_on_is_answered_with_the_key_alone(make_server: MakeServer, name: str) -> None:
    """An edge that kept `/metrics` private showed it in other spellings, and under the prefix that it takes off."""
    handed_on, key = {name: "192.0.2.1"}, {"Authorization": "Bearer of-metrics"}

    def status(server: Server, headers: dict[str, str]) -> int:
        return server.visitor.get("/metrics", headers=headers).status_code

    bare, keyed = make_server(metrics=True), make_server(metrics=True, metrics_key="of-metrics")

    assert (status(bare, {}), status(bare, handed_on)) == (200, 404)
    assert (status(keyed, handed_on), status(keyed, {**handed_on, **key})) == (401, 200)


def test_without_the_setting_there_is_nothing(server: Server) -> None:
    assert server.visitor.get("/metrics").status_code == 404


def test_challenges_answers_and_refusals_are_counted(counting: Server) -> None:
    run(counting, right=True)
    run(counting, right=False)
    counting.visitor.post("/api/challenge", headers={"X-Captcha-Challenge": "x"})

    text = counting.visitor.get("/metrics").text

    grid = {"protocol": "onecaptcha", "kind": "grid"}
    assert value(text, "captcha_challenges_total", **grid) == 3  # two runs, and one second stage
    assert value(text, "captcha_answers_total", **grid, result="right") == 1
    assert value(text, "captcha_answers_total", **grid, result="wrong-answer") == 1
    assert value(text, "captcha_refusals_total", reason="bad-token") == 1
    assert value(text, "captcha_response_seconds_count", protocol="onecaptcha", status="400") == 2
    assert value(text, "captcha_solve_seconds_bucket", kind="grid", le="3.0") == 0
    assert value(text, "captcha_solve_seconds_bucket", kind="grid", le="5.0") == 1
    for part in ("seal", "open", "render"):
        assert value(text, "captcha_work_seconds_count", part=part) >= 2


def test_what_is_drawn_together_counts_as_so_many_drawings(counting: Server) -> None:
    async def draw() -> None:
        await asyncio.gather(
            *(counting.engine.renderer.drawn(counting.engine.issue("test", "grid")) for _ in range(5))
        )

    asyncio.run(draw())

    text = counting.visitor.get("/metrics").text
    assert value(text, "captcha_work_seconds_count", part="render") == 5


def test_passes_are_counted(counting: Server) -> None:
    token = counting.earn()
    for _ in range(2):
        counting.visitor.post("/siteverify", data={"secret": "dev-secret", "response": token})

    text = counting.visitor.get("/metrics").text

    assert [
        value(text, "captcha_passes_total", result=result) for result in ("issued", "admitted", "spent")
    ] == [1, 1, 1]
    assert value(text, "captcha_refusals_total", protocol="siteverify", reason="spent") == 1


def test_the_filter_the_keys_and_the_queue_are_there(counting: Server) -> None:
    counting.clock.pass_(90)

    text = counting.visitor.get("/metrics").text

    assert value(text, "captcha_replay_ready") == 1
    assert value(text, "captcha_key_age_seconds", use="seal") == 100
    assert value(text, "captcha_drawing_compiled") == COMPILED
    assert "captcha_replay_fill 0.0" in text
    assert "captcha_requests_inside 0.0" in text


def test_a_filter_that_is_down_is_not_ready(counting: Server) -> None:
    async def down(_: float) -> None:
        raise Unavailable("down")

    counting.engine._replay.state = down  # type: ignore[assignment,method-assign]

    assert value(counting.visitor.get("/metrics").text, "captcha_replay_ready") == 0


def test_nothing_of_a_visitor_is_in_it(counting: Server) -> None:
    token = counting.visitor.post("/api/challenge", headers={"Origin": "http://localhost"}).json()[
        "challenge"
    ]
    counting.visitor.post(f"/api/challenge?sitekey={token}")

    text = counting.visitor.get("/metrics").text

    assert not any(word in text for word in (token[:40], "localhost", "127.0.0.1", "dev-site"))


@pytest.mark.parametrize(
    ("header", "status"),
    [("Bearer right", 200), ("bearer right", 200), ("Bearer wrong", 401), ("Basic right", 401), ("", 401)],
)
def test_a_key_keeps_strangers_out(make_server: MakeServer, header: str, status: int) -> None:
    server = make_server(metrics=True, metrics_key="right")

    reply = server.visitor.get("/metrics", headers={"Authorization": header})

    assert (reply.status_code, reply.headers.get("www-authenticate")) == (
        status,
        "Bearer" if status == 401 else None,
    )


def test_top_words_a_reading_and_the_rates_between_two(counting: Server) -> None:
    run(counting, right=True)
    old = Reading(0, parse(counting.visitor.get("/metrics").text))
    for _ in range(3):
        run(counting, right=True)
    new = Reading(2, parse(counting.visitor.get("/metrics").text))

    first, second = "\n".join(lines(old)), "\n".join(lines(new, old))

    assert "challenges grid 2\n" in first
    assert "challenges grid 3/s\n" in second
    assert "answers    right 1.5/s\n" in second
    assert "solve, mean grid 4.0 s" in second
    assert "ready" in second


def test_top_tells_of_the_wall_where_there_is_one(counting: Server) -> None:
    before = "\n".join(lines(Reading(0, parse(counting.visitor.get("/metrics").text))))
    for _ in range(2):
        counting.visitor.get("/auth")

    after = "\n".join(lines(Reading(1, parse(counting.visitor.get("/metrics").text))))

    assert "wall" not in before
    assert "wall       asked 2\n" in after


def test_top_says_what_it_cannot_read() -> None:
    with pytest.raises(Unavailable, match="cannot read"):
        read("http://127.0.0.1:9/metrics", 0)


def test_counts_are_right_across_workers_and_outlive_them(tmp_path: Path) -> None:
    keys.save(tmp_path / "keyring.json", keys.fresh_ring(NOW), overwrite=False)
    environ = {
        "CAPTCHA_KEYS": str(tmp_path / "keyring.json"),
        "CAPTCHA_REPLAY_DIR": str(tmp_path / "replay"),
        "CAPTCHA_REPLAY_RATE": "10",
        "CAPTCHA_METRICS": "true",
        "CAPTCHA_LOG": "json",
    }
    with live_server("--workers", "2", environ=environ) as server:
        for _ in range(40):
            httpx.post(f"{server.url}/api/challenge")
        before = counted(server)
        os.kill(children(server)[-1], signal.SIGKILL)
        until_back(server)
        for _ in range(10):
            httpx.post(f"{server.url}/api/challenge")
        after = counted(server)

    assert (before, after) == ({40.0}, {50.0})


def counted(server: LiveServer) -> set[float]:
    """What any of the workers says, asked over several connections."""
    return {
        value(httpx.get(f"{server.url}/metrics").text, "captcha_challenges_total", protocol="onecaptcha")
        for _ in range(8)
    }


def children(server: LiveServer) -> list[int]:
    """Find the processes that have the server for a parent."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == server.process.pid and b"spawn_main" in (folder / "cmdline").read_bytes():
            found.append(int(folder.name))
    return sorted(found)


def until_back(server: LiveServer) -> None:
    """Wait until the supervisor has replaced the worker, for at most 20 s."""
    for _ in range(200):
        if len(children(server)) == 2:
            break
        time.sleep(0.1)
    server.wait()
