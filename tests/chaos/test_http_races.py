"""Double spends over HTTP: the same right answer at the same moment, through nginx, to two replicas of two workers."""

import asyncio
import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from captcha_stateless.engine import Engine
from captcha_stateless.model import Sealed
from tests.balancer import balanced
from tests.chaos import size
from tests.chaos.conftest import engine_of
from tests.live import live_server
from tests.support import jti_of, last_stage

AT_ONCE = 8
TOKENS_AT_ONCE = 2


@pytest.mark.timeout(900)
def test_eight_simultaneous_answers_are_answered_alike_with_one_pass(
    environ: dict[str, str], tmp_path: Path
) -> None:
    tokens = size(200, 5_000)

    with ExitStack() as stack:
        replicas = [stack.enter_context(live_server("--workers", "2", environ=environ)) for _ in range(2)]
        url = stack.enter_context(balanced(tmp_path / "nginx", [replica.port for replica in replicas]))
        races = asyncio.run(attack(url, engine_of(environ), tokens))

    # A 503 means that the filter could not say in time (50 ms, on a busy machine). It may cost a reply, never add a pass.
    passes = [race.keys() - {"503"} for race in races]
    assert max(len(each) for each in passes) == 1
    assert all(set(race.values()) == {AT_ONCE} for race in races if "503" not in race)
    assert sum("503" in race for race in races) <= tokens / 10
    assert len(set().union(*passes)) == sum(map(bool, passes))


async def attack(url: str, engine: Engine, tokens: int) -> list[Counter[str]]:
    """Send each answer eight times at once, and count the jtis of the passes, and the statuses of other replies."""
    limits = httpx.Limits(max_connections=AT_ONCE * TOKENS_AT_ONCE)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as client:

        async def once(last: Sealed) -> str:
            headers = {"X-Captcha-Challenge": last.token, "Content-Type": "application/json"}
            content = json.dumps({"answer": engine.tell(last.claims)})
            reply = await client.post("/api/challenge", headers=headers, content=content)
            return jti_of(reply.json()["flag"]) if reply.status_code == 200 else str(reply.status_code)

        async def race(last: Sealed) -> Counter[str]:
            return Counter(await asyncio.gather(*(once(last) for _ in range(AT_ONCE))))

        counts: list[Counter[str]] = []
        for _ in range(0, tokens, TOKENS_AT_ONCE):
            # Sealed when it is their turn: the last of thousands would have expired.
            counts += await asyncio.gather(*(race(last_stage(engine)) for _ in range(TOKENS_AT_ONCE)))
        return counts
