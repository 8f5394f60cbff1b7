"""Processes that answer with the same token at the same moment, and what each of them won."""

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from typing import Any

from captcha_stateless.errors import Refused
from captcha_stateless.replay.base import Replay

#: The clock of the races: it moves on with the rounds, so that buckets end and slots are wiped in mid-race.
START = 1_700_000_000
ROUNDS_PER_SECOND = 250

Open = Callable[..., Awaitable[Replay]]


def race(
    opened: Open, arguments: tuple[Any, ...], *, processes: int, rounds: int, start: int = START
) -> list[int]:
    """Let every process spend the same token in each round; return how many winners each round had."""
    context = multiprocessing.get_context("spawn")
    ready = context.Array("q", processes, lock=False)
    won = [context.Array("b", rounds, lock=False) for _ in range(processes)]
    runners = [
        context.Process(target=_run, args=(opened, arguments, number, ready, won[number], start))
        for number in range(processes)
    ]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert [runner.exitcode for runner in runners] == [0] * processes
    return [sum(winners) for winners in zip(*won, strict=True)]


def _run(opened: Open, arguments: tuple[Any, ...], number: int, ready: Any, won: Any, start: int) -> None:
    asyncio.run(_answer_all(opened, arguments, number, ready, won, start))


async def _answer_all(
    opened: Open, arguments: tuple[Any, ...], number: int, ready: Any, won: Any, start: int
) -> None:
    replay = await opened(*arguments)
    for turn in range(len(won)):
        now = start + turn // ROUNDS_PER_SECOND
        _line_up(ready, number, turn + 1)
        try:
            await replay.spend("race", turn.to_bytes(16), iat=start, exp=now + 20, now=now)
        except Refused:
            continue
        won[turn] = 1
    await replay.close()


def _line_up(ready: Any, number: int, turn: int) -> None:
    """Wait until every process has come to this round."""
    ready[number] = turn
    end = time.monotonic() + 60
    while min(ready) < turn:
        time.sleep(0.00002)
        assert time.monotonic() < end, "another process has ended"
