"""Redis servers that forgot, were restarted or promoted: refused rather than trusted."""

import asyncio
import secrets
import time
from collections.abc import Callable

import pytest

from captcha_stateless.errors import Expired, Spent, Unavailable
from tests.chaos import FULL
from tests.replay.redis.conftest import RECOVERY_SECONDS, Make, Mode, seconds_until_honoured, spend_now
from tests.replay.servers import RedisServer, follow

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("mode", ["exact", "compact"])
async def test_flushall_refuses_rather_than_forgets(server: RedisServer, make: Make, mode: Mode) -> None:
    replay = make(server, mode=mode)
    await seconds_until_honoured(replay)
    jti, iat = secrets.token_bytes(16), int(time.time())
    await spend_now(replay, jti, iat=iat)

    server.ask("FLUSHALL")

    with pytest.raises(Expired):
        await spend_now(replay, jti, iat=iat)
    assert await seconds_until_honoured(replay) <= RECOVERY_SECONDS
    with pytest.raises(Expired):
        await spend_now(make(server, mode=mode), jti, iat=iat)


@pytest.mark.parametrize("mode", ["exact", "compact"])
async def test_restart_empty_refuses_rather_than_forgets(
    start_server: Callable[..., RedisServer], make: Make, mode: Mode
) -> None:
    server = start_server()
    replay = make(server, mode=mode)
    await seconds_until_honoured(replay)
    jti, iat = secrets.token_bytes(16), int(time.time())
    await spend_now(replay, jti, iat=iat)

    server.kill()
    with pytest.raises(Unavailable):
        await spend_now(replay, jti, iat=iat)
    server.start()

    assert await seconds_until_honoured(replay) <= RECOVERY_SECONDS
    with pytest.raises(Expired):
        await spend_now(replay, jti, iat=iat)


async def test_restart_from_an_old_file_refuses_rather_than_forgets(
    start_server: Callable[..., RedisServer], make: Make
) -> None:
    server = start_server()
    replay = make(server)
    await seconds_until_honoured(replay)
    server.ask("SAVE")
    jti, iat = secrets.token_bytes(16), int(time.time())
    await spend_now(replay, jti, iat=iat)

    server.kill()
    server.start()

    assert server.ask("KEYS", "captcha:*epoch") != []
    with pytest.raises(Expired):
        await spend_now(make(server), jti, iat=iat)
    assert await seconds_until_honoured(replay) <= RECOVERY_SECONDS


async def test_promoted_replica_refuses_rather_than_forgets(
    start_server: Callable[..., RedisServer], make: Make
) -> None:
    """The last spends before the master died never reached the replica."""
    master, replica = start_server(), start_server()
    follow(replica, master)
    replay = make(master)
    await seconds_until_honoured(replay)
    replica.pause()
    master.ask("CLIENT", "KILL", "TYPE", "replica")
    jti, iat = secrets.token_bytes(16), int(time.time())
    await spend_now(replay, jti, iat=iat)

    master.kill()
    replica.resume()
    replica.ask("REPLICAOF", "NO", "ONE")

    after = make(replica)
    with pytest.raises(Expired):
        await spend_now(after, jti, iat=iat)
    assert await seconds_until_honoured(after) <= RECOVERY_SECONDS


async def test_master_back_from_being_a_replica_refuses_rather_than_forgets(
    start_server: Callable[..., RedisServer], make: Make
) -> None:
    """Promotion there and back with no spend in between: the run id alone would be the epoch's."""
    first, second = start_server(), start_server()
    follow(second, first)
    await seconds_until_honoured(make(first))
    second.pause()
    first.ask("CLIENT", "KILL", "TYPE", "replica")
    jti, iat = secrets.token_bytes(16), int(time.time())
    await spend_now(make(first), jti, iat=iat)

    second.resume()
    second.ask("REPLICAOF", "NO", "ONE")
    follow(first, second)
    first.ask("REPLICAOF", "NO", "ONE")

    with pytest.raises(Expired):
        await spend_now(make(first), jti, iat=iat)


async def test_older_state_than_a_replica_has_seen_is_refused(server: RedisServer, make: Make) -> None:
    """An old master that comes back with its own, older epoch still answers to its own name."""
    replay = make(server)
    await seconds_until_honoured(replay)
    now = int(time.time())
    server.ask("HSET", "captcha:{0}:epoch", "epoch", now - 50)

    with pytest.raises(Expired):
        await spend_now(replay, iat=now - 20)


async def test_replica_server_is_unavailable_until_it_is_promoted(
    start_server: Callable[..., RedisServer], make: Make
) -> None:
    """Also where it takes writes: they would be lost with the next synchronisation."""
    master, replica = start_server(), start_server("--replica-read-only", "no")
    follow(replica, master)
    replay = make(replica)

    with pytest.raises(Unavailable):
        await spend_now(replay)

    replica.ask("REPLICAOF", "NO", "ONE")
    await seconds_until_honoured(replay)


async def test_stopped_server_costs_50_ms_and_is_left_alone_for_a_while(
    start_server: Callable[..., RedisServer], make: Make
) -> None:
    server = start_server()
    replay = make(server, timeout_seconds=0.05)
    await seconds_until_honoured(replay)
    jti, iat = secrets.token_bytes(16), int(time.time())
    await spend_now(make(server), jti, iat=iat)
    server.pause()

    waits = []
    for _ in range(3):
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await spend_now(replay, jti, iat=iat)
        waits.append(time.monotonic() - begun)
    assert not (await replay.state(time.time())).ready
    await asyncio.sleep(5 if FULL else 0.3)
    server.resume()

    assert waits[0] < 0.5
    assert waits[2] < 0.04
    assert await seconds_until_honoured(replay) <= RECOVERY_SECONDS
    with pytest.raises(Spent):
        await spend_now(make(server), jti, iat=iat)
