"""The filter of many hosts against the contract, on a real server that fails in every way we know."""

import asyncio
import re
import runpy
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from captcha_stateless.errors import CaptchaError, Expired, Misconfigured, Spent, Unavailable
from captcha_stateless.replay import redis as module
from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.redis import RedisReplay
from captcha_stateless.replay.server import require_suitable
from captcha_stateless.stores import connect
from tests.chaos import FULL, size
from tests.live import free_port
from tests.needs import need, program
from tests.replay.contract import KEY, BoundedContract, ReplayContract
from tests.replay.servers import RedisServer, follow

#: 2 s by design; a busy machine may be a little late.
RECOVERY_SECONDS = 3.0

Mode = Literal["exact", "compact"]
Make = Callable[..., RedisReplay]

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.end()


@pytest.fixture
def server(shared_server: RedisServer) -> RedisServer:
    """A server with nothing on it."""
    shared_server.ask("FLUSHALL")
    return shared_server


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Starts servers that a test may break."""
    started: list[RedisServer] = []

    def start(*options: str) -> RedisServer:
        started.append(RedisServer(tmp_path / f"redis{len(started)}", *options))
        return started[-1]

    yield start
    for server in started:
        server.end()


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes filters, with time enough for a busy machine unless the test says otherwise."""
    made: list[RedisReplay] = []

    def make(server: RedisServer, **changed: Any) -> RedisReplay:
        options: dict[str, Any] = {"key": KEY, "spends_per_second": 100, "timeout_seconds": 5.0}
        made.append(RedisReplay(server.url, **options | changed))
        return made[-1]

    yield make
    for replay in made:
        await replay.close()


async def backdate(replay: RedisReplay, server: RedisServer, epoch: int) -> None:
    """Let the server's epoch have begun earlier, as if it had been running for a while."""
    await replay.start()
    for key in server.ask("KEYS", "captcha:*epoch"):
        server.ask("HSET", key, "epoch", epoch)


async def spend_now(replay: Replay, jti: bytes | None = None, *, iat: int | None = None) -> int:
    """Spend a token that was issued just now, or is given."""
    now = int(time.time())
    return await replay.spend(
        "grid", jti or secrets.token_bytes(16), iat=now if iat is None else iat, exp=now + 60, now=now
    )


async def seconds_until_honoured(replay: Replay) -> float:
    """Issue and spend new tokens until one is honoured."""
    begun = time.monotonic()
    while True:
        try:
            await spend_now(replay)
        except CaptchaError:
            assert time.monotonic() < begun + 20
            await asyncio.sleep(0.02)
        else:
            return time.monotonic() - begun


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


async def test_full_server_is_unavailable_and_forgets_nothing(
    start_server: Callable[..., RedisServer], make: Make
) -> None:
    server = start_server()
    replay = make(server)
    await seconds_until_honoured(replay)
    jti = secrets.token_bytes(16)
    await spend_now(replay, jti)
    server.ask("CONFIG", "SET", "maxmemory", "1mb")

    with pytest.raises(Unavailable):
        await spend_now(replay)

    await asyncio.sleep(0.3)
    state = await replay.state(time.time())
    assert state.ready
    assert state.fill > 1
    server.ask("CONFIG", "SET", "maxmemory", "0")
    await seconds_until_honoured(replay)
    with pytest.raises(Spent):
        await spend_now(replay, jti)


async def test_server_that_evicts_is_refused(start_server: Callable[..., RedisServer], make: Make) -> None:
    server = start_server("--maxmemory-policy", "allkeys-lru")
    replay = make(server)

    with pytest.raises(Misconfigured, match="noeviction"):
        await replay.start()
    with pytest.raises(Unavailable, match="noeviction"):
        await spend_now(replay)
    assert not (await replay.state(time.time())).ready


async def test_server_that_begins_to_evict_is_found_out(
    start_server: Callable[..., RedisServer], make: Make
) -> None:
    server = start_server()
    replay = make(server)
    await seconds_until_honoured(replay)
    server.ask("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")

    assert not (await replay.state(time.time())).ready
    with pytest.raises(Unavailable):
        await spend_now(replay)


async def test_old_server_is_refused() -> None:
    with pytest.raises(Misconfigured, match="Redis 7"):
        require_suitable("redis_version:6.2.14\r\nmaxmemory_policy:noeviction\r\n")


@pytest.mark.parametrize(
    "other", [{"key": KEY[::-1]}, {"mode": "compact"}, {"shards": 2}, {"skew_seconds": 6}]
)
async def test_replicas_that_differ_are_refused(
    server: RedisServer, make: Make, other: dict[str, Any]
) -> None:
    await make(server).start()

    with pytest.raises(Misconfigured, match="other settings"):
        await make(server, **other).start()


async def test_server_that_is_not_there_is_unavailable(
    make: Make, start_server: Callable[..., RedisServer]
) -> None:
    server = start_server()
    server.kill()

    with pytest.raises(Unavailable):
        await make(server).start()
    server.start()


@pytest.mark.parametrize("wrong", [{"shards": 0}, {"prefix": "a{b}"}, {"prefix": ""}])
async def test_impossible_keys_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="prefix"):
        RedisReplay("redis://127.0.0.1/", key=KEY, **wrong)


async def test_url_of_another_kind_is_refused() -> None:
    with pytest.raises(Misconfigured, match="rediss://"):
        RedisReplay("http://127.0.0.1/", key=KEY)


@pytest.mark.parametrize("mode", ["exact", "compact"])
async def test_documented_user_has_all_rights_it_needs(server: RedisServer, make: Make, mode: Mode) -> None:
    text = " ".join((module.__doc__ or "").split())
    rights = text.partition("ACL SETUSER captcha on >password ")[2].split()
    server.ask("ACL", "SETUSER", "captcha", "reset", "on", ">password", *rights)
    server.url, plain = server.url.replace("redis://", "redis://captcha:password@"), server.url
    try:
        replay = make(server, mode=mode)
        await seconds_until_honoured(replay)
        now = int(time.time())
        assert (await replay.state(now)).ready
        known: dict[str, Any] = {
            "iat": now,
            "exp": now + 60,
            "now": now,
            "mark": bytes(16),
            "moments": range(9),
        }
        assert [await replay.spend("pass", b"jti", **known, moment=7) for _ in range(2)] == [1, -7]
    finally:
        server.url = plain


async def test_password_and_database_of_the_url_are_used(
    start_server: Callable[..., RedisServer], make: Make
) -> None:
    server = start_server()
    server.ask("CONFIG", "SET", "requirepass", "p@ss#w/rd?100%")
    server.url = f"redis://:p%40ss%23w%2Frd%3F100%25@127.0.0.1:{server.port}/3"

    await seconds_until_honoured(make(server))

    assert list(server.admin.info("keyspace")) == ["db3"]


@pytest.mark.parametrize("rights", [["nopass", "-@all"], [">other", "+@all"]])
async def test_user_without_rights_is_refused(server: RedisServer, make: Make, rights: list[str]) -> None:
    server.ask("ACL", "SETUSER", "captcha", "reset", "on", "~*", *rights)
    server.url, plain = server.url.replace("redis://", "redis://captcha:password@"), server.url
    try:
        with pytest.raises(Misconfigured, match="ACL"):
            await make(server).start()
    finally:
        server.url = plain


@pytest.mark.parametrize("mode", ["exact", "compact"])
async def test_keys_of_a_step_lie_in_one_slot_of_a_cluster(
    start_server: Callable[..., RedisServer], make: Make, mode: Mode
) -> None:
    server = start_server("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    server.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    server.wait_until(lambda: "cluster_state:ok" in re.sub("[' ]", "", str(server.ask("CLUSTER", "INFO"))))
    replay = make(server, mode=mode, shards=8)
    await seconds_until_honoured(replay)

    now = int(time.time())
    used = [
        await replay.spend("grid", secrets.token_bytes(16), iat=now, exp=now + 60, now=now, attempts=3)
        for _ in range(50)
    ]

    assert used == [1] * 50


async def test_tls_server_is_asked_over_tls(
    start_server: Callable[..., RedisServer], make: Make, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([program("openssl"), *request, *names], check=True, capture_output=True)
    server = start_server()
    try:
        for name, value in {"cert": certificate, "key": key, "ca-cert": certificate}.items():
            server.ask("CONFIG", "SET", f"tls-{name}-file", str(value))
        server.ask("CONFIG", "SET", "tls-auth-clients", "no")
        server.ask("CONFIG", "SET", "tls-port", free_port())
    except Exception as refusal:
        need(False, f"a redis-server with TLS ({refusal})")
    server.url = f"rediss://127.0.0.1:{server.admin.config_get('tls-port')['tls-port']}/0"

    with_ca = make(server)
    with pytest.raises(Unavailable):
        await with_ca.start()
    server.url += f"?ssl_ca_certs={certificate}"
    await seconds_until_honoured(make(server))


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is optional: who asks for Redis without it is told what to install."""
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)

    with pytest.raises(Misconfigured, match=r"captcha-stateless\[redis\]"):
        runpy.run_path(connect.__file__)
