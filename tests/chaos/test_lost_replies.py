"""A fifth of all replies is lost after the server answered, and servers are killed: no run begins anew, none counts twice."""

import asyncio
import logging
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

import httpx
import pytest

from captcha_stateless.tokens import keys
from tests.chaos import size
from tests.chaos.conftest import engine_of
from tests.chaos.lossy import Lossy, Visitors
from tests.live import LiveServer, free_port
from tests.replay.servers import RedisServer

AT_ONCE = 16


class Deployment:
    """Servers with one key ring and one filter, one of whose processes can be killed."""

    def __init__(self, folder: Path, filter_: str, mode: str) -> None:
        ring = folder / "keyring.json"
        keys.save(ring, keys.fresh_ring(int(time.time())), overwrite=False)
        self.environ = {
            "CAPTCHA_KEYS": str(ring),
            "CAPTCHA_REPLAY": filter_,
            "CAPTCHA_REPLAY_MODE": mode,
            "CAPTCHA_REPLAY_DIR": str(folder / "replay"),
            "CAPTCHA_REPLAY_RATE": "500",
            "CAPTCHA_QUEUE": "500",
        }
        replicas, workers = {"memory": (1, 1), "shared": (1, 4)}.get(filter_, (2, 1))
        self.ports = [free_port() for _ in range(replicas)]
        self._options = ("--workers", str(workers)) if workers > 1 else ()
        self._mortal = (
            filter_ != "memory"
        )  # which forgets with its process, and refuses what was begun before
        self._chance = random.Random(8)
        self.servers = [self._started(port) for port in self.ports]

    def _started(self, port: int) -> LiveServer:
        server = LiveServer(*self._options, environ=self.environ, port=port)
        # A server whose log nobody reads stops when the pipe is full.
        threading.Thread(target=_read_out, args=(server.process.stdout,), daemon=True).start()
        for _ in range(300):
            try:
                if httpx.get(f"{server.url}/readyz").status_code == 200:
                    return server
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError("the server is not ready")

    def kill_one(self) -> int:
        """Kill a worker, which its server replaces, or a replica; return how many were killed."""
        if not self._mortal:
            return 0
        number = self._chance.randrange(len(self.servers))
        if self._options:
            pid = self.servers[0].process.pid
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            workers = [int(child) for child in children if b"spawn_main" in _command(child)]
            os.kill(self._chance.choice(workers), signal.SIGKILL)
            return 1
        self.servers[number].end()
        self.servers[number] = self._started(self.ports[number])
        return 1

    def end(self) -> None:
        for server in self.servers:
            server.end()


def _read_out(log: IO[str]) -> None:
    with suppress(ValueError):  # closed meanwhile
        for _ in log:
            pass


def _command(pid: str) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.fixture(params=["memory", "shared", "redis", "redis compact"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    with ExitStack() as stack:
        name, _, mode = request.param.partition(" ")
        if name == "redis":
            server = RedisServer(tmp_path / "redis", "--maxmemory-policy", "noeviction")
            stack.callback(server.end)
            name = server.url
        deployment = Deployment(tmp_path, name, mode or "exact")
        stack.callback(deployment.end)
        yield deployment


async def visited(deployment: Deployment, runs: int, kills: int) -> tuple[Visitors, Lossy, int]:
    """Let visitors come, and kill servers meanwhile; return what became of them, and how many kills there were."""
    proxy = Lossy(deployment.ports, seed=8)
    visitors = Visitors(await proxy.listen(), engine_of(deployment.environ))
    left = iter(range(runs))

    async def come() -> None:
        for _ in left:
            await visitors.run()

    async def kill() -> int:
        killed = 0
        for turn in range(kills):
            while visitors.begun < runs * (turn + 1) // (kills + 1):
                await asyncio.sleep(0.01)
            killed += await asyncio.to_thread(deployment.kill_one)
        return killed

    killing = asyncio.create_task(kill())
    await asyncio.gather(*(come() for _ in range(AT_ONCE)))
    killed = await killing
    proxy.close()
    return visitors, proxy, killed


@pytest.mark.timeout(1800)
def test_every_run_ends_in_one_pass_that_counts_once(deployment: Deployment) -> None:
    runs, kills = size(80, 5_000), size(2, 20)

    visitors, proxy, killed = asyncio.run(visited(deployment, runs, kills))

    logging.getLogger(__name__).info(
        "%d runs, %d of %d replies lost, %d repeats, %d kills, %d runs lost",
        *(runs, proxy.lost, proxy.handed, visitors.repeats, killed, len(visitors.ended_otherwise)),
    )
    assert proxy.lost > proxy.handed / 10
    assert len(visitors.ended_otherwise) <= killed, visitors.ended_otherwise
    assert sum(visitors.passes.values()) + len(visitors.ended_otherwise) == runs
    assert set(visitors.passes.values()) == {1}
    assert max(visitors.honoured.values()) == 1
    assert runs - sum(visitors.honoured.values()) <= killed
