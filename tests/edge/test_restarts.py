"""Rolling restarts and kills of replicas behind nginx, HAProxy and Caddy, under load; long with CAPTCHA_TEST_CHAOS=1."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.chaos import size
from tests.edge.conftest import settings_in
from tests.edge.test_balancers import BALANCERS
from tests.live import LiveServer, free_port

#: Longer than HAProxy needs to see that a replica is not ready, and than it waits for a kept connection.
DRAIN_SECONDS = 3


class Replica:
    """A replica that can be restarted on its port."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ, self.port = environ, free_port()
        self.start()

    def start(self) -> None:
        self.server = LiveServer(environ=self.environ, port=self.port)
        for _ in range(300):
            try:
                if httpx.get(f"{self.server.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("the replica is not ready")

    def restart(self) -> None:
        """Tell it to stop, wait until it has, and start it again."""
        self.server.stop()
        self.start()
        time.sleep(2.5)  # until the balancers use it again

    def kill(self) -> None:
        """End it as a power failure would, and start it again."""
        self.server.end()
        self.start()
        time.sleep(2.5)

    def end(self) -> None:
        self.server.end()


@pytest.fixture(params=list(BALANCERS))
def balanced(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, list[Replica]]]:
    environ = {**settings_in(tmp_path), "CAPTCHA_DRAIN_SECONDS": str(DRAIN_SECONDS)}
    with ExitStack() as stack:
        replicas = []
        for _ in range(2):
            replicas.append(Replica(environ))
            stack.callback(replicas[-1].end)
        run, words = BALANCERS[request.param]
        listening = free_port()
        text = words(tmp_path, [replica.port for replica in replicas], listening)
        url = stack.enter_context(run(tmp_path / "edge", text, listening))
        yield url, replicas


async def under_load(url: str, a_second: int, work: Callable[[], None]) -> Counter[object]:
    """Begin runs at a steady pace while ``work`` is done in a thread; count the statuses and failures."""
    found: Counter[object] = Counter()
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=20)
    async with httpx.AsyncClient(base_url=url, timeout=20, limits=limits) as client:

        async def ask() -> None:
            try:
                found[(await client.post("/api/challenge")).status_code] += 1
            except httpx.HTTPError as error:
                found[type(error).__name__] += 1

        doing = asyncio.ensure_future(asyncio.to_thread(work))
        asked: list[asyncio.Task[None]] = []
        start = time.monotonic()
        while not doing.done():
            asked.append(asyncio.ensure_future(ask()))
            await asyncio.sleep(max(0.0, start + len(asked) / a_second - time.monotonic()))
        await doing
        await asyncio.gather(*asked)
    return found


@pytest.mark.timeout(600)
def test_a_rolling_restart_fails_no_request(balanced: tuple[str, list[Replica]]) -> None:
    url, replicas = balanced

    def roll() -> None:
        for _ in range(size(1, 3)):
            for replica in replicas:
                replica.restart()

    found = asyncio.run(under_load(url, size(20, 200), roll))

    assert set(found) == {200}, found
    assert found[200] > 100


@pytest.mark.timeout(600)
def test_a_kill_fails_hardly_any(balanced: tuple[str, list[Replica]]) -> None:
    url, replicas = balanced

    def kill() -> None:
        for _ in range(size(1, 3)):
            replicas[0].kill()

    found = asyncio.run(under_load(url, size(20, 200), kill))

    failed = found.total() - found[200]
    assert failed <= max(1, 0.005 * found.total()), found
