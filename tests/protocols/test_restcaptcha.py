"""RESTCaptcha as its clients know it: every row of its documentation, and the ways around it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, ClassVar

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from captcha_stateless.protocols.restcaptcha import RestCaptcha
from tests.conftest import MakeServer
from tests.protocols.contract import HEADER_VALUES, AdapterContract
from tests.support import Server

SITE = "?siteKey=dev-site"
ORIGIN = {"Origin": "http://localhost:3000"}
WAIT_SECONDS = 2


def challenge(server: Server, **headers: str) -> dict[str, Any]:
    reply = server.visitor.get("/v1/challenge" + SITE, headers={**ORIGIN, **headers})
    assert reply.status_code == 200
    document: dict[str, Any] = reply.json()
    return document


def solve(challenge: Mapping[str, Any]) -> str:
    """Search a solution in a few lines that know the protocol's documentation only."""
    nonce = challenge["token"].partition(":")[0]
    work = challenge["challengeType"]
    algorithm = work["algorithm"].removeprefix("hash-").replace("-", "")
    return next(
        str(number)
        for number in count()
        if hashlib.new(algorithm, f"{nonce}:{number}".encode())
        .hexdigest()
        .startswith("0" * work["difficulty"])
    )


def verify(server: Server, token: str, solution: str, **changes: Any) -> httpx.Response:
    body = {"siteSecret": "dev-secret", "token": token, "solution": solution, **changes}
    return server.visitor.post("/v1/verify" + SITE, content=ascii_json(body))


def reset(server: Server, token: str) -> httpx.Response:
    return server.visitor.post("/v1/reset" + SITE, json={"token": token})


def solved(server: Server) -> tuple[str, str]:
    """Get a challenge, solve it and let the least time pass."""
    given = challenge(server)
    server.clock.pass_(WAIT_SECONDS)
    return given["token"], solve(given)


def status(reply: httpx.Response) -> str:
    assert reply.status_code == 200
    return str(reply.json()["status"])


def ascii_json(body: object) -> bytes:
    return json.dumps(body).encode("ascii")


class TestAdapter(AdapterContract):
    adapter: ClassVar = RestCaptcha
    paths: ClassVar[Sequence[str]] = ["/v1/challenge", "/v1/verify", "/v1/reset", "/health"]
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", "/v1/verify"), ("POST", "/v1/reset")]
    query: ClassVar[str] = SITE

    def is_worded(self, response: httpx.Response) -> bool:
        problem = response.json()
        return (
            list(problem) == ["type", "title", "status", "detail", "instance"]
            and problem["status"] == response.status_code
            and response.headers["content-type"] == "application/problem+json"
        )

    def send(self, server: Server, method: str, path: str, **options: Any) -> httpx.Response:
        return server.visitor.request(method, path + SITE, **options)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(value=HEADER_VALUES)
    def test_no_header_crashes_it(self, shared: Server, value: str) -> None:
        for header in ("Origin", "Accept-Language"):
            response = shared.visitor.get("/v1/challenge" + SITE, headers={header: value.encode("latin-1")})
            assert response.status_code in (200, 401)


def test_a_challenge_is_worded_as_documented(server: Server) -> None:
    reply = challenge(server)

    nonce, _, sealed = reply["token"].partition(":")
    assert reply["challengeType"] == {"type": "proofOfWork", "algorithm": "hash-sha-256", "difficulty": 4}
    assert len(nonce) == 32
    assert set(nonce) <= set("0123456789abcdef")
    assert sealed.count(".") == 4
    assert len(reply["token"]) < 1_536


def test_a_solution_found_by_the_documentation_s_rule_is_a_success(server: Server) -> None:
    token, solution = solved(server)

    reply = verify(server, token, solution)

    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == {"hostName": "localhost", "status": "success"}


def test_one_zero_short_is_an_invalid_solution(server: Server) -> None:
    given = challenge(server)
    nonce = given["token"].partition(":")[0]
    digests = ((n, hashlib.sha256(f"{nonce}:{n}".encode()).hexdigest()) for n in count())
    short = next(n for n, digest in digests if digest.startswith("000") and digest[3] != "0")
    server.clock.pass_(WAIT_SECONDS)

    reply = verify(server, given["token"], str(short))

    assert reply.json() == {"hostName": "localhost", "status": "invalid-solution"}


def test_a_right_solution_wins_once(server: Server) -> None:
    token, solution = solved(server)

    assert [status(verify(server, token, solution)) for _ in range(2)] == ["success", "invalid-token"]


def test_a_wrong_solution_uses_the_token_up(server: Server) -> None:
    token, solution = solved(server)

    assert status(verify(server, token, "wrong")) == "invalid-solution"
    assert status(verify(server, token, solution)) == "invalid-token"


def test_of_simultaneous_verifies_one_succeeds(server: Server) -> None:
    token, solution = solved(server)
    body = {"siteSecret": "dev-secret", "token": token, "solution": solution}
    statuses: list[str] = []

    async def one() -> None:
        reply = await server.visitor.arequest("POST", "/v1/verify" + SITE, {"json": body})
        statuses.append(status(reply))

    async def both() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(one)

    anyio.run(both)

    assert sorted(statuses) == ["invalid-token"] * 7 + ["success"]


def test_a_verify_too_soon_is_an_invalid_token_and_uses_it_up(server: Server) -> None:
    given = challenge(server)
    solution = solve(given)

    server.clock.pass_(WAIT_SECONDS - 0.01)
    first = status(verify(server, given["token"], solution))
    server.clock.pass_(1)

    assert first == "invalid-token"
    assert status(verify(server, given["token"], solution)) == "invalid-token"


def test_the_least_time_is_counted_in_milliseconds(server: Server) -> None:
    """Counted from the whole second of iat, it would be up to a second shorter."""
    server.clock.pass_(0.9)
    given = challenge(server)

    server.clock.pass_(1.2)

    assert status(verify(server, given["token"], solve(given))) == "invalid-token"


def test_the_least_time_is_configurable(make_server: MakeServer) -> None:
    server = make_server(work_wait_seconds=0)
    given = challenge(server)

    assert status(verify(server, given["token"], solve(given))) == "success"


@pytest.mark.parametrize(("seconds", "expected"), [(1_799, "success"), (1_800, "invalid-token")])
def test_a_token_lives_for_half_an_hour(server: Server, seconds: int, expected: str) -> None:
    given = challenge(server)

    server.clock.pass_(seconds)

    assert status(verify(server, given["token"], solve(given))) == expected


def test_another_replica_verifies_and_each_refuses_the_second_time(make_server: MakeServer) -> None:
    one, other = make_server(entropy="one"), make_server(entropy="two")
    given = challenge(one)
    one.clock.pass_(WAIT_SECONDS)
    other.clock.pass_(WAIT_SECONDS)

    statuses = [status(verify(server, given["token"], solve(given))) for server in (other, other, one)]

    assert statuses == ["success", "invalid-token", "invalid-token"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: "x",
        lambda token: ":",
        lambda token: token.partition(":")[0],
        lambda token: token.partition(":")[2],
        lambda token: "0" * 32 + ":" + token.partition(":")[2],
        lambda token: token.upper(),
        lambda token: token[:-1],
        lambda token: token + ":",
        lambda token: token * 20,
        lambda token: "\ud800:" + token.partition(":")[2],
        lambda token: "ä" * 32 + ":" + token.partition(":")[2],
    ],
)
def test_a_spoiled_token_is_invalid_and_the_real_one_stays_good(server: Server, spoil: Any) -> None:
    token, solution = solved(server)

    reply = verify(server, spoil(token), solution)

    assert reply.json() == {"hostName": "", "status": "invalid-token"}
    assert status(verify(server, token, solution)) == "success"


def test_a_token_of_another_protocol_is_invalid(server: Server) -> None:
    sealed = server.engine.issue("onecaptcha", "work", {"difficulty": 4}, site="dev-site")

    token = f"{sealed.claims.seed.hex()}:{sealed.token}"

    assert status(verify(server, token, "1")) == "invalid-token"


@pytest.mark.parametrize("caller", ["203.0.113.42", "None", "", None, 7, {}, "x" * 1_000])
def test_whatever_caller_ip_says_a_solution_stands(server: Server, caller: object) -> None:
    token, solution = solved(server)

    assert status(verify(server, token, solution, callerIp=caller)) == "success"


def test_a_reset_uses_the_token_up(server: Server) -> None:
    token, solution = solved(server)

    reply = reset(server, token)

    assert (reply.status_code, reply.content) == (200, b"")
    assert status(verify(server, token, solution)) == "invalid-token"


def test_a_token_that_is_gone_already_is_reset_without_complaint(server: Server) -> None:
    token, _ = solved(server)

    codes = [reset(server, token).status_code for _ in range(2)]
    server.clock.pass_(1_800)

    assert [*codes, reset(server, token).status_code] == [200] * 3


@pytest.mark.parametrize("token", ["", "x", "a:b.c.d.e.f", None, 5])
def test_what_is_no_token_cannot_be_reset(server: Server, token: Any) -> None:
    assert reset(server, token).status_code == 400


def test_no_token_solution_or_secret_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token, solution = solved(server)

    verify(server, token, "my-wrong-solution")
    verify(server, token, solution)
    verify(server, token, solution, siteSecret="my-wrong-secret")

    assert "wrong-answer" in caplog.text
    assert "wrong-secret" in caplog.text
    for secret in (token[:32], token[40:80], "my-wrong-solution", "my-wrong-secret", "dev-secret"):
        assert secret not in caplog.text


def wrong(challenge: Mapping[str, Any]) -> str:
    nonce = challenge["token"].partition(":")[0]
    algorithm = challenge["challengeType"]["algorithm"].removeprefix("hash-").replace("-", "")
    digests = ((n, hashlib.new(algorithm, f"{nonce}:{n}".encode()).hexdigest()) for n in count())
    return next(str(number) for number, digest in digests if digest[0] != "0")
