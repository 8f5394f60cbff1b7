"""Print challenges and verifies a second of CPU time: over HTTP, in the engine, and PyPI ``altcha``'s beside them in one run.

Usage: ``python benchmarks/work.py``. A server of one process is started on a free port and its own CPU time is read from
    ``/proc``, so that a busy machine and a slow client change little. Over HTTP a request takes parsing, routing, policy and
    wording too; ``altcha`` is a library, measured by calls. Each figure is the best of several rounds.
"""

import asyncio
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import altcha

from captcha_stateless import Settings, keys
from captcha_stateless.app import create_engine, create_replay
from captcha_stateless.digests import fingerprint

REQUESTS, ROUNDS, CONNECTIONS = 2_000, 5, 8
SITES = f"""
[[site]]
name = "Benchmark"
key = "bench"
secret_sha256 = "{fingerprint("secret").hex()}"
[[policy]]
name = "default"
load = 1000000
[[policy.rule]]
score = [0, 100]
kind = "work"
unit = "hex"
difficulty = 1
"""
CHALLENGE = b"GET /v1/challenge?siteKey=bench HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n"


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, int]]:
    """Start a server; yield its port and process id."""
    (folder / "sites.toml").write_text(SITES)
    keys.save(folder / "keyring.json", keys.fresh_ring(int(time.time()) - 10), overwrite=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {
        **os.environ,
        "CAPTCHA_KEYS": str(folder / "keyring.json"),
        "CAPTCHA_SITES": str(folder / "sites.toml"),
        "CAPTCHA_WORK_WAIT_SECONDS": "0",
        "CAPTCHA_REPLAY_RATE": "20000",
        "CAPTCHA_RISK_FREE_CHALLENGES": "1000000",
    }
    command = [sys.executable, "-m", "captcha_stateless", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(port)
            yield port, server.pid
        finally:
            server.terminate()


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            urlopen(f"http://127.0.0.1:{port}/readyz").close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server does not get ready")


async def burst(port: int, requests: Iterable[bytes]) -> list[bytes]:
    """Send the requests over a few connections that are kept, and return the bodies of the replies."""
    bodies: list[bytes] = []
    waiting = iter(requests)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            bodies.append(await reader.readexactly(int(length.partition(b":")[2])))
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return bodies


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def over_http() -> Iterator[tuple[str, float]]:
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (port, pid):
        rates: dict[str, list[float]] = {
            "HTTP challenge": [],
            "HTTP verify": [],
            "HTTP /livez (the frame alone)": [],
        }
        probe = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for _ in range(ROUNDS):
            given, rate = timed(port, pid, [CHALLENGE] * REQUESTS)
            rates["HTTP challenge"].append(rate)
            verdicts, rate = timed(port, pid, [verify(json.loads(body)) for body in given])
            rates["HTTP verify"].append(rate)
            assert all(json.loads(body)["status"] == "success" for body in verdicts)
            rates["HTTP /livez (the frame alone)"].append(timed(port, pid, [probe] * REQUESTS)[1])
        yield from ((name, max(of)) for name, of in rates.items())


def timed(port: int, pid: int, requests: list[bytes]) -> tuple[list[bytes], float]:
    before = cpu_seconds(pid)
    bodies = asyncio.run(burst(port, requests))
    return bodies, len(requests) / (cpu_seconds(pid) - before)


def verify(challenge: dict[str, Any]) -> bytes:
    nonce = challenge["token"].partition(":")[0]
    body = {"siteSecret": "secret", "token": challenge["token"], "solution": solve(nonce)}
    content = json.dumps(body).encode()
    head = (
        "POST /v1/verify?siteKey=bench HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def solve(nonce: str) -> str:
    return next(
        str(n) for n in count() if hashlib.sha256(f"{nonce}:{n}".encode()).hexdigest().startswith("0")
    )


def in_the_engine() -> Iterator[tuple[str, float]]:
    ring = keys.fresh_ring(int(time.time()) - 10)
    settings = Settings(replay_rate=20_000)
    replay = create_replay(settings, ring, time.time() - 10)
    engine = create_engine(settings, lambda: ring, replay)
    work = {"unit": "hex", "difficulty": 1}
    issued = [engine.issue("bench", "work", work) for _ in range(REQUESTS * ROUNDS)]
    solved = iter([(sealed.token, solve(sealed.claims.seed.hex())) for sealed in issued])

    async def redeem() -> None:
        token, solution = next(solved)
        await engine.redeem(engine.look(token, "bench"), solution)

    async def redeem_all() -> float:
        started = time.process_time()
        for _ in range(REQUESTS):
            await redeem()
        return time.process_time() - started

    yield "engine issue", rate_of(lambda: engine.issue("bench", "work", work))
    yield "engine look and redeem", REQUESTS / min(asyncio.run(redeem_all()) for _ in range(ROUNDS))


def in_altcha() -> Iterator[tuple[str, float]]:
    key = secrets.token_hex(32)
    options = {"hmac_key": key, "max_number": 16}
    yield "altcha v1 create_challenge", rate_of(lambda: altcha.create_challenge_v1(**options))
    made = altcha.create_challenge_v1(**options)
    solution = altcha.solve_challenge_v1(made.challenge, made.salt, made.algorithm, made.max_number, 0)
    payload = {
        "algorithm": made.algorithm,
        "challenge": made.challenge,
        "number": solution.number,
        "salt": made.salt,
        "signature": made.signature,
    }
    assert altcha.verify_solution_v1(payload, key)[0]
    yield "altcha v1 verify_solution", rate_of(lambda: altcha.verify_solution_v1(payload, key))


def rate_of(call: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(REQUESTS):
            call()
        best = min(best, time.process_time() - started)
    return REQUESTS / best


def main() -> None:
    print(f"{'one core':34} {'a CPU second':>12}")
    for figures in (over_http(), in_the_engine(), in_altcha()):
        for name, rate in figures:
            print(f"{name:34} {rate:12,.0f}")


if __name__ == "__main__":
    main()
