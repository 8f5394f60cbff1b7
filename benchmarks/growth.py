"""Print how service grows with workers and with replicas: a challenge and its right answer, again and again.

Usage: ``make bench``, or ``PYTHONPATH=. python benchmarks/growth.py``. Workers share the file of one host; replicas stand
behind nginx, turn by turn, and share Redis. What is measured is CPU time: the load, nginx and Redis take the same cores here,
where a deployment gives them others. A figure is the requests divided by the time of the busiest process: so many a second
are served where each has a core of its own, and whatever is shared out unevenly, or costs more when there are more, shows.
Each process has as many visitors at once, however many there are.
All deployments are up at once and take turns; the best of several rounds counts, of which the first warms up.
"""

import contextlib
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grid import PATH, SITES, answered
from load import Connection, Sent

from captcha_stateless import Settings
from captcha_stateless.app import create_engine
from captcha_stateless.engine import Engine
from captcha_stateless.tokens import keys
from tests.balancer import balanced
from tests.live import LiveServer, live_server
from tests.replay.servers import RedisServer

VISITORS, CONNECTIONS, ROUNDS = 96, 6, 8
WORKERS, REPLICAS = (1, 2), (1, 2, 3)


@dataclass(frozen=True)
class Deployment:
    """What is measured: its name, where it listens, and the processes that serve."""

    name: str
    port: int
    servers: Sequence[LiveServer]

    def seconds(self) -> list[float]:
        """Tell how long each process that serves has run: a server's workers, or itself where it has none."""
        served = [pid for server in self.servers for pid in _serving(server.process.pid)]
        return [_ran(pid) for pid in served]


def main() -> None:
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        environ = settings_in(folder)
        ring = keys.load(folder / "keyring.json")
        engine = create_engine(Settings(keys=folder / "keyring.json"), lambda: ring)
        deployed = [*workers(stack, environ), *replicas(stack, folder, environ)]
        rounds: list[dict[str, list[float]]] = []
        for _ in range(4 * ROUNDS):
            # A round in which Redis had to wait for a core, and somebody was told so, is none.
            with contextlib.suppress(SystemExit):
                rounds.append({each.name: costs(each, engine) for each in deployed})
            if len(rounds) == ROUNDS:
                break
    best = {each.name: min((of[each.name] for of in rounds), key=max) for each in deployed}
    print(f"{'a challenge and its answer':34}{'busiest: us':>12}{'a second':>10}{'all: us':>9}{'times':>7}")
    for kind in ("worker", "replica"):
        rows = {name: cost for name, cost in best.items() if kind in name}
        alone = max(next(iter(rows.values())))
        for name, cost in rows.items():
            busiest = max(cost)
            print(
                f"{name:34}{busiest * 1e6:12.0f}{1 / busiest:10.0f}{sum(cost) * 1e6:9.0f}{alone / busiest:7.2f}"
            )


def settings_in(folder: Path) -> dict[str, str]:
    keys.save(folder / "keyring.json", keys.fresh_ring(int(time.time()) - 10), overwrite=False)
    (folder / "sites.toml").write_text(SITES)
    return {
        "CAPTCHA_KEYS": str(folder / "keyring.json"),
        "CAPTCHA_SITES": str(folder / "sites.toml"),
        "CAPTCHA_FAMILY": "filled",
        "CAPTCHA_TILE_SIZE": "64",
        "CAPTCHA_REPLAY_RATE": "10000",
        "CAPTCHA_ANSWERS_A_MINUTE": "1000000",
        "OPENBLAS_NUM_THREADS": "1",
    }


def workers(stack: contextlib.ExitStack, environ: Mapping[str, str]) -> Iterator[Deployment]:
    for number in WORKERS:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        more = {**environ, "CAPTCHA_REPLAY": "shared", "CAPTCHA_REPLAY_DIR": folder}
        server = stack.enter_context(live_server("--workers", str(number), environ=more))
        yield Deployment(f"{number} worker{'s' * (number > 1)}", server.port, [server])


def replicas(stack: contextlib.ExitStack, folder: Path, environ: Mapping[str, str]) -> Iterator[Deployment]:
    redis = RedisServer(folder / "redis")
    stack.callback(redis.end)
    for number in REPLICAS:
        more = {**environ, "CAPTCHA_REPLAY": redis.url, "CAPTCHA_TRUSTED_PROXIES": "127.0.0.1"}
        servers = [stack.enter_context(live_server(environ=more)) for _ in range(number)]
        url = stack.enter_context(balanced(folder / f"nginx-{number}", [each.port for each in servers]))
        name = f"{number} replica{'s' * (number > 1)} behind nginx"
        yield Deployment(name, int(url.rpartition(":")[2]), servers)


def costs(deployment: Deployment, engine: Engine) -> list[float]:
    """Tell the CPU seconds of each process for one request."""
    # So many to each, for grids that are asked for at once are drawn together.
    processes = len(deployment.seconds())
    visitors = VISITORS * processes
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(Connection(deployment.port)) for _ in range(CONNECTIONS * processes)]
        before = deployment.seconds()
        asked = exchanged(opened, [Sent(PATH)] * visitors)
        spent = [after - then for after, then in zip(deployment.seconds(), before, strict=True)]
        right = [answered(engine, json.loads(body)["challenge"], wrong=False) for body in asked]
        before = deployment.seconds()
        exchanged(opened, right)
        more = [after - then for after, then in zip(deployment.seconds(), before, strict=True)]
    return [(one + other) / (2 * visitors) for one, other in zip(spent, more, strict=True)]


def exchanged(opened: Sequence[Connection], requests: Sequence[Sent]) -> list[bytes]:
    """Send each request, as many at once as there are connections, and read what is answered."""
    bodies = []
    for start in range(0, len(requests), len(opened)):
        some = requests[start : start + len(opened)]
        for connection, request in zip(opened, some, strict=False):
            connection.send(request.wire())
        bodies += [connection.body(200) for connection, _ in zip(opened, some, strict=False)]
    return bodies


def _serving(pid: int) -> list[int]:
    # A server of several workers is their parent, which serves nothing; beside them is what tracks its shared memory.
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    found = [
        child for child in children if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    return found or [pid]


def _ran(pid: int) -> float:
    """Tell how long the threads of a process ran, in seconds (proc(5), schedstat)."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


if __name__ == "__main__":
    main()
