"""Print what the grid costs over HTTP: the server process's CPU time for a request, with and without the extra `fast`.

Usage: ``make bench``. All rows but the first two are of filled tiles of 64 px, and all but those that say so of eight
requests at a time. The server runs on one core and is loaded from the other; a figure is the time that it ran, divided by the
requests, and the least of six rounds: that holds on a machine that others use too, where wall time does not. Yardsticks,
measured in the same run: a Starlette route that says hello, and the picture of PyPI's `captcha`.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from captcha.image import ImageCaptcha
from load import Cost, Sent, Server, serving

from captcha_stateless import Settings
from captcha_stateless.app import create_engine
from captcha_stateless.engine import Engine
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.digests import fingerprint

REQUESTS = 600
#: The least of so many rounds counts, after one that warms up.
ROUNDS = 6
PATH = "/api/challenge"
#: Nobody is asked more for having failed, or for the load: every row shall be of the same drawing.
SITES = f"""
[[site]]
name = "Benchmark"
key = "bench"
secret_sha256 = "{fingerprint("secret").hex()}"
[[policy]]
name = "default"
load = 1000000
failures = 1000000
[[policy.rule]]
score = [0, 100]
kind = "grid"
"""
#: What a prototype was measured with; by default outlines of 96 px are drawn.
LIGHT = {"CAPTCHA_FAMILY": "filled", "CAPTCHA_TILE_SIZE": "64"}
OPEN = "open a token (of an answer)"
_cores = sorted(os.sched_getaffinity(0))


def main() -> None:
    os.sched_setaffinity(0, {_cores[-1]})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keyring.json"
        keys.save(path, keys.fresh_ring(int(time.time())), overwrite=False)
        settings = Settings(keys=path, family="filled", tile_size=64)
        ring = keys.load(path)
        engine = create_engine(settings, lambda: ring)
        picture = cpu_microseconds(lambda: ImageCaptcha().generate("AB3K"), 100)
        print(f"PyPI captcha, ImageCaptcha, one picture: {picture:.0f} us\n")
        (Path(folder) / "sites.toml").write_text(SITES)
        environ = {
            "CAPTCHA_KEYS": str(path),
            "CAPTCHA_SITES": str(Path(folder) / "sites.toml"),
            "CAPTCHA_REPLAY_RATE": "10000",
            "CAPTCHA_ANSWERS_A_MINUTE": "1000000",
        }
        whole = [table(extra, engine, environ, picture) for extra in ("fast", "plain")]
        phases(engine, whole[0])


def table(extra: str, engine: Engine, environ: dict[str, str], picture: float) -> Cost:
    with (
        serving(extra, "hello") as greeter,
        serving(extra, "app", {**environ, **LIGHT}) as server,
        serving(extra, "app", environ) as default,
    ):
        rounds = [round_of(greeter, server, default, engine) for _ in range(1 + ROUNDS)][1:]
    rows = [(name, min((each[name] for each in rounds), key=lambda cost: cost.seconds)) for name in rounds[0]]
    hello = rows[0][1]
    print(
        f"{'extra fast' if extra == 'fast' else 'without it':<36}{'us':>7}{'/s a core':>11}{'bytes':>8}{'hellos':>8}"
    )
    for name, cost in rows:
        ratio = cost.seconds / hello.seconds
        print(f"{name:<36}{cost.microseconds:7.0f}{cost.a_second:11.0f}{cost.size:8.0f}{ratio:8.1f}")
    first = dict(rows)["first stage"]
    print(f"{'challenges for one picture of ImageCaptcha':<44}{picture / first.microseconds:.1f}\n")
    return first


def round_of(greeter: Server, server: Server, default: Server, engine: Engine) -> dict[str, Cost]:
    """Measure every row once; rounds take turns, so that a slow moment of the machine is nobody's alone."""
    return {
        "hello, Starlette": greeter.cost([Sent("/", "GET")] * REQUESTS),
        "as drawn by default, one at a time": default.cost([Sent(PATH)] * REQUESTS, connections=1),
        "as drawn by default": default.cost([Sent(PATH)] * REQUESTS),
        **costs(server, engine),
        "first stage, one at a time": server.cost([Sent(PATH)] * REQUESTS, connections=1),
    }


def costs(server: Server, engine: Engine) -> dict[str, Cost]:
    first = server.cost([Sent(PATH)] * REQUESTS)
    replies = [json.loads(body) for body in first.bodies]
    right = [answered(engine, reply["challenge"], wrong=False) for reply in replies]
    following = server.cost(right)
    wrong = [answered(engine, json.loads(body)["challenge"], wrong=True) for body in following.bodies]
    return {
        "first stage": first,
        "right answer and next stage": following,
        "wrong answer": server.cost(wrong, status=400),
        "right answer again": server.cost(right),
        "wrong answer again": server.cost(wrong, status=400),
    }


def answered(engine: Engine, token: str, *, wrong: bool) -> Sent:
    told = engine.tell(engine.look(token, "onecaptcha"))
    assert isinstance(told, list)
    body = json.dumps({"answer": [tile != wrong for tile in told]}).encode()
    return Sent(PATH, body=body, headers={"X-Captcha-Challenge": token, "Content-Type": "application/json"})


def phases(engine: Engine, whole: Cost) -> None:
    """Split a challenge by phase, each measured in this process; what is left of the whole is HTTP and JSON."""
    sealed = engine.issue("bench", "grid")
    left = whole.microseconds
    rows: Sequence[tuple[str, Callable[[], object]]] = [
        ("choose and seal", lambda: engine.issue("bench", "grid")),
        ("draw and encode ten pictures", lambda: engine.renderer.picture(sealed)),
        (OPEN, lambda: engine.look(sealed.token, "bench")),
    ]
    for name, work in rows:
        each = cpu_microseconds(work, 1_000)
        left -= each if name != OPEN else 0
        print(f"{name:<32}{each:7.0f} us")
    print(f"{'HTTP, JSON and all else':<32}{left:7.0f} us")


def cpu_microseconds(work: Callable[[], object], times: int) -> float:
    """Tell the CPU time of one call: the least of five rounds."""
    rounds = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(times):
            work()
        rounds.append((time.process_time() - start) / times * 1e6)
    return min(rounds)


if __name__ == "__main__":
    main()
