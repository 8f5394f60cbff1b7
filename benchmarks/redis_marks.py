"""What a mark costs on Redis: bytes, by the server's own word, and the time of a spend beside a bare PING."""

import asyncio
import secrets
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from captcha_stateless.replay.redis import RedisReplay
from tests.replay.servers import RedisServer
from tests.replay.topologies import Cluster, Watched

MARKS = 100_000
SPENDS = 2_000
KEY = bytes(32)
#: The deployment's own: see captcha_stateless/replay/factory.py.
HORIZON_SECONDS = 2_520


def main() -> None:
    """Print both tables."""
    folder = Path(tempfile.mkdtemp())
    print("| mode | bytes a mark |\n| --- | --- |")
    for mode in ("exact", "compact"):
        print(f"| {mode} | {asyncio.run(bytes_a_mark(folder / mode, mode)):.0f} |")
    print("\n| Redis | a spend, median | against PING |\n| --- | --- | --- |")
    for name, make in PLACES.items():
        asyncio.run(timed(name, make, folder / name))


async def bytes_a_mark(folder: Path, mode: str) -> float:
    """Leave marks as a busy minute would, and ask the server for its memory before and after."""
    server = RedisServer(folder)
    replay = RedisReplay(
        server.url,
        key=KEY,
        mode="compact" if mode == "compact" else "exact",
        horizon_seconds=HORIZON_SECONDS,
        spends_per_second=1_000,
        timeout_seconds=5,
    )
    await ready(replay)
    before = server.admin.info("memory")["used_memory"]
    await spend(replay, MARKS)
    after = server.admin.info("memory")["used_memory"]
    await replay.close()
    server.end()
    # A compact bucket is allocated whole, for as many marks as it may ever hold.
    return (after - before) / (MARKS if mode == "exact" else 1_000 * HORIZON_SECONDS / 12)


async def spend(replay: RedisReplay, marks: int) -> None:
    """Spend so many tokens of one bucket."""
    now = int(time.time())
    exp = (now // 210 + 2) * 210
    for start in range(0, marks, 1_000):
        await asyncio.gather(
            *(
                replay.spend("grid", secrets.token_bytes(16), iat=now, exp=exp, now=now)
                for _ in range(start, min(marks, start + 1_000))
            )
        )


async def ready(replay: RedisReplay) -> None:
    """Wait until the filter honours what is issued now."""
    await replay.start()
    while not (await replay.state(time.time())).ready:
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)


async def timed(name: str, make: Callable[[Path], object], folder: Path) -> None:
    """Time spends one after the other."""
    place = make(folder)
    url = str(getattr(place, "url"))  # noqa: B009
    replay = RedisReplay(url, key=KEY, horizon_seconds=HORIZON_SECONDS, timeout_seconds=5)
    await ready(replay)

    async def median_seconds(work: Callable[[], Awaitable[object]]) -> float:
        times = []
        for _ in range(SPENDS):
            begun = time.perf_counter()
            await work()
            times.append(time.perf_counter() - begun)
        return median(times)

    spends = await median_seconds(lambda: spend(replay, 1))
    pings = await median_seconds(lambda: replay._server.ask(lambda client: client.ping()))
    print(f"| {name} | {spends * 1e6:.0f} µs | {spends / pings:.1f} |")
    await replay.close()
    getattr(place, "end")()  # noqa: B009


def tls(folder: Path) -> RedisServer:
    """Start a server that speaks TLS, with a certificate of its own."""
    folder.mkdir()
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
    ]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    server = RedisServer(folder)
    for name, value in {"cert": certificate, "key": key, "ca-cert": certificate}.items():
        server.ask("CONFIG", "SET", f"tls-{name}-file", str(value))
    server.ask("CONFIG", "SET", "tls-auth-clients", "no")
    server.ask("CONFIG", "SET", "tls-port", server.port + 1)
    server.url = f"rediss://127.0.0.1:{server.port + 1}/0?ssl_ca_certs={certificate}"
    return server


PLACES: dict[str, Callable[[Path], object]] = {
    "one server": RedisServer,
    "one server, TLS": tls,
    "Sentinel": Watched,
    "cluster": Cluster,
}

if __name__ == "__main__":
    main()
