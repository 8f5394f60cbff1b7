"""Workers of one host are killed at random moments while all of them answer with the same tokens."""

import multiprocessing
import os
import random
import signal
import struct
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from captcha_stateless.errors import Refused
from captcha_stateless.replay.shared import SharedReplay
from tests.chaos import size
from tests.replay.contract import KEY
from tests.replay.drive import finish

START = 1_700_000_000
SPENDS_PER_SECOND = 200
WORKERS = 3

#: A line of a worker's diary: the token's number and whether the worker was let through with it.
LINE = struct.Struct("<q?7x")


def answer_from(first: int, tokens: int, directory: Path, diary: Path) -> None:
    """Answer with one token after the other, noting what came of each as a client would see it."""
    lines = os.open(diary, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    replay = SharedReplay(
        directory, key=KEY, now=START - 1, horizon_seconds=48, spends_per_second=2 * SPENDS_PER_SECOND
    )
    for token in range(first, tokens):
        now = START + token // SPENDS_PER_SECOND
        try:
            finish(replay.spend("kill", token.to_bytes(16), iat=START, exp=now + 40, now=now))
            won = True
        except Refused:
            won = False
        os.write(lines, LINE.pack(token, won))


class Crew:
    """Three workers, each of which is replaced when it is killed and goes on where its diary ends."""

    def __init__(self, folder: Path, tokens: int) -> None:
        self._folder = folder
        self._tokens = tokens
        self._workers: list[Any] = [self._start(number) for number in range(WORKERS)]

    def at_work(self) -> list[int]:
        """Return the workers that are not done, the one furthest ahead first."""
        busy = [number for number in range(WORKERS) if self._lines(number) < self._tokens]
        return sorted(busy, key=self._lines, reverse=True)

    def progress(self) -> int:
        return sum(self._lines(number) for number in range(WORKERS))

    def kill(self, number: int) -> bool:
        """Kill and replace a worker; tell whether it was still at work."""
        worker = self._workers[number]
        worker.kill()
        worker.join()
        assert worker.exitcode in (0, -signal.SIGKILL)
        self._workers[number] = self._start(number)
        return bool(worker.exitcode)

    def finish(self) -> list[tuple[int, bool]]:
        """Wait for the end, and return every line of every diary."""
        for worker in self._workers:
            worker.join()
            assert worker.exitcode == 0
        return [line for n in range(WORKERS) for line in LINE.iter_unpack(self._diary(n).read_bytes())]

    def _start(self, number: int) -> Any:
        arguments = (self._lines(number), self._tokens, self._folder / "replay", self._diary(number))
        worker = multiprocessing.get_context("fork").Process(target=answer_from, args=arguments)
        worker.start()
        return worker

    def _diary(self, number: int) -> Path:
        return self._folder / f"diary{number}"

    def _lines(self, number: int) -> int:
        diary = self._diary(number)
        return diary.stat().st_size // LINE.size if diary.exists() else 0


def killing(folder: Path, tokens: int, wanted: int) -> tuple[int, list[tuple[int, bool]]]:
    """Kill workers all along their run; return the kills that met one at work, and the diaries."""
    chance = random.Random(4)
    crew = Crew(folder, tokens)
    kills = 0
    while kills < wanted and (busy := crew.at_work()):
        if crew.progress() < WORKERS * tokens * kills // (wanted + 5):
            time.sleep(0.0002)
            continue
        time.sleep(chance.random() * 0.001)
        # Mostly the one ahead, so that all stay close together and meet at the same tokens.
        kills += crew.kill(busy[0] if chance.random() < 0.7 else chance.choice(busy))
    return kills, crew.finish()


def test_kills_give_no_double_and_burn_one_token_each_at_most(tmp_path: Path) -> None:
    tokens, wanted = size(4_000, 80_000), size(20, 300)

    # From a process without threads, which may fork: forked workers start in a millisecond.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        kills, lines = apart.submit(killing, tmp_path, tokens, wanted).result()

    wins = Counter(token for token, won in lines if won)
    burned = [token for token in range(tokens) if token not in wins]
    assert kills == wanted
    assert len(lines) >= WORKERS * tokens
    assert max(wins.values()) == 1
    assert len(burned) <= kills
