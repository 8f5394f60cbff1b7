"""A server under fire, from `serve` itself: its capacity, twice of it, slow clients, and what memory does. `make fire`.

Times are wall time, as their visitors would see them: run it on a machine that does nothing else. The server has one core,
and the load the other: it never sleeps there, for to wake up a client of the same machine is the server's time, and in a
virtual one a lot of it. The capacity is measured before and after each third of the fire, for what a core is worth changes
with what others do.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from captcha_stateless.tokens import keys
from tests.live import LiveServer

CHALLENGE = b"POST /api/challenge HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
HEALTH = b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"
ROUNDS = 3
CAPACITY_SECONDS, FIRE_SECONDS, SLOW_SECONDS = 5, int(os.environ.get("FIRE_SECONDS", "60")) // ROUNDS, 20
SLOW_CLIENTS = 600
GOOD_SECONDS = 0.5


@dataclass
class Load:
    """Requests over kept connections, and what came of them: statuses, and the seconds until each answer."""

    port: int
    request: bytes
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[tuple[str, float]] = field(default_factory=list)

    async def connection(self, until: float, *, every: float = 0.0, first: float = 0.0) -> None:
        """Ask again as soon as answered, or every so many seconds: late answers make the next one due at once."""
        due = time.monotonic() + first
        reader, writer = None, None
        while (now := time.monotonic()) < until:
            if every:
                await asyncio.sleep(max(0.0, due - now))
                due += every
            began = time.monotonic()
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                assert reader
                writer.write(self.request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                self._note(head[9:12].decode(), time.monotonic() - began)
            except (OSError, asyncio.IncompleteReadError):
                self._note("failed", time.monotonic() - began)
                writer = None
        if writer:
            writer.close()

    def _note(self, outcome: str, seconds: float) -> None:
        self.outcomes[outcome] += 1
        self.seconds.append((outcome, seconds))

    def percentile(self, share: float, outcome: str = "200") -> float:
        """Tell what share of the answers came faster, in milliseconds."""
        found = sorted(seconds for name, seconds in self.seconds if name == outcome)
        return found[int(len(found) * share)] * 1000 if found else float("nan")


async def awake(until: float) -> None:
    """Keep the event loop from sleeping."""
    while time.monotonic() < until:
        await asyncio.sleep(0)


async def capacity(port: int) -> float:
    """Tell how many challenges a second are answered at most."""
    load = Load(port, CHALLENGE)
    until = time.monotonic() + CAPACITY_SECONDS
    await asyncio.gather(awake(until), *(load.connection(until) for _ in range(8)))
    return load.outcomes["200"] / CAPACITY_SECONDS


async def overload(port: int, a_second: float) -> tuple[Load, Load]:
    """Ask twice as much as can be answered, and for health beside it."""
    load, health = Load(port, CHALLENGE), Load(port, HEALTH)
    until, connections = time.monotonic() + FIRE_SECONDS, 200
    every = connections / (2 * a_second)
    await asyncio.gather(
        awake(until),
        *(load.connection(until, every=every, first=every * n / connections) for n in range(connections)),
        health.connection(until, every=0.1),
    )
    return load, health


async def beside_slow_clients(port: int, option: str) -> tuple[Load, str]:
    """Ask honestly while slowhttptest holds as many connections as it can; with what it says of them."""
    command = ["slowhttptest", option, "-c", str(SLOW_CLIENTS), "-r", "200", "-i", "1", "-p", "3"]
    command += ["-l", str(SLOW_SECONDS), "-u", f"http://127.0.0.1:{port}/api/challenge"]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        load = Load(port, CHALLENGE)
        await load.connection(time.monotonic() + SLOW_SECONDS, every=0.05)
        process.wait(timeout=60)
        said.seek(0)
        text = said.read().decode(errors="replace")
    ended = [line.strip() for line in text.splitlines() if line.startswith(("Test ended", "Exit status"))]
    return load, "; ".join(ended)


def measured_capacity(server: LiveServer) -> tuple[float, float]:
    """Tell answers a second, and the CPU seconds of one."""
    began = cpu_seconds(server)
    most = asyncio.run(capacity(server.port))
    return most, (cpu_seconds(server) - began) / (most * CAPACITY_SECONDS)


def cpu_seconds(server: LiveServer) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_megabytes(server: LiveServer) -> float:
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * 4_096 / 1e6


def apart(server: LiveServer) -> None:
    """Give the server the first core, and ourselves the last."""
    cores = sorted(os.sched_getaffinity(0))
    for thread in Path(f"/proc/{server.process.pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {cores[0]})
    os.sched_setaffinity(0, {cores[-1]})


def main() -> None:
    """Print one line for each figure."""
    with tempfile.TemporaryDirectory() as folder:
        ring = Path(folder) / "keyring.json"
        keys.save(ring, keys.fresh_ring(int(time.time())), overwrite=False)
        environ = {
            "CAPTCHA_KEYS": str(ring),
            "CAPTCHA_REPLAY_DIR": f"{folder}/replay",
            "CAPTCHA_FAMILY": "outline",
        }
        server = LiveServer(environ=environ)
        try:
            server.wait()
            apart(server)
            measure(server)
        finally:
            with contextlib.suppress(ProcessLookupError):
                server.end()


@dataclass
class Round:
    """What a third of the fire came to: capacities in answers a second, CPU time in seconds."""

    capacity: float
    spent: float
    each: float
    load: Load
    health: Load

    @property
    def good(self) -> float:
        """Answers in time, as a share of what could be answered."""
        intime = sum(name == "200" and seconds <= GOOD_SECONDS for name, seconds in self.load.seconds)
        return intime / FIRE_SECONDS / self.capacity

    @property
    def refusal(self) -> float:
        """CPU seconds of a 503: what the answers leave over."""
        return (self.spent - self.load.outcomes["200"] * self.each) / max(1, self.load.outcomes["503"])


def measure(server: LiveServer) -> None:
    before = memory_megabytes(server)
    capacities = [measured_capacity(server)]
    rounds = []
    for _ in range(ROUNDS):
        began = cpu_seconds(server)
        load, health = asyncio.run(overload(server.port, capacities[-1][0]))
        spent = cpu_seconds(server) - began
        capacities.append(measured_capacity(server))
        most, each = (sum(pair) / 2 for pair in zip(*capacities[-2:], strict=True))
        rounds.append(Round(most, spent, each, load, health))
        print(
            f"{most:4.0f} challenges/s from one worker, {each * 1e6:.0f} us of CPU time each; "
            f"at twice of it for {FIRE_SECONDS} s {rounds[-1].good:.0%} within {GOOD_SECONDS} s, {dict(load.outcomes)}, "
            f"p99 {load.percentile(0.99):.0f} ms, a 503 took {rounds[-1].refusal * 1e6:.0f} us; "
            f"health {dict(health.outcomes)}, p99 {health.percentile(0.99):.0f} ms"
        )
    print(f"all rounds: {sum(each.good for each in rounds) / ROUNDS:.0%} of capacity within {GOOD_SECONDS} s")
    print(f"memory: {before:.0f} MB before, {memory_megabytes(server):.0f} MB after")
    if not shutil.which("slowhttptest"):
        sys.exit("slowhttptest is not installed: no figures for slow clients")
    for option, name in (("-H", "heads"), ("-B", "bodies"), ("-X", "reads")):
        load, said = asyncio.run(beside_slow_clients(server.port, option))
        print(
            f"{SLOW_CLIENTS} slow {name}: honest {dict(load.outcomes)}, p99 {load.percentile(0.99):.0f} ms; {said}"
        )
    print(f"memory: {memory_megabytes(server):.0f} MB")


if __name__ == "__main__":
    main()
