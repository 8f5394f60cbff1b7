"""A batch: done together what was asked for together, and nobody waits for who is gone."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from captcha_stateless.kinds.batch import Batch


class Doubling:
    """Doubles numbers, and remembers which came together."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []

    def __call__(self, numbers: list[int]) -> list[int]:
        self.seen.append(numbers)
        if 13 in numbers:
            raise ArithmeticError("thirteen")
        return [2 * number for number in numbers]


def test_what_is_asked_for_in_one_turn_is_done_together() -> None:
    work = Doubling()
    batch = Batch(work)

    async def ask() -> list[int]:
        return await asyncio.gather(*map(batch, range(5)))

    assert asyncio.run(ask()) == [0, 2, 4, 6, 8]
    assert work.seen == [[0, 1, 2, 3, 4]]


def test_what_is_asked_for_later_is_done_later() -> None:
    work = Doubling()
    batch = Batch(work)

    async def ask() -> list[int]:
        return [await batch(1), *await asyncio.gather(batch(2), batch(3))]

    assert asyncio.run(ask()) == [2, 4, 6]
    assert work.seen == [[1], [2, 3]]


def test_an_error_is_told_to_whom_it_belongs() -> None:
    batch = Batch(Doubling())

    async def ask() -> list[int | BaseException]:
        told = await asyncio.gather(batch(12), batch(13), batch(14), return_exceptions=True)
        return [*told, await batch(15)]

    before, failed, after, later = asyncio.run(ask())
    assert isinstance(failed, ArithmeticError)
    assert (before, after, later) == (24, 28, 30)


@pytest.mark.parametrize("number", [1, 13])
def test_who_is_gone_does_not_disturb_the_rest(number: int) -> None:
    batch = Batch(Doubling())

    async def ask() -> list[int | BaseException]:
        gone, stays = asyncio.create_task(batch(number)), asyncio.create_task(batch(5))
        await asyncio.sleep(0)
        gone.cancel()
        return list(await asyncio.gather(gone, stays, return_exceptions=True))

    gone, stays = asyncio.run(ask())
    assert isinstance(gone, asyncio.CancelledError)
    assert stays == 10


def test_a_loop_that_ended_before_its_turn_holds_nobody_up() -> None:
    work = Doubling()
    batch = Batch(work)
    left = batch(1)
    loop = asyncio.new_event_loop()

    async def ask_and_end() -> None:
        left.send(None)
        loop.stop()

    task = loop.create_task(ask_and_end())
    loop.run_forever()
    loop.close()
    left.close()
    assert task.done()

    async def ask() -> int:
        return await batch(2)

    assert asyncio.run(ask()) == 4
    assert work.seen == [[2]]


def test_each_thread_s_loop_is_served() -> None:
    batch = Batch(Doubling())
    loops, asked = 4, 200

    async def ask() -> list[int]:
        return [answer for _ in range(asked) for answer in await asyncio.gather(batch(1), batch(2))]

    with ThreadPoolExecutor(loops) as pool:
        told = list(pool.map(lambda _: asyncio.run(asyncio.wait_for(ask(), 20)), range(loops)))

    assert told == [[2, 4] * asked] * loops
