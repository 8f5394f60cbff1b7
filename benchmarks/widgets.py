"""Print challenges and refusals a second of CPU time of ALTCHA and Cap: over HTTP, in process, and other servers' beside.

Usage: ``python benchmarks/widgets.py``. In process a challenge is drawn, sealed, signed and worded; a refusal is of a payload
    whose signature was changed, or of a token that does not open. ``altcha`` is PyPI's library, ``altcha-lib`` is npm's
    (measured where ``tests/clients/node_modules`` is there, in a process of its own). Each figure is the best of several
    rounds; over HTTP the server's own CPU time is read.
"""

import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import altcha
from load import Sent, serving
from work import CHALLENGE, REQUESTS, ROUNDS, environ, rate_of

from captcha_stateless import Settings
from captcha_stateless.app import create_engine
from captcha_stateless.errors import BadToken
from captcha_stateless.formats import altcha as forms
from captcha_stateless.protocols import altcha as altcha_words
from captcha_stateless.protocols import cap as cap_words
from captcha_stateless.tokens import keys


def packed(document: object) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


CLIENTS = Path(__file__).parent.parent / "tests" / "clients"
FORGED = {
    "algorithm": "SHA-256",
    "challenge": "0" * 64,
    "number": 1,
    "salt": f"{'0' * 24}?expires=1&token={'x' * 350}&",
    "signature": "0" * 64,
}
ORIGIN = {"Origin": "http://localhost"}
PATHS = {
    "HTTP restcaptcha challenge": CHALLENGE,
    "HTTP altcha 1 challenge": Sent("/altcha/v1/challenge?apiKey=bench", "GET", headers=ORIGIN),
    "HTTP altcha 2 challenge": Sent("/altcha/v2/challenge?apiKey=bench", "GET", headers=ORIGIN),
    "HTTP cap challenge": Sent("/bench/challenge", "POST", headers=ORIGIN),
    "HTTP altcha bad signature": Sent(
        "/altcha/v1/verify?apiKey=bench",
        "POST",
        headers={**ORIGIN, "Content-Type": "application/json"},
        body=json.dumps({"payload": packed(FORGED)}).encode(),
    ),
}
#: What npm's altcha-lib does in a second of its own CPU time.
NODE = """
import { createChallenge, verifySolution } from "altcha-lib";
import { deriveKey } from "altcha-lib/algorithms/sha";
const hmacSignatureSecret = "s".repeat(64), expiresAt = new Date(Date.now() + 6e5);
const options = { algorithm: "SHA-256", cost: 1, deriveKey, hmacSignatureSecret, expiresAt };
const seconds = () => Object.values(process.cpuUsage()).reduce((one, other) => one + other) / 1e6;
async function rate(call) {
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const began = seconds();
    for (let time = 0; time < 2000; time++) await call();
    best = Math.min(best, seconds() - began);
  }
  return 2000 / best;
}
const challenge = await createChallenge(options);
const bad = { ...challenge, signature: "0".repeat(64) };
const solution = { counter: 1, derivedKey: "00".repeat(32) };
console.log(JSON.stringify({
  "altcha-lib challenge": await rate(() => createChallenge(options)),
  "altcha-lib bad signature": await rate(() => verifySolution({ challenge: bad, solution, deriveKey, hmacSignatureSecret })),
}));
"""


def over_http() -> Iterator[tuple[str, float]]:
    with tempfile.TemporaryDirectory() as folder, serving("fast", "app", environ(Path(folder))) as server:
        for name, sent in PATHS.items():
            costs = [server.cost([sent] * REQUESTS) for _ in range(ROUNDS)]
            wanted = b"INVALID_SIGNATURE" if "bad" in name else b"token"
            assert all(wanted in body for body in costs[0].bodies)
            yield name, max(cost.a_second for cost in costs)


def in_process() -> Iterator[tuple[str, float]]:
    ring = keys.fresh_ring(int(time.time()) - 10)
    engine = create_engine(Settings(replay="memory", replay_rate=20_000), lambda: ring)
    held = forms.keys(engine.share_key, "bench", bytes(32))

    def made(purpose: str, **wanted: Any) -> Any:
        return engine.issue(purpose, "work", {"difficulty": 16, **wanted}, site="bench", host="localhost")

    def one() -> Any:
        return altcha_words._worded_1(
            held, made("altcha", puzzle="altcha-1"), "", altcha_words._ways("bench")
        )

    def two() -> Any:
        return altcha_words._worded_2(
            held, made("altcha", puzzle="altcha-2"), "", altcha_words._ways("bench")
        )

    def cap() -> Any:
        return cap_words._worded(made("cap", puzzle="cap"))

    for name, call in (("altcha 1 challenge", one), ("altcha 2 challenge", two), ("cap challenge", cap)):
        yield name, rate_of(call)
    first, second = json.loads(one().body), json.loads(two().body)
    forged = {
        "altcha 1 bad signature": {
            **{name: first[name] for name in ("algorithm", "challenge", "salt")},
            "signature": "0" * 64,
            "number": 1,
        },
        "altcha 2 bad signature": {
            "challenge": {"parameters": second["parameters"], "signature": "0" * 64},
            "solution": {"counter": 1, "derivedKey": "0" * 64},
        },
    }
    for name, document in forged.items():
        text = packed(document)
        yield name, rate_of(lambda text=text: refused(lambda: forms.solution(held, text)))  # type: ignore[misc]
    token = str(cap()["token"])
    changed = token[:-3] + ("AAA" if token[-3:] != "AAA" else "BBB")
    yield "cap token that does not open", rate_of(lambda: refused(lambda: engine.look(changed, "cap")))


def refused(call: Any) -> None:
    try:
        call()
    except BadToken:
        return
    raise AssertionError("it was not refused")


def in_altcha() -> Iterator[tuple[str, float]]:
    secret = "s" * 64
    options = {"algorithm": "SHA-256", "cost": 1, "hmac_secret": secret}
    yield "PyPI altcha 2 challenge", rate_of(lambda: altcha.create_challenge(**options))
    made = altcha.create_challenge(**options).to_dict()
    solution = {"counter": 1, "derivedKey": "00" * 32}
    payload = packed({"challenge": {**made, "signature": "0" * 64}, "solution": solution})
    yield "PyPI altcha 2 bad signature", rate_of(lambda: altcha.verify_solution(payload, secret))


def in_node() -> Iterator[tuple[str, float]]:
    node = shutil.which("node")
    if node is None or not (CLIENTS / "node_modules" / "altcha-lib").exists():
        return
    words = [node, "--no-deprecation", "--input-type=module", "--eval", NODE]
    done = subprocess.run(words, cwd=CLIENTS, capture_output=True, text=True, check=True)
    yield from json.loads(done.stdout).items()


def main() -> None:
    print(f"{'one core':34} {'a CPU second':>12}")
    for figures in (over_http(), in_process(), in_altcha(), in_node()):
        for name, rate in figures:
            print(f"{name:34} {rate:12,.0f}", flush=True)


if __name__ == "__main__":
    main()
