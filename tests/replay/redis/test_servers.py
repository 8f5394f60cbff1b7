"""Redis servers as they are set up: rights, memory, versions, TLS and URLs."""

import asyncio
import re
import runpy
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from captcha_stateless.errors import Misconfigured, Spent, Unavailable
from captcha_stateless.replay import redis as module
from captcha_stateless.replay.redis import RedisReplay
from captcha_stateless.replay.redis_calls import require_suitable
from captcha_stateless.stores import connect
from tests.live import free_port
from tests.needs import need, program
from tests.replay.contract import KEY
from tests.replay.redis.conftest import Make, Mode, seconds_until_honoured, spend_now
from tests.replay.servers import RedisServer

pytestmark = pytest.mark.anyio


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
