"""Many answers on one token: one path is open at most, whatever is tried and however often."""

import asyncio
import random

import pytest

from captcha_stateless.engine import Engine
from captcha_stateless.errors import CaptchaError, Spent, WrongAnswer
from captcha_stateless.judge import Judge
from captcha_stateless.model import Answered, Claims
from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.factory import HORIZON_SECONDS
from captcha_stateless.replay.memory import MemoryReplay
from tests.chaos import size
from tests.conftest import KEY
from tests.support import NOW, Clock, Server
from tests.test_judge import SETTINGS, made, replica, wrong


def outcomes(engine: Engine, claims: Claims, answers: list[object]) -> set[tuple[bytes, int, int]]:
    """Give all the answers at once; tell which paths were opened."""

    async def give(answer: object) -> Answered | None:
        await asyncio.sleep(0)
        try:
            return await engine.judge.play(claims, answer)
        except CaptchaError:
            return None

    async def give_all() -> list[Answered | None]:
        return await asyncio.gather(*map(give, answers))

    opened = [answered for answered in asyncio.run(give_all()) if answered]
    return {(engine.passes.vouch(each).claims.jti, each.claims.hits, each.claims.misses) for each in opened}


@pytest.mark.parametrize("profile", ["humane", "strict"])
def test_of_512_answers_on_one_token_one_path_is_open_at_most(replay: Replay, profile: str) -> None:
    engine = replica(replay, Clock())
    chance = random.Random(5)
    answers: list[object] = [[bool(mask >> tile & 1) for tile in range(9)] for mask in range(512)]
    opened = []
    for _ in range(size(3, 100)):
        claims = engine.issue("test", "grid", {"profile": profile}).claims
        chance.shuffle(answers)
        opened.append(len(outcomes(engine, claims, [*answers, *answers])))

    # Where a miss is forgiven, any first answer opens the one path; elsewhere the right one alone does.
    assert set(opened) <= ({1} if profile == "strict" else {0, 1})


def test_right_and_wrong_at_once_the_first_decides_for_all(replay: Replay) -> None:
    engine = replica(replay, Clock())
    for first_is_right in (True, False):
        claims = engine.issue("test", "grid").claims
        two = [engine.tell(claims), wrong(engine, claims)]
        answers = (two if first_is_right else two[::-1]) * 4

        assert len(outcomes(engine, claims, answers)) == first_is_right


def test_blind_stages_pass_no_oftener_than_the_floor_however_often_each_is_tried(server: Server) -> None:
    """Ten guesses at each stage, repeats among them: the first decides, so that they are worth one."""
    engine, chance = server.engine, random.Random(6)
    masks = [mask for mask in range(512) if 2 <= mask.bit_count() <= 6]
    stages, passed = size(2_000, 100_000), 0
    replay = MemoryReplay(
        key=KEY, now=NOW - 50, horizon_seconds=HORIZON_SECONDS, spends_per_second=size(20, 1_000)
    )
    judge: Judge = replica(replay, server.clock).judge

    async def guess(claims: Claims, mask: int) -> bool:
        try:
            await judge.play(claims, [bool(mask >> tile & 1) for tile in range(9)])
        except (WrongAnswer, Spent):
            return False
        return True

    async def guess_all() -> int:
        passed = 0
        for _ in range(stages):
            claims = engine.issue("test", "grid").claims
            guesses = chance.sample(masks, 5) * 2
            passed += any([await guess(claims, mask) for mask in guesses])
        return passed

    engine = made(SETTINGS, replay, server.clock, "blind")
    passed = asyncio.run(guess_all())
    expected = stages / len(masks)

    assert abs(passed - expected) <= 3 * expected**0.5
