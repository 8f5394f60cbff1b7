"""1Captcha as its clients know it: every row of its documentation, and the ways around it."""

import json
from base64 import b64decode
from collections.abc import Sequence
from typing import Any, ClassVar

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from captcha_stateless.protocols.onecaptcha import OneCaptcha
from captcha_stateless.sites import DEVELOPMENT
from tests.conftest import MakeServer
from tests.protocols.contract import HEADER_VALUES, AdapterContract
from tests.support import Server

PATH = "/api/challenge"
NINE = [True, False] * 4 + [True]


def begin(server: Server, query: str = "") -> dict[str, Any]:
    reply = server.visitor.post(PATH + query).json()
    assert isinstance(reply, dict)
    return reply


def answer(server: Server, token: str, body: object) -> httpx.Response:
    return server.visitor.post(PATH, headers={"X-Captcha-Challenge": token}, json=body)


def solve(server: Server, token: str) -> httpx.Response:
    return answer(server, token, {"answer": server.answer(token, "onecaptcha")})


def wrong(server: Server, token: str) -> list[bool]:
    return [not tile for tile in server.answer(token, "onecaptcha")]


class TestAdapter(AdapterContract):
    adapter: ClassVar = OneCaptcha
    paths: ClassVar[Sequence[str]] = ["/api/challenge", "/api/extend", "/api/work"]
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", PATH)]

    def is_worded(self, response: httpx.Response) -> bool:
        reply = response.json()
        return list(reply) == ["error"] and isinstance(reply["error"], str)

    def send(self, server: Server, method: str, path: str, **options: Any) -> httpx.Response:
        token = server.engine.issue("onecaptcha", "grid").token
        headers = {**options.pop("headers", {}), "X-Captcha-Challenge": token}
        return server.visitor.request(method, path, headers=headers, **options)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(value=HEADER_VALUES)
    def test_no_header_crashes_it(self, shared: Server, value: str) -> None:
        for path in self.paths[:2]:  # the third takes no token
            headers = {"X-Captcha-Challenge": value.encode("latin-1")}
            response = shared.visitor.post(path, headers=headers, json={"answer": NINE})
            assert (response.status_code, response.json()) == (
                400,
                {"error": "Unable to parse challenge token"},
            )


def test_a_request_without_header_begins_a_run(server: Server) -> None:
    reply = begin(server)

    assert set(reply) == {"challenge", "stage", "stages", "expected", "images", "time"}
    assert (reply["stage"], reply["stages"], reply["time"], len(reply["images"])) == (0, 2, 120, 9)


def test_pictures_are_png_data_urls(server: Server) -> None:
    reply = begin(server)

    for picture in [reply["expected"], *reply["images"]]:
        head, data = picture.split(",")
        assert head == "data:image/png;base64"
        assert b64decode(data, validate=True).startswith(b"\x89PNG\r\n\x1a\n")


def test_two_right_answers_finish_the_humane_run(server: Server) -> None:
    first = begin(server)

    second = solve(server, first["challenge"]).json()
    done = solve(server, second["challenge"]).json()

    assert (second["stage"], second["stages"], second["time"]) == (1, 2, 120)
    assert done["done"] is True


def test_twenty_right_answers_finish_the_classic_run(make_server: MakeServer) -> None:
    server = make_server(profile="classic", flag="you are let through")
    reply, times = begin(server), []

    for stage in range(20):
        assert (reply["stage"], reply["stages"]) == (stage, 20)
        times.append(reply["time"])
        server.clock.pass_(reply["time"] - 1)
        reply = solve(server, reply["challenge"]).json()

    assert reply == {"done": True, "flag": "you are let through"}
    assert times == [120, 30, *(min(max(2, 13 - stage), 10) for stage in range(2, 20))]


def test_without_a_configured_flag_the_flag_is_a_pass(server: Server) -> None:
    second = solve(server, begin(server)["challenge"]).json()
    flag = solve(server, second["challenge"]).json()["flag"]

    claims = server.engine.passes.recognise(flag, DEVELOPMENT)

    assert (claims.kind, claims.site, claims.exp - claims.iat) == ("grid", "dev-site", 300)


def test_a_pass_is_no_challenge(server: Server) -> None:
    second = solve(server, begin(server)["challenge"]).json()
    flag = solve(server, second["challenge"]).json()["flag"]

    assert answer(server, flag, {"answer": NINE}).json() == {"error": "Unable to parse challenge token"}


def test_a_wrong_answer_is_incorrect_and_spends_the_token(server: Server) -> None:
    token = begin(server)["challenge"]

    first = answer(server, token, {"answer": wrong(server, token)})
    second = solve(server, token)

    assert (first.status_code, first.json()) == (400, {"error": "Incorrect"})
    assert (second.status_code, second.json()) == (400, {"error": "Challenge already answered"})


def test_a_right_answer_spends_the_token(server: Server) -> None:
    token = begin(server)["challenge"]

    replies = [solve(server, token) for _ in range(2)]
    wrong = server.answer(token, "onecaptcha")
    wrong[0] = not wrong[0]
    other = answer(server, token, {"answer": wrong})

    assert replies[0].content == replies[1].content
    assert (other.status_code, other.json()) == (400, {"error": "Challenge already answered"})


def test_of_all_512_answers_to_one_token_one_is_judged(make_server: MakeServer) -> None:
    """The original fell to this: a stage could be answered until the answer was right."""
    server = make_server(queue=512)
    token = begin(server)["challenge"]
    answers = [[bool(mask >> tile & 1) for tile in range(9)] for mask in range(512)]
    codes: list[str] = []

    async def attack() -> None:
        async with anyio.create_task_group() as group:
            for guess in answers:
                group.start_soon(one, guess)

    async def one(guess: list[bool]) -> None:
        options = {"headers": {"X-Captcha-Challenge": token}, "json": {"answer": guess}}
        reply = (await server.visitor.arequest("POST", PATH, options)).json()
        codes.append(reply.get("error", "right"))

    anyio.run(attack)

    assert len(codes) == 512
    assert codes.count("Challenge already answered") == 511


def test_an_expired_challenge_is_told_as_the_original_tells_it(server: Server) -> None:
    token = begin(server)["challenge"]
    right = server.answer(token, "onecaptcha")

    server.clock.pass_(120)
    reply = answer(server, token, {"answer": right})

    assert (reply.status_code, reply.json()) == (400, {"error": "Challenge expired"})


@pytest.mark.parametrize("token", ["", "x", "a.b.c.d.e", "A" * 5_000, "eyJhbGciOiJub25lIn0...."])
def test_a_token_that_is_none_is_told_as_the_original_tells_it(server: Server, token: str) -> None:
    reply = answer(server, token, {"answer": NINE})

    assert (reply.status_code, reply.json()) == (400, {"error": "Unable to parse challenge token"})


def test_another_deployment_s_token_is_refused(
    make_server: MakeServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    token = begin(Server(tmp_path_factory.mktemp("other")))["challenge"]

    assert answer(make_server(), token, {"answer": NINE}).json() == {
        "error": "Unable to parse challenge token"
    }


def test_another_replica_answers_a_token(make_server: MakeServer) -> None:
    issuing, answering = make_server(entropy="one"), make_server(entropy="two")

    reply = solve(answering, begin(issuing)["challenge"])

    assert (reply.status_code, reply.json()["stage"]) == (200, 1)


def test_more_time_moves_the_deadline_and_sends_no_pictures_again(server: Server) -> None:
    first = begin(server)
    server.clock.pass_(100)

    reply = server.visitor.post("/api/extend", headers={"X-Captcha-Challenge": first["challenge"]}).json()

    assert (reply["stage"], reply["time"]) == (0, 140)
    assert set(reply) == {"challenge", "stage", "stages", "time"}


def test_an_extended_token_is_answered_after_the_first_deadline(server: Server) -> None:
    first = begin(server)
    later = server.visitor.post("/api/extend", headers={"X-Captcha-Challenge": first["challenge"]}).json()

    server.clock.pass_(200)

    assert solve(server, later["challenge"]).status_code == 200


def test_an_extended_token_and_its_first_are_spent_together(server: Server) -> None:
    """Filed by their own deadlines, the two would lie in different buckets of the filter, and both be honoured."""
    first = begin(server)["challenge"]
    later = server.visitor.post("/api/extend", headers={"X-Captcha-Challenge": first}).json()["challenge"]

    replies = [solve(server, token) for token in (first, later)]

    assert replies[0].content == replies[1].content


def test_time_is_extended_ten_times_and_no_more(server: Server) -> None:
    token, replies = begin(server)["challenge"], []
    for _ in range(11):
        replies.append(server.visitor.post("/api/extend", headers={"X-Captcha-Challenge": token}))
        token = replies[-1].json().get("challenge", token)

    assert [reply.status_code for reply in replies] == [200] * 10 + [400]
    assert replies[9].json()["time"] == 120 * 11
    assert replies[10].json() == {"error": "no more extensions"}


def test_an_expired_token_is_not_extended(server: Server) -> None:
    token = begin(server)["challenge"]
    server.clock.pass_(120)

    reply = server.visitor.post("/api/extend", headers={"X-Captcha-Challenge": token})

    assert reply.json() == {"error": "Challenge expired"}


def test_a_request_chooses_its_profile_only_where_it_may(make_server: MakeServer) -> None:
    free, bound = make_server(profile_choice=True), make_server()

    assert begin(free, "?profile=classic")["stages"] == 20
    assert begin(bound, "?profile=classic")["stages"] == 2


def test_a_forgiven_stage_looks_like_any_other(make_server: MakeServer) -> None:
    server = make_server(profile="strict")
    first = begin(server)

    reply = answer(server, first["challenge"], {"answer": wrong(server, first["challenge"])})

    assert reply.status_code == 200
    assert list(reply.json()) == list(first)
    assert (reply.json()["stage"], reply.json()["stages"]) == (1, 4)


def test_a_strict_run_ends_with_its_third_hit(make_server: MakeServer) -> None:
    server = make_server(profile="strict")
    reply = begin(server)
    for _ in range(2):
        reply = solve(server, reply["challenge"]).json()

    assert solve(server, reply["challenge"]).json()["done"] is True


def test_an_unknown_profile_is_a_clear_error(make_server: MakeServer) -> None:
    reply = make_server(profile_choice=True).visitor.post(f"{PATH}?profile=other")

    assert (reply.status_code, reply.json()) == (
        400,
        {"error": "profile must be one of lenient, humane, strict, classic"},
    )


def test_a_browser_may_send_the_token_and_keeps_the_permission(server: Server) -> None:
    reply = server.visitor.request(
        "OPTIONS",
        PATH,
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type, x-captcha-challenge",
        },
    )

    assert reply.status_code == 200
    assert "x-captcha-challenge" in reply.headers["access-control-allow-headers"].lower()
    assert reply.headers["access-control-max-age"] == "7200"


def test_no_token_and_no_answer_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = begin(server)["challenge"]

    answer(server, token, {"answer": wrong(server, token)})
    solve(server, token)
    answer(server, "x" * 100, {"answer": NINE})

    assert "wrong-answer" in caplog.text
    assert token[:40] not in caplog.text
    assert "x" * 20 not in caplog.text
    assert json.dumps(NINE) not in caplog.text


def finish(server: Server, query: str = "", **options: Any) -> dict[str, Any]:
    """Solve a whole run, and return its last reply."""
    reply = server.visitor.post(PATH + query, **options).json()
    while "challenge" in reply:
        reply = solve(server, reply["challenge"]).json()
    assert isinstance(reply, dict)
    return reply


def verify(server: Server, flag: str) -> dict[str, Any]:
    reply = server.visitor.post("/siteverify", data={"secret": "dev-secret", "response": flag}).json()
    assert isinstance(reply, dict)
    return reply


def test_the_test_sites_pass_fail_and_ask(make_server: MakeServer) -> None:
    server = make_server(test_keys=True)
    secret = "1x0000000000000000000000000000000AA"

    passing = server.visitor.post(f"{PATH}?sitekey=1x00000000000000000000AA").json()
    failing = server.visitor.post(f"{PATH}?sitekey=2x00000000000000000000AB")
    asking = finish(server, "?sitekey=3x00000000000000000000FF")

    assert passing == {"done": True, "flag": "XXXX.DUMMY.TOKEN.XXXX"}
    assert (failing.status_code, failing.json()) == (400, {"error": "Refused"})
    verdict = server.visitor.post("/siteverify", data={"secret": secret, "response": asking["flag"]}).json()
    assert verdict["success"] is True


def test_the_test_sites_are_nobody_s_unless_they_are_switched_on(server: Server) -> None:
    assert server.visitor.post(f"{PATH}?sitekey=1x00000000000000000000AA").status_code == 403
