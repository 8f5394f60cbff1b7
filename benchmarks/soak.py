"""Ten minutes of every protocol's whole runs, each step on another replica: what memory does, and how long answers take.

`make soak` (SOAK_SECONDS=600). Wall time, and the clients share the machine's cores with the replicas: a figure for a quiet
machine. Fails when a step of a run is not answered as it should be.
"""

import contextlib
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.edge.conftest import engine_of, settings_in
from tests.edge.flows import FLOWS
from tests.live import LiveServer, live_server

SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))
CLIENTS, REPLICAS = 3, 2
#: Of a client between two runs, so that the machine is loaded and not overloaded.
PAUSE_SECONDS = 0.02
#: Caches and tables have filled by then.
WARM_SHARE = 0.2


class Turns(httpx.BaseTransport):
    """Sends each request to the next replica, as a balancer would."""

    def __init__(self, servers: list[LiveServer], told: "Told") -> None:
        self._transports = [httpx.HTTPTransport() for _ in servers]
        self._servers, self._told, self._turn = servers, told, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._turn = (self._turn + 1) % len(self._servers)
        request.url = request.url.copy_with(port=self._servers[self._turn].port)
        began = time.perf_counter()
        response = self._transports[self._turn].handle_request(request)
        response.read()
        self._told.seconds.append(time.perf_counter() - began)
        return response


@dataclass
class Told:
    """What the clients saw."""

    runs: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def milliseconds(self, share: float) -> float:
        """Tell how long this share of the answers took at most."""
        return sorted(self.seconds)[int(len(self.seconds) * share)] * 1000


def main() -> None:
    """Print one line a minute, and the sum of it."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        environ = {**settings_in(Path(folder)), "CAPTCHA_REPLAY_RATE": "1000", "CAPTCHA_FAMILY": "outline"}
        servers = [stack.enter_context(live_server(environ=environ)) for _ in range(REPLICAS)]
        told, until = Told(), time.monotonic() + SECONDS
        clients = [
            threading.Thread(target=client, args=(servers, environ, told, until)) for _ in range(CLIENTS)
        ]
        for thread in clients:
            thread.start()
        memory = list(watch(servers, told, until))
        for thread in clients:
            thread.join()
    report(told, memory)


def client(servers: list[LiveServer], environ: dict[str, str], told: Told, until: float) -> None:
    """Solve one run after another until it is time."""
    engine = engine_of(environ)
    with httpx.Client(transport=Turns(servers, told), base_url="http://127.0.0.1", timeout=20) as http:
        while time.monotonic() < until:
            flow = random.choice(FLOWS)
            try:
                right = flow(http, engine)
            except (httpx.HTTPError, KeyError, ValueError, AssertionError) as error:
                right = False
                told.wrong.append(f"{flow.__name__}: {error!r}")
            told.runs += 1
            if not right:
                told.wrong.append(flow.__name__)
            time.sleep(PAUSE_SECONDS)


def watch(servers: list[LiveServer], told: Told, until: float) -> Iterator[float]:
    """Yield the replicas' memory in MB, ten times a minute."""
    began = last = time.monotonic()
    while time.monotonic() < until:
        time.sleep(min(6.0, SECONDS / 20))
        memory = sum(memory_megabytes(server) for server in servers)
        yield memory
        if time.monotonic() - last >= 60:
            last = time.monotonic()
            print(
                f"{last - began:4.0f} s: {len(told.seconds):7d} requests, {len(told.wrong)} wrong, {memory:.1f} MB",
                flush=True,
            )


def report(told: Told, memory: list[float]) -> None:
    """Print the sum, and fail where a run went wrong."""
    warm = memory[int(len(memory) * WARM_SHARE) :]
    print(
        f"{SECONDS} s, {REPLICAS} replicas: {told.runs} runs of {len(FLOWS)} protocols, {len(told.seconds)} requests "
        f"({len(told.seconds) / SECONDS:.0f}/s), {len(told.wrong)} wrong; p50 {told.milliseconds(0.5):.1f} ms, "
        f"p99 {told.milliseconds(0.99):.1f} ms; memory {warm[0]:.1f} MB after a fifth of it, {warm[-1]:.1f} MB at the end, "
        f"{max(warm):.1f} MB at most"
    )
    if told.wrong:
        sys.exit("\n".join(told.wrong[:20]))


def memory_megabytes(server: LiveServer) -> float:
    """Tell what a replica holds in memory of its own: the shared filter's pages, which fill as they are touched, are not."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    main()
