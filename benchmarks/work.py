"""Print challenges and verifies a second of CPU time: over HTTP, in the engine, and PyPI ``altcha``'s beside them in one run.

Usage: ``python benchmarks/work.py``. The server's own CPU time is read, so that a busy machine and a slow client change
    little. Over HTTP a request takes parsing, routing, policy and wording too: ``/livez`` is our frame alone, ``hello`` bare
    Starlette, ``altcha`` is a library, measured by calls. Each figure is the best of several rounds.
"""

import asyncio
import hashlib
import json
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import altcha
from load import Sent, serving

from captcha_stateless import Settings
from captcha_stateless.app import create_engine
from captcha_stateless.replay import factory
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.digests import fingerprint

REQUESTS, ROUNDS = 2_000, 5
SITES = f"""
[[site]]
name = "Benchmark"
key = "bench"
secret_sha256 = "{fingerprint("secret").hex()}"
kinds = ["work"]
[[policy]]
name = "default"
load = 1000000
[[policy.rule]]
score = [0, 100]
kind = "work"
unit = "hex"
difficulty = 1
"""
CHALLENGE = Sent("/v1/challenge?siteKey=bench", "GET", headers={"Origin": "http://localhost"})


def over_http() -> Iterator[tuple[str, float]]:
    with tempfile.TemporaryDirectory() as folder, serving("fast", "app", environ(Path(folder))) as server:
        rates: dict[str, list[float]] = {"HTTP challenge": [], "HTTP verify": [], "HTTP /livez": []}
        for _ in range(ROUNDS):
            given = server.cost([CHALLENGE] * REQUESTS)
            verdicts = server.cost([verify(json.loads(body)) for body in given.bodies])
            assert all(json.loads(body)["status"] == "success" for body in verdicts.bodies)
            frame = server.cost([Sent("/livez", "GET")] * REQUESTS)
            for rate, cost in zip(rates.values(), (given, verdicts, frame), strict=True):
                rate.append(cost.a_second)
        yield from ((name, max(of)) for name, of in rates.items())
    with serving("fast", "hello") as server:
        yield "HTTP hello", max(server.cost([Sent("/", "GET")] * REQUESTS).a_second for _ in range(ROUNDS))


def environ(folder: Path) -> dict[str, str]:
    (folder / "sites.toml").write_text(SITES)
    keys.save(folder / "keyring.json", keys.fresh_ring(int(time.time()) - 10), overwrite=False)
    return {
        "CAPTCHA_KEYS": str(folder / "keyring.json"),
        "CAPTCHA_SITES": str(folder / "sites.toml"),
        "CAPTCHA_WORK_WAIT_SECONDS": "0",
        "CAPTCHA_REPLAY": "memory",
        "CAPTCHA_RISK_FREE_CHALLENGES": "1000000",
    }


def verify(challenge: dict[str, Any]) -> Sent:
    nonce = challenge["token"].partition(":")[0]
    body = {"siteSecret": "secret", "token": challenge["token"], "solution": solve(nonce)}
    headers = {"Content-Type": "application/json"}
    return Sent("/v1/verify?siteKey=bench", body=json.dumps(body).encode(), headers=headers)


def solve(nonce: str) -> str:
    return next(
        str(n) for n in count() if hashlib.sha256(f"{nonce}:{n}".encode()).hexdigest().startswith("0")
    )


def in_the_engine() -> Iterator[tuple[str, float]]:
    ring = keys.fresh_ring(int(time.time()) - 10)
    settings = Settings(replay="memory", replay_rate=20_000)
    replay = factory.create(settings, ring.derive("replay"), time.time() - 10)
    engine = create_engine(settings, lambda: ring, replay)
    work = {"unit": "hex", "difficulty": 1}
    issued = [engine.issue("bench", "work", work) for _ in range(REQUESTS * ROUNDS)]
    solved = iter([(sealed.token, solve(sealed.claims.seed.hex())) for sealed in issued])

    async def redeem() -> None:
        token, solution = next(solved)
        await engine.judge.redeem(engine.look(token, "bench"), solution)

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
