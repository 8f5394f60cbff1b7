"""Prints what a spend costs with each replay filter that runs here, in microseconds of CPU time.

    python benchmarks/replay.py [--spends 50000]

CPU time, and the ratio to the in-process filter of the same run, say more than wall time on a shared machine.
"""

import argparse
import asyncio
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.locks import WholeFileLock
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.replay.shared import SharedReplay

KEY = secrets.token_bytes(32)


async def cost(replay: Replay, spends: int) -> float:
    """Return the CPU microseconds of one spend, the best of five rounds."""
    best = float("inf")
    for _ in range(5):
        now = int(time.time())
        tokens = [secrets.token_bytes(16) for _ in range(spends // 5)]
        begun = time.process_time()
        for token in tokens:
            await replay.spend("bench", token, iat=now, exp=now + 100, now=now)
        best = min(best, (time.process_time() - begun) / len(tokens) * 1e6)
    return best


async def main(spends: int) -> None:
    began = time.time() - 10
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        engines: dict[str, Callable[[], Replay]] = {
            "memory": lambda: MemoryReplay(key=KEY, now=began, spends_per_second=10_000),
            "shared": lambda: SharedReplay(
                Path(folder, "ranges"), key=KEY, now=began, spends_per_second=10_000
            ),
            "shared, flock": lambda: SharedReplay(
                Path(folder, "whole"), key=KEY, now=began, spends_per_second=10_000, lock=WholeFileLock
            ),
        }
        base = 0.0
        print("engine           CPU µs a spend   ratio")
        for name, make in engines.items():
            replay = make()
            micros = await cost(replay, spends)
            base = base or micros
            print(f"{name:16} {micros:14.1f} {micros / base:7.1f}")
            await replay.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--spends", type=int, default=50_000)
    options = parser.parse_args()
    asyncio.run(main(options.spends))
