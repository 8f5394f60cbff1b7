"""Prints what a spend costs with each replay filter that runs here, in microseconds of CPU time.

    python -m benchmarks.replay [--spends 50000] [--redis redis://127.0.0.1:6379/0]

CPU time, and the ratio to the in-process filter of the same run, say more than wall time on a shared machine.
"""

import argparse
import asyncio
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.locks import WholeFileLock
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.replay.shared import SharedReplay

KEY = secrets.token_bytes(32)
MARK = secrets.token_bytes(16)


async def cost(replay: Replay, spends: int) -> tuple[float, float, float]:
    """Return the CPU microseconds of a spend, of one that leaves a mark, and of a repeat; the best of five rounds."""
    best = [float("inf")] * 3
    for _ in range(5):
        now = int(time.time())
        known: dict[str, Any] = {"iat": now, "exp": now + 100, "now": now, "mark": MARK}
        known["moments"] = range(now - 65, now + 6)
        wrong, right = ([secrets.token_bytes(16) for _ in range(spends // 15)] for _ in range(2))
        for number, (tokens, moment) in enumerate(((wrong, None), (right, now), (right, now))):
            begun = time.process_time()
            for token in tokens:
                await replay.spend("bench", token, **known, moment=moment)
            best[number] = min(best[number], (time.process_time() - begun) / len(tokens) * 1e6)
    return best[0], best[1], best[2]


async def show(name: str, replay: Replay, spends: int, base: float) -> float:
    """Print one line, and return the cost."""
    wrong, right, repeat = await cost(replay, spends)
    await replay.close()
    print(f"{name:16} {wrong:14.1f} {wrong / (base or wrong):7.1f} {right:11.1f} {repeat:9.1f}")
    return wrong


async def main(spends: int, redis_url: str | None) -> None:
    began = time.time() - 10
    load: dict[str, Any] = {"key": KEY, "now": began, "spends_per_second": 10_000}
    print("engine           CPU µs a spend   ratio   with mark    repeat")
    base = await show("memory", MemoryReplay(**load), spends, 0.0)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        await show("shared", SharedReplay(Path(folder, "ranges"), **load), spends, base)
        whole = SharedReplay(Path(folder, "whole"), **load, lock=WholeFileLock)
        await show("shared, flock", whole, spends, base)
    if redis_url:
        from captcha_stateless.replay.redis import RedisReplay

        modes: tuple[Literal["exact"], Literal["compact"]] = ("exact", "compact")
        for mode in modes:
            prefix = f"captcha:bench-{secrets.token_hex(4)}"
            replay = RedisReplay(
                redis_url, key=KEY, mode=mode, prefix=prefix, spends_per_second=10_000, timeout_seconds=5
            )
            await replay.start()
            await asyncio.sleep(2)
            await show(f"redis, {mode}", replay, spends // 10, base)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--spends", type=int, default=50_000)
    parser.add_argument("--redis", metavar="URL", help="measure this process's share of a spend on Redis too")
    options = parser.parse_args()
    asyncio.run(main(options.spends, options.redis))
