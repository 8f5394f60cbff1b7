"""Connections to Redis as people have it: one server, a master that Sentinels name, or a cluster."""

from typing import Any

from captcha_stateless.errors import Misconfigured
from captcha_stateless.stores.url import RedisUrl

try:
    from redis.asyncio import Redis, RedisCluster, Sentinel
    from redis.asyncio.cluster import ClusterNode
    from redis.asyncio.connection import parse_url
    from redis.asyncio.retry import Retry
    from redis.asyncio.sentinel import SentinelConnectionPool
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisClusterException
except ImportError:
    raise Misconfigured("Redis needs redis-py: install captcha-stateless[redis]") from None

Client = Redis | RedisCluster

#: What a URL may say of the Sentinels, whose passwords are not the server's.
_SENTINEL = "sentinel_"


def connect(url: RedisUrl, timeout_seconds: float) -> Client:
    """Prepare connections that give up in time; nothing is connected yet.

    Connections that died while they were idle are found out before they are used. redis-py looks for that only where it
    expects nothing from the server unasked, which is so under the older of the two protocols.

    Raises:
        Misconfigured: an option of the URL is none of redis-py's.
    """
    timeouts: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "protocol": 2,
    }
    try:
        return _MAKERS[url.topology](url, timeouts)
    except (ValueError, TypeError, RedisClusterException) as problem:
        raise Misconfigured(f"the Redis URL has an option that does not work: {problem}") from None


async def find(client: Client) -> None:
    """Let a client learn where its servers are, if it must ask others for that.

    Raises:
        RedisError, RedisClusterException, OSError: nobody tells.
    """
    if isinstance(client, RedisCluster):
        await client.initialize()
    elif isinstance(client.connection_pool, SentinelConnectionPool):
        await client.connection_pool.get_master_address()  # type: ignore[no-untyped-call]


async def close(client: Client) -> None:
    """Close a client's connections, and those to whom it asked for its servers."""
    await client.aclose()
    if not isinstance(client, RedisCluster) and isinstance(client.connection_pool, SentinelConnectionPool):
        await client.connection_pool.sentinel_manager.aclose()


def _server(url: RedisUrl, timeouts: dict[str, Any]) -> Client:
    # Nothing is tried again: a second try would find the token spent by the first.
    return Redis.from_url(url.plain, retry=Retry(NoBackoff(), 0), **timeouts)


def _sentinel(url: RedisUrl, timeouts: dict[str, Any]) -> Client:
    options = _options(url)
    own = {
        name.removeprefix(_SENTINEL): options.pop(name)
        for name in list(options)
        if name.startswith(_SENTINEL)
    }
    shared = {name: value for name, value in options.items() if name.startswith("ssl")}
    once = {
        "retry": Retry(NoBackoff(), 0),
        **timeouts,
    }  # a Sentinel that is gone must not keep us from the next
    sentinels = Sentinel(url.hosts, sentinel_kwargs=once | shared | own)  # type: ignore[no-untyped-call]
    client: Client = sentinels.master_for(url.service, **once, **options)
    return client


def _cluster(url: RedisUrl, timeouts: dict[str, Any]) -> Client:
    # Once again, for the cluster's client does not notice that a connection died while it was idle. Where a reply was
    # lost instead, the second try finds the token spent: it is burned either way.
    nodes = [ClusterNode(host, port) for host, port in url.hosts]
    return RedisCluster(startup_nodes=nodes, retry=Retry(NoBackoff(), 1), **timeouts, **_options(url))


def _options(url: RedisUrl) -> dict[str, Any]:
    """Read everything but the host: user, password, database, TLS."""
    options: dict[str, Any] = {**parse_url(url.plain)}
    for name in ("host", "port"):
        options.pop(name, None)
    if options.pop("connection_class", None):
        options["ssl"] = True
    return options


_MAKERS = {"server": _server, "sentinel": _sentinel, "cluster": _cluster}
