"""Print what signed agents and private tokens cost: CPU time of each, beside the bare signature's in the same run.

Usage: ``PYTHONPATH=. python benchmarks/signatures.py``.
"""

import asyncio
import base64
import re
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from captcha_stateless.agents.directory import load
from captcha_stateless.agents.pinned import PinnedAgents
from captcha_stateless.devices import Devices, issuers
from captcha_stateless.errors import BadToken
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.sites import Site
from captcha_stateless.tokens import privatetokens
from tests.agents.signers import VISIT, Agent, pinned
from tests.devices.issuing import HOST, pin, signed
from tests.support import NOW

ROUNDS = 2_000


def main() -> None:
    print("CPU time in microseconds, best of five rounds")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(agents(Path(folder)))
        devices(Path(folder))


async def agents(folder: Path) -> None:
    agent = Agent()
    keys = load(pinned(folder / "agents.json", agent))
    replay = MemoryReplay(key=b"k" * 32, now=NOW - 100, horizon_seconds=2_520)
    known = PinnedAgents(lambda: keys, replay, b"key", clock=lambda: float(NOW))
    visits = [agent.sign(nonce=str(number)) for number in range(ROUNDS)]
    best = float("inf")
    for first in range(0, ROUNDS, ROUNDS // 5):
        start = time.process_time()
        for visit in visits[first : first + ROUNDS // 5]:
            assert await known.verify(visit)
        best = min(best, time.process_time() - start)
    row("a signature that counts", best / (ROUNDS // 5) * 1e6)
    start = time.process_time()
    for _ in range(ROUNDS):
        await known.verify(VISIT)
    row("a visit that nobody signed", (time.process_time() - start) / ROUNDS * 1e6)
    public, text = agent.key.public_key(), b"x" * 300
    signature = agent.key.sign(text)
    row("Ed25519 alone", cpu_microseconds(lambda: public.verify(signature, text)))


def devices(folder: Path) -> None:
    site = Site(name="Shop", key="shop", secret_sha256=b"", hosts=(HOST,), kinds=("grid", "device"))
    listed, who = issuers.load(pin(folder / "issuers.json", "issuer")), b"w" * 16
    asking = Devices(lambda: listed, b"k" * 32, clock=lambda: float(NOW))
    asked = re.findall(r'challenge="([^"]+)"', asking.ask(site, who, HOST))[0]
    good, foreign = signed(base64.urlsafe_b64decode(asked), "issuer"), signed(b"other", "issuer")
    key, token = listed[0].keys[0][1], privatetokens.read(good)

    def refused() -> None:
        with suppress(BadToken):
            asking.recognise(foreign, site, who, HOST)

    row("asking a device", cpu_microseconds(lambda: asking.ask(site, who, HOST)))
    row("a token that counts", cpu_microseconds(lambda: asking.recognise(good, site, who, HOST)))
    row("a token that answers nothing", cpu_microseconds(refused))
    row("RSA-PSS alone", cpu_microseconds(lambda: key.verify(token)))


def row(name: str, microseconds: float) -> None:
    print(f"{name:<30}{microseconds:8.1f}")


def cpu_microseconds(call: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(ROUNDS // 5):
            call()
        best = min(best, time.process_time() - start)
    return best / (ROUNDS // 5) * 1e6


if __name__ == "__main__":
    main()
