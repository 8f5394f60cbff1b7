"""Rates: who is told to come back later, in every protocol's words."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from captcha_stateless.errors import Misconfigured, TooMany
from captcha_stateless.risk import rates
from captcha_stateless.risk.rates import Rates
from captcha_stateless.settings import Settings
from tests.conftest import MakeServer
from tests.replay.servers import RedisServer
from tests.support import Server

KEY = bytes(32)
#: Every request that draws a challenge.
BEGINNINGS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/challenge", {}),
    ("POST", "/api/captcha/generate/", {}),
    ("POST", "/v1/new", {"json": {"client_id": "dev-site"}}),
    ("GET", "/v1/challenge?siteKey=dev-site", {"headers": {"Origin": "http://localhost"}}),
    ("GET", "/3.0/captcha", {}),
    ("GET", "/2.0/captcha/getCaptcha", {}),
]


@pytest.fixture
def limited(make_server: MakeServer) -> Server:
    return make_server(rate_limit=("2/hour",))


def ask(server: Server, beginning: tuple[str, str, dict[str, Any]]) -> httpx.Response:
    method, path, options = beginning
    return server.visitor.request(method, path, **options)


@pytest.mark.parametrize("beginning", BEGINNINGS, ids=lambda beginning: str(beginning[1]))
def test_who_asks_too_many_is_told_429_and_when_to_come_back(
    limited: Server, beginning: tuple[str, str, dict[str, Any]]
) -> None:
    replies = [ask(limited, beginning) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert 1 <= int(replies[2].headers["retry-after"]) <= 7_200
    assert replies[2].headers["content-type"].endswith("json")


def test_another_network_is_not_held_up(limited: Server) -> None:
    for _ in range(3):
        ask(limited, BEGINNINGS[0])
    statuses = []
    for address in ("127.0.0.77", "192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8::3"):
        limited.visitor.address = address
        statuses.append(ask(limited, BEGINNINGS[0]).status_code)

    assert statuses == [429, 200, 200, 200, 429]


def test_another_site_is_not_held_up() -> None:
    counting = Rates(KEY, ["1/hour"])
    anyio.run(counting.require, "192.0.2.1", "shop")

    anyio.run(counting.require, "192.0.2.1", "blog")
    with pytest.raises(TooMany, match="over 1 per 1 hour"):
        anyio.run(counting.require, "192.0.2.1", "shop")


def test_answers_are_not_limited(limited: Server) -> None:
    reply = ask(limited, BEGINNINGS[0]).json()
    for _ in range(3):
        ask(limited, BEGINNINGS[0])

    answer = {"answer": limited.answer(reply["challenge"], "onecaptcha")}
    judged = limited.visitor.post(
        "/api/challenge", headers={"X-Captcha-Challenge": reply["challenge"]}, json=answer
    )

    assert judged.status_code == 200


def test_a_network_that_is_allowed_is_not_limited(make_server: MakeServer, tmp_path: Path) -> None:
    (tmp_path / "networks").write_text("allow 127.0.0.0/8\n")
    server = make_server(rate_limit=("1/hour",), risk_networks=tmp_path / "networks")

    assert [ask(server, BEGINNINGS[0]).status_code for _ in range(3)] == [200] * 3


def test_of_several_rates_each_counts() -> None:
    counting = Rates(KEY, ["1000/second", "2/day"])

    for _ in range(2):
        anyio.run(counting.require, "192.0.2.1", "")
    with pytest.raises(TooMany, match="per 1 day"):
        anyio.run(counting.require, "192.0.2.1", "")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST", 50)
    counting = Rates(KEY, ["5/hour"])

    async def many() -> None:
        for number in range(500):
            await counting.require(f"10.{number // 250}.{number % 250}.1", "")

    anyio.run(many)
    assert counting._memory
    assert len(counting._memory.storage) <= 60


def test_many_networks_do_not_make_everybody_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past so many counts all were forgotten: whoever had that many prefixes freed himself, too."""
    monkeypatch.setattr(rates, "MOST", 64)
    counting = Rates(KEY, ["1/hour"])

    async def many() -> None:
        for number in range(40):
            await counting.require(f"10.0.{number}.1", "")
        await counting.require("192.0.2.1", "")
        for number in range(40, 60):
            await counting.require(f"10.0.{number}.1", "")
        await counting.require("192.0.2.1", "")

    with pytest.raises(TooMany):
        anyio.run(many)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    yield server
    server.end()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait as long as a busy machine takes for a connection: it is not what these tests are about."""
    monkeypatch.setattr(rates, "_PATIENCE_SECONDS", 5)


@pytest.mark.usefixtures("patient")
def test_replicas_count_together_in_redis(redis: RedisServer) -> None:
    async def run() -> list[bool]:
        replicas = [Rates(KEY, ["3/hour"], store=redis.url) for _ in range(2)]
        found = []
        for turn in range(5):
            try:
                await replicas[turn % 2].require("192.0.2.1", "shop")
                found.append(True)
            except TooMany:
                found.append(False)
        for replica in replicas:
            await replica.close()
        return found

    assert anyio.run(run) == [True, True, True, False, False]
    assert not any("192.0.2" in key or "shop" in key for key in redis.ask("KEYS", "*"))


@pytest.mark.usefixtures("patient")
def test_connections_that_died_while_idle_cost_no_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever came after a quiet minute was not counted: the first use of each dead connection failed."""
    server = RedisServer(tmp_path / "redis", "--timeout", "1")

    async def run() -> list[int]:
        counting, told = Rates(KEY, ["20/hour"], store=server.url), []
        for _ in range(2):
            asked = [counting.require("192.0.2.1", "shop") for _ in range(20)]
            refusals = await asyncio.gather(*asked, return_exceptions=True)
            told.append(sum(isinstance(refusal, TooMany) for refusal in refusals))
            await asyncio.to_thread(
                server.wait_until, lambda: "cmd=evalsha" not in server.ask("CLIENT", "LIST")
            )
        await counting.close()
        return told

    try:
        assert anyio.run(run) == [0, 20]
        assert caplog.records == []
    finally:
        server.end()


def test_without_redis_nobody_is_held_up(redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    redis.kill()

    async def run() -> None:
        counting = Rates(KEY, ["1/hour"], store=redis.url)
        for _ in range(3):
            await counting.require("192.0.2.1", "shop")
        await counting.close()

    anyio.run(run)

    assert [record.message for record in caplog.records] == ["rates are not counted: ConnectionError"]


@pytest.mark.parametrize("rate", ["30", "0/minute", "30/minutes", "30/minute;5/hour", "x"])
def test_a_rate_that_is_none_is_told_at_start(rate: str) -> None:
    with pytest.raises(Misconfigured, match="CAPTCHA_RATE_LIMIT"):
        Settings.load({"CAPTCHA_RATE_LIMIT": rate})
