"""Double spends of what ALTCHA's and Cap's widgets hand back, and of what their back ends ask: at once, on two replicas."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from captcha_stateless.engine import Engine
from captcha_stateless.formats import altcha as forms
from captcha_stateless.puzzles import altcha1, cap
from captcha_stateless.sites import DEVELOPMENT
from tests.balancer import balanced
from tests.chaos import size
from tests.chaos.conftest import engine_of
from tests.live import live_server
from tests.support import solved
from tests.widgets import packed

AT_ONCE = 8


class Call(NamedTuple):
    """A request that may be granted once, and the word of its reply that says so."""

    path: str
    body: dict[str, Any]
    word: str
    headers: dict[str, str]


def altcha(engine: Engine, keys: forms.Keys) -> Call:
    sealed = engine.issue("altcha", "work", {"puzzle": "altcha-1", "difficulty": 1}, site="dev-site")
    nonce, number = altcha1.drawn(sealed.claims.seed, altcha1.most_of(1))
    members = forms.challenge_1(keys, nonce, number, sealed.claims.exp, sealed.token)
    payload = packed({**json.loads(f"{{{members}}}"), "number": number})
    return Call("/altcha/v1/verify?apiKey=dev-site", {"payload": payload}, "verified", {})


def signature(engine: Engine, keys: forms.Keys) -> Call:
    token = earned(engine)
    body = {
        "payload": forms.server_payload(keys, {"token": token, "verified": "true"}),
        "secret": "dev-secret",
    }
    return Call("/altcha/v2/verify/signature", body, "verified", {})


def capped(engine: Engine, keys: forms.Keys) -> Call:
    sealed = engine.issue("cap", "work", {"puzzle": "cap", "difficulty": 6}, site="dev-site")
    solutions = cap.solve(sealed.token, sealed.claims.params)
    return Call("/dev-site/redeem", {"token": sealed.token, "solutions": solutions}, "success", {})


def locked(engine: Engine, keys: forms.Keys) -> Call:
    sealed = engine.issue("cap", "work", {"puzzle": "time-lock"}, site="dev-site")
    body = {"token": sealed.token, "solutions": [{"y": engine.tell(sealed.claims)}]}
    return Call("/dev-site/redeem", body, "success", {})


def friendly(engine: Engine, keys: forms.Keys) -> Call:
    path = "/api/v2/captcha/siteverify"
    return Call(path, {"response": earned(engine)}, "success", {"X-API-Key": "dev-secret"})


def earned(engine: Engine) -> str:
    claims = engine.issue("tests", "work", {"difficulty": 1}, site="dev-site").claims
    return engine.passes.vouch(solved(claims, claims.iat)).token


MAKERS: list[Callable[[Engine, forms.Keys], Call]] = [altcha, signature, capped, locked, friendly]


@pytest.mark.timeout(900)
def test_of_eight_at_once_exactly_one_is_granted(environ: dict[str, str], tmp_path: Path) -> None:
    rounds = size(20, 500)
    engine = engine_of(environ)
    keys = forms.keys(engine.share_key, DEVELOPMENT.key, DEVELOPMENT.secret_sha256)

    with ExitStack() as stack:
        replicas = [stack.enter_context(live_server("--workers", "2", environ=environ)) for _ in range(2)]
        url = stack.enter_context(balanced(tmp_path / "nginx", [replica.port for replica in replicas]))
        granted = asyncio.run(attack(url, engine, keys, rounds))

    for maker, races in granted.items():
        # A 503 means that the filter could not say in time, which may cost a grant and never adds one.
        sure = [race for race in races if not race[503]]
        assert Counter(race["granted"] for race in sure) == {1: len(sure)}, maker
        assert max(race["granted"] for race in races) == 1, maker
        assert len(sure) >= rounds * 0.8, maker


async def attack(url: str, engine: Engine, keys: forms.Keys, rounds: int) -> dict[str, list[Counter[Any]]]:
    """Send each call eight times at once; count the grants, and the replies of a filter that could not say."""
    races: dict[str, list[Counter[Any]]] = {maker.__name__: [] for maker in MAKERS}
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:

        async def once(call: Call) -> object:
            reply = await client.post(call.path, json=call.body, headers=call.headers)
            return "granted" if reply.json().get(call.word) is True else reply.status_code

        for maker in MAKERS:
            for _ in range(rounds):
                call = maker(engine, keys)
                races[maker.__name__].append(
                    Counter(await asyncio.gather(*(once(call) for _ in range(AT_ONCE))))
                )
    return races
