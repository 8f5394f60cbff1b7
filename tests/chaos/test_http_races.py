"""Double spends over HTTP: the same right answer at the same moment, through nginx, to two replicas of two workers."""

import asyncio
import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from captcha_stateless.engine import Engine
from tests.balancer import balanced
from tests.chaos import size
from tests.chaos.conftest import engine_of
from tests.live import live_server

AT_ONCE = 8
TOKENS_AT_ONCE = 2


@pytest.mark.timeout(900)
def test_of_eight_simultaneous_answers_exactly_one_is_accepted(
    environ: dict[str, str], tmp_path: Path
) -> None:
    tokens = size(200, 5_000)

    with ExitStack() as stack:
        replicas = [stack.enter_context(live_server("--workers", "2", environ=environ)) for _ in range(2)]
        url = stack.enter_context(balanced(tmp_path / "nginx", [replica.port for replica in replicas]))
        races = asyncio.run(attack(url, engine_of(environ), tokens))

    # A 503 means that the filter could not say in time (50 ms, on a busy machine); where its reply was lost the token is
    # burned. It may cost an acceptance, never add one.
    assert max(race[200] for race in races) == 1
    assert Counter(race[200] for race in races if not race[503]) == {1: sum(not race[503] for race in races)}
    assert sum(bool(race[503]) for race in races) <= tokens / 10


def last_stage(engine: Engine) -> tuple[str, object]:
    """Seal a last stage and tell its right answer: nothing is drawn then, so that the spending is what is raced."""
    last = engine.advance(engine.issue("onecaptcha", "grid").claims)
    assert last is not None
    return last.token, engine.tell(last.claims)


async def attack(url: str, engine: Engine, tokens: int) -> list[Counter[int]]:
    """Send each answer eight times at once, and count the statuses of the replies."""
    limits = httpx.Limits(max_connections=AT_ONCE * TOKENS_AT_ONCE)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as client:

        async def once(token: str, answer: object) -> int:
            headers = {"X-Captcha-Challenge": token, "Content-Type": "application/json"}
            reply = await client.post(
                "/api/challenge", headers=headers, content=json.dumps({"answer": answer})
            )
            assert reply.status_code in (200, 400, 503), reply.text
            return int(reply.status_code)

        async def race(token: str, answer: object) -> Counter[int]:
            return Counter(await asyncio.gather(*(once(token, answer) for _ in range(AT_ONCE))))

        counts: list[Counter[int]] = []
        for _ in range(0, tokens, TOKENS_AT_ONCE):
            # Sealed when it is their turn: the last of thousands would have expired.
            batch = [last_stage(engine) for _ in range(TOKENS_AT_ONCE)]
            counts += await asyncio.gather(*(race(token, answer) for token, answer in batch))
        return counts
