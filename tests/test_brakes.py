"""What slows whoever answers wrongly or often, at every door."""

from pathlib import Path

import httpx
import pytest

from captcha_stateless import sites
from captcha_stateless.model import Claims
from tests.conftest import MakeServer
from tests.support import Server
from tests.test_doors import DOORS, THERE, claims_of, token_of, walk
from tests.widgets import V2, solved_2


def difficulty(claims: Claims) -> tuple[object, ...]:
    """Tell what grows with the difficulty of a challenge of any kind."""
    params = claims.params
    return claims.stages, params.get("length", 0), params.get("digits", 0), params.get("difficulty", 0)


@pytest.mark.parametrize("door", DOORS)
def test_a_network_that_failed_ten_times_gets_something_harder_at_every_door(
    make_server: MakeServer, door: str
) -> None:
    server = make_server()
    server.visitor.address = THERE
    before = claims_of(server, walk(server, door))
    for number in range(12):
        if number % 3 == 0:
            token = walk(server, "minicap").headers["captcha-id"]
        server.visitor.post("/api/captcha/validate/", json={"id": token, "text": "wrong"})

    reply = walk(server, door)
    after = claims_of(server, reply)

    if after.purpose.endswith("-first"):
        assert reply.json()["first"] is True  # work, before anything is drawn
    else:
        assert difficulty(after) > difficulty(before)
    server.visitor.address = "203.0.113.9"
    assert difficulty(claims_of(server, walk(server, door))) == difficulty(before)


def wrong_grid(server: Server, token: str) -> httpx.Response:
    headers = {"X-Captcha-Challenge": token}
    return server.visitor.post("/api/challenge", headers=headers, json={"answer": [False] * 9})


def wrong_minicap(server: Server, token: str) -> httpx.Response:
    return server.visitor.post("/api/captcha/validate/", json={"id": token, "text": "wrong"})


def wrong_relaysms(server: Server, token: str) -> httpx.Response:
    answer = {"client_id": "dev-site", "challenge_id": token, "answer": "wrong"}
    return server.visitor.post("/v1/solve", json=answer)


def wrong_tornevall(server: Server, token: str) -> httpx.Response:
    return server.visitor.post("/3.0/captcha/testcaptcha", json={"hash": token, "response": "wrong"})


def wrong_nojs(server: Server, token: str) -> httpx.Response:
    return server.visitor.post("/nojs", data={"token": token, "tile0": "on"})


def wrong_altcha(server: Server, token: str) -> httpx.Response:
    path, query = f"{V2}/challenge", {"apiKey": "dev-site", "kind": "text"}
    payload = solved_2(server.visitor.get(path, params=query).json())
    return server.visitor.post(f"{V2}/verify?apiKey=dev-site", json={"payload": payload, "code": "wrong"})


def wrong_cap(server: Server, token: str) -> httpx.Response:
    return server.visitor.post("/dev-site/redeem", json={"token": token, "solutions": [0] * 16})


WRONG = {
    "altcha 2, text": wrong_altcha,
    "cap": wrong_cap,
    "1captcha": wrong_grid,
    "nojs": wrong_nojs,
    "minicap": wrong_minicap,
    "relaysms": wrong_relaysms,
    "tornevall": wrong_tornevall,
}


@pytest.mark.parametrize("door", WRONG)
def test_wrong_answers_count_at_every_door(make_server: MakeServer, door: str) -> None:
    """Only failed work was counted."""
    server = make_server()
    server.visitor.address = THERE
    for _ in range(12):
        WRONG[door](server, token_of(walk(server, door)))

    assert claims_of(server, walk(server, "minicap")).params["length"] == 7


@pytest.mark.parametrize("door", WRONG)
def test_answers_are_metered_by_network_at_every_door(make_server: MakeServer, door: str) -> None:
    """One client filled the replay filter, and readiness fell on all replicas."""
    server = make_server(answers_a_minute=1)
    server.visitor.address = THERE
    tokens = [token_of(walk(server, door)) for _ in range(3)]

    replies = [WRONG[door](server, token) for token in tokens]

    assert [reply.status_code == 429 for reply in replies] == [False, False, True]
    server.clock.pass_(60)
    assert WRONG[door](server, tokens[2]).status_code != 429


def test_a_reset_is_metered_like_an_answer(make_server: MakeServer) -> None:
    """It needs no secret and no work, and what it marks is remembered for half an hour."""
    server = make_server(answers_a_minute=1)
    server.visitor.address = THERE
    tokens = [walk(server, "restcaptcha").json()["token"] for _ in range(3)]

    replies = [server.visitor.post("/v1/reset?siteKey=dev-site", json={"token": token}) for token in tokens]

    assert [reply.status_code for reply in replies] == [200, 200, 429]


@pytest.mark.parametrize("rule", ["kind = 'text'", "kind = 'grid'"])
def test_a_policy_that_draws_is_no_way_round_the_brakes(
    make_server: MakeServer, tmp_path: Path, rule: str
) -> None:
    """Where rules led to something drawn, a network that failed was neither asked for more nor refused."""
    path = tmp_path / "sites.toml"
    path.write_text(
        f'[[policy]]\nname = "drawing"\n[[policy.rule]]\nscore = [0, 100]\n{rule}\n', encoding="utf-8"
    )
    sites.append(path, sites.make("Shop", "dev-site", "dev-secret", kinds=["grid", "text"], policy="drawing"))
    server = make_server(sites=path, work_first="none")
    server.visitor.address = THERE
    auto = DOORS["1captcha, auto"][1]
    before = claims_of(server, auto(server, {}))
    for _ in range(12):
        wrong_minicap(server, token_of(walk(server, "minicap")))

    assert difficulty(claims_of(server, auto(server, {}))) > difficulty(before)
    for _ in range(150):
        reply = walk(server, "minicap")
        if reply.status_code == 429:
            break
        wrong_minicap(server, token_of(reply))

    assert auto(server, {}).status_code == 429
