"""The pool: how much work it takes on, and what it says to the rest."""

import threading

import anyio
import pytest

from captcha_stateless.errors import Unavailable
from captcha_stateless.threads import Pool


def test_what_the_work_returns_comes_back_from_another_thread() -> None:
    here = threading.get_ident()

    there = anyio.run(Pool().run, threading.get_ident)

    assert there != here


def test_more_than_the_queue_holds_is_refused_before_it_begins() -> None:
    pool, gate, begun = Pool(threads=1, waiting=2), threading.Event(), []

    def work() -> None:
        begun.append(1)
        gate.wait(20)

    async def crowd() -> list[str]:
        outcomes: list[str] = []

        async def ask() -> None:
            try:
                await pool.run(work)
                outcomes.append("done")
            except Unavailable:
                outcomes.append("refused")
                gate.set()

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(ask)
        return outcomes

    assert anyio.run(crowd) == ["refused", "done", "done", "done"]
    assert len(begun) == 3


def test_work_that_fails_frees_its_place() -> None:
    pool = Pool(threads=1, waiting=0)

    def fail() -> None:
        raise ValueError("no")

    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            anyio.run(pool.run, fail)
