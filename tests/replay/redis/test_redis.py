"""The filter of many hosts against the contract, on a real server that fails in every way we know."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from captcha_stateless.errors import Expired, Spent, Unavailable
from captcha_stateless.replay.base import Replay
from tests.chaos import size
from tests.replay.contract import BoundedContract, ReplayContract
from tests.replay.redis.conftest import Make, Mode, backdate, seconds_until_honoured, spend_now
from tests.replay.servers import RedisServer

pytestmark = pytest.mark.anyio


class TestExact(ReplayContract):
    @pytest.fixture
    def now(self) -> int:
        return int(time.time())

    @pytest.fixture
    async def replay(self, now: int, server: RedisServer, make: Make) -> AsyncIterator[Replay]:
        await backdate(make(server), server, now - 30)
        yield make(server)


class TestCompact(BoundedContract):
    @pytest.fixture
    def now(self) -> int:
        return int(time.time())

    @pytest.fixture
    async def replay(self, now: int, server: RedisServer, make: Make) -> AsyncIterator[Replay]:
        await backdate(make(server, mode="compact"), server, now - 30)
        yield make(server, mode="compact")

    @pytest.fixture
    async def tiny(self, now: int, server: RedisServer, make: Make) -> AsyncIterator[Replay]:
        options = {"mode": "compact", "spends_per_second": 1, "prefix": "captcha:tiny"}
        await backdate(make(server, **options), server, now - 30)
        yield make(server, **options)


@pytest.mark.parametrize("mode", ["exact", "compact"])
async def test_replicas_know_each_others_spends(server: RedisServer, make: Make, mode: Mode) -> None:
    first, second = make(server, mode=mode), make(server, mode=mode)
    await seconds_until_honoured(first)
    jti = secrets.token_bytes(16)

    await spend_now(first, jti)

    with pytest.raises(Spent):
        await spend_now(second, jti)


@pytest.mark.parametrize("mode", ["exact", "compact"])
async def test_nothing_outlives_its_token_on_the_server(server: RedisServer, make: Make, mode: Mode) -> None:
    replay = make(server, mode=mode)
    await seconds_until_honoured(replay)

    lives = {key: server.ask("TTL", key) for key in server.ask("KEYS", "captcha:*")}

    assert lives.pop("captcha:{0}:epoch") == -1
    assert len(lives) >= 1
    assert all(50 <= seconds <= 80 for seconds in lives.values())


async def test_token_dead_by_the_servers_clock_is_expired(server: RedisServer, make: Make) -> None:
    """A replica whose clock is a minute behind: the server may have forgotten the token already."""
    now = int(time.time())
    await backdate(make(server), server, now - 100)

    with pytest.raises(Expired):
        await make(server).spend("grid", bytes(16), iat=now - 80, exp=now - 10, now=now - 60)


async def test_servers_clock_set_back_revives_nothing(server: RedisServer, make: Make) -> None:
    """The latest second that the server has seen is kept; a token that was dead then stays dead."""
    now = int(time.time())
    await backdate(make(server), server, now - 100)
    server.ask("HSET", "captcha:{0}:epoch", "clock", now + 60)

    with pytest.raises(Expired):
        await make(server).spend("grid", bytes(16), iat=now, exp=now + 50, now=now)


async def test_token_from_the_future_has_to_wait(server: RedisServer, make: Make) -> None:
    """Else a spend of the past could be younger than the epoch of a later loss."""
    now = int(time.time())
    await backdate(make(server), server, now - 100)

    with pytest.raises(Unavailable, match="ahead"):
        await make(server).spend("grid", bytes(16), iat=now + 5, exp=now + 50, now=now + 5)


@pytest.mark.parametrize(("ahead", "ready"), [(0.5, True), (3, False), (-10, True), (-60, False)])
async def test_host_whose_clock_is_off_says_so(
    server: RedisServer, make: Make, ahead: float, ready: bool
) -> None:
    """Every visitor of a replica that ran ahead was told 503, while /readyz was green."""
    replay = make(server)
    await seconds_until_honoured(replay)

    state = await replay.state(time.time() + ahead)

    assert state.ready == ready
    assert state.ahead_seconds == pytest.approx(ahead, abs=0.4)


@pytest.mark.parametrize("mode", ["exact", "compact"])
async def test_connections_that_died_while_idle_refuse_nobody(
    start_server: Callable[..., RedisServer], make: Make, mode: Mode
) -> None:
    """Servers and balancers close what is idle; each closed connection of the pool cost a visitor a 503."""
    server = start_server("--timeout", "1")
    replay = make(server, mode=mode, spends_per_second=1000)
    await seconds_until_honoured(replay)
    for _ in range(size(2, 5)):
        used = await asyncio.gather(*(spend_now(replay) for _ in range(200)))
        await asyncio.to_thread(server.wait_until, lambda: "cmd=evalsha" not in server.ask("CLIENT", "LIST"))

        used += await asyncio.gather(*(spend_now(replay) for _ in range(200)))

        assert used == [1] * 400


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({}, "8b078a97a3c54b37"),
        ({"mode": "compact"}, "dab0ae4a39035220"),
        ({"shards": 3}, "4ad2d15222ec64aa"),
    ],
)
async def test_replicas_of_the_first_version_share_the_server(
    server: RedisServer, make: Make, options: dict[str, Any], settings: str
) -> None:
    """What the server keeps of a filter's settings must not change with our code: a rolling update would be refused."""
    await make(server, **options).start()

    assert server.ask("HGET", "captcha:{0}:epoch", "settings") == settings


async def test_reply_to_a_cancelled_spend_reaches_no_other(
    start_server: Callable[..., RedisServer], make: Make
) -> None:
    """A visitor who hangs up must not leave his 'fresh' in the connection for the next one."""
    server = start_server()
    replay = make(server)
    await seconds_until_honoured(replay)
    spent = secrets.token_bytes(16)
    await spend_now(replay, spent)
    server.pause()

    hanging = [asyncio.create_task(spend_now(replay)) for _ in range(5)]
    await asyncio.sleep(0.05)
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    server.resume()

    for _ in range(20):
        with pytest.raises(Spent):
            await spend_now(replay, spent)


async def test_lost_reply_is_not_asked_for_again(
    start_server: Callable[..., RedisServer], make: Make
) -> None:
    """A retry by the client library would find the token spent by the first try, and burn it for nothing."""
    server = start_server()
    await seconds_until_honoured(make(server))
    replay = make(server, timeout_seconds=0.05)
    await replay.start()
    server.pause()
    jti = secrets.token_bytes(16)

    with pytest.raises(Unavailable):
        await spend_now(replay, jti)
    server.resume()
    calls = server.admin.info("commandstats")["cmdstat_evalsha"]["calls"]

    server.wait_until(lambda: server.admin.info("commandstats")["cmdstat_evalsha"]["calls"] > calls - 1)
    await asyncio.sleep(0.2)
    assert server.admin.info("commandstats")["cmdstat_evalsha"]["calls"] <= calls + 1
