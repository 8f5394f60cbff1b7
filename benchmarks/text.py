"""Print what text and audio cost: CPU time beside PyPI's `captcha` in the same run, and the server's for a request.

Usage: ``make bench``. Pictures and sounds are made in this process; the server runs on one core and is loaded from the
other, and a figure is its user and system time divided by the requests: the least of several rounds, for neighbours on the
machine slow even CPU time down.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

from captcha.audio import AudioCaptcha
from captcha.image import ImageCaptcha
from grid import cpu_microseconds
from load import Cost, Sent, Server, serving

from captcha_stateless import Settings, sites
from captcha_stateless.app import create_engine
from captcha_stateless.engine import Engine
from captcha_stateless.sound import Speaker, espeak_program, load_voices
from captcha_stateless.tokens import keys

REQUESTS = 3_000
ROUNDS = 6
SIZES = ((600, 200), (350, 100))
_cores = sorted(os.sched_getaffinity(0))


def main() -> None:
    os.sched_setaffinity(0, {_cores[-1]})
    with tempfile.TemporaryDirectory() as folder:
        path, served = Path(folder) / "keyring.json", Path(folder) / "sites.toml"
        keys.save(path, keys.fresh_ring(int(time.time())), overwrite=False)
        sites.append(served, sites.make("Bench", "bench", "the benchmark's secret"))
        ring = keys.load(path)
        engine = create_engine(Settings(keys=path), lambda: ring)
        pictures(engine)
        sounds()
        environ = {
            "CAPTCHA_KEYS": str(path),
            "CAPTCHA_SITES": str(served),
            "CAPTCHA_REPLAY_RATE": "10000",
        }
        for extra in ("fast", "plain"):
            requests(extra, engine, environ)


def pictures(engine: Engine) -> None:
    for width, height in SIZES:
        wanted = {"width": width, "height": height}
        theirs = ImageCaptcha(width=width, height=height)
        ours = cpu_microseconds(lambda wanted=wanted: picture(engine, wanted), 300)  # type: ignore[misc]
        other = cpu_microseconds(lambda theirs=theirs: theirs.generate("RaT4hN"), 20)  # type: ignore[misc]
        size = sum(len(picture(engine, wanted)) for _ in range(100)) / 100
        print(
            f"text {width}x{height}: {1e6 / ours:.0f} a second of CPU, {size / 1000:.1f} KB; "
            f"ImageCaptcha {1e6 / other:.0f}; ratio {other / ours:.0f}"
        )


def picture(engine: Engine, wanted: dict[str, int]) -> bytes:
    return engine.renderer.picture(engine.issue("bench", "text", wanted))[0]


def sounds() -> None:
    speaker, theirs, seeds = (
        Speaker(load_voices(("en",), None, espeak_program(), b"bench"), b"bench"),
        AudioCaptcha(),
        count(),
    )
    other = cpu_microseconds(lambda: theirs.generate("734148"), 3)
    for name, times in (("once", 1), ("twice", 2)):
        say: Callable[[], bytes] = lambda times=times: speaker.say(  # type: ignore[misc]  # noqa: E731
            "734148", b"seed %d" % next(seeds), "en", times=times
        )
        ours = cpu_microseconds(say, 300)
        print(
            f"audio, six digits {name}: {1e6 / ours:.0f} a second of CPU ({ours / 1000:.2f} ms), "
            f"{len(say()) / 1000:.1f} KB; AudioCaptcha {1e6 / other:.1f}; ratio {other / ours:.0f}"
        )


def requests(extra: str, engine: Engine, environ: dict[str, str]) -> None:
    with serving(extra, "hello") as server:
        hello = least(server, [Sent("/", "GET")] * REQUESTS)
    with serving(extra, "app", environ) as server:
        rows = [("hello, Starlette", hello), *costs(server, engine)]
    print(f"\n{'extra fast' if extra == 'fast' else 'without it':<36}{'us':>7}{'/s a core':>11}{'bytes':>8}")
    for name, cost in rows:
        print(f"{name:<36}{cost.microseconds:7.0f}{cost.a_second:11.0f}{cost.size:8.0f}")


def least(server: Server, sent: Sequence[Sent], *, status: int = 200) -> Cost:
    """Send the requests in several rounds, and take the cheapest round's cost."""
    rounds = [server.cost(sent[number::ROUNDS], status=status) for number in range(ROUNDS)]
    return min(rounds, key=lambda cost: cost.seconds)


def costs(server: Server, engine: Engine) -> Iterator[tuple[str, Cost]]:
    """Measure one request of each sort; what is judged is answered right, and each token once."""
    json_type = {"Content-Type": "application/json"}
    generate = Sent("/api/captcha/generate/")
    server.cost([generate] * 100)
    yield "miniCAP generate, 600x200", least(server, [generate] * REQUESTS)
    tokens = [engine.issue("minicap", "text", {"seconds": 600}, tries=3) for _ in range(REQUESTS)]
    answers = [{"id": sealed.token, "text": str(engine.tell(sealed.claims))} for sealed in tokens]
    validate = [
        Sent("/api/captcha/validate/", body=json.dumps(a).encode(), headers=json_type) for a in answers
    ]
    yield "miniCAP validate, right", least(server, validate)
    yield "miniCAP validate, replayed", least(server, validate, status=404)
    new = Sent("/v1/new", body=b'{"client_id": "bench"}', headers=json_type)
    server.cost([new] * 100)
    yield "RelaySMS new, 350x100", least(server, [new] * REQUESTS)
    begin = Sent("/3.0/captcha/", "GET")
    begun = server.cost([begin] * REQUESTS)
    yield "Tornevall captcha", least(server, [begin] * REQUESTS)
    tokens_of = [json.loads(body)["captchaResponse"]["imageHash"] for body in begun.bodies]
    yield (
        "Tornevall getImage",
        least(server, [Sent(f"/3.0/captcha/getImage/{token}", "GET") for token in tokens_of]),
    )
    yield "audio", least(server, [Sent(f"/api/audio?token={token}", "GET") for token in tokens_of])


if __name__ == "__main__":
    main()
