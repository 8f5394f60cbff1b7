"""1Captcha as its clients know it: every row of its documentation, and the ways around it."""

import json
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from captcha_stateless.kinds import KINDS
from captcha_stateless.protocols.onecaptcha import OneCaptcha
from captcha_stateless.sites import DEVELOPMENT
from captcha_stateless.tokens.passes import Verifier
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


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "answer must be an array"),
        ({"answer": "x"}, "answer must be an array"),
        ([], "answer must be an array"),
        (None, "answer must be an array"),
        ({"answer": [True] * 8}, "invalid answer length"),
        ({"answer": [True] * 10}, "invalid answer length"),
        ({"answer": [1] * 9}, "answer must hold true and false only"),
    ],
)
def test_a_malformed_answer_is_named_and_spends_nothing(server: Server, body: object, error: str) -> None:
    token = begin(server)["challenge"]

    reply = answer(server, token, body)

    assert (reply.status_code, reply.json()) == (400, {"error": error})
    assert solve(server, token).status_code == 200


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b"9" * 5_000, "application/json", 400),
        (b'{"answer":[true]}', "text/plain", 415),
        (b"answer=1", "application/x-www-form-urlencoded", 415),
        (b" " * 20_000, "application/json", 413),
    ],
)
def test_a_bad_body_has_its_status_and_spends_nothing(
    server: Server, content: bytes, content_type: str, status: int
) -> None:
    token = begin(server)["challenge"]

    headers = {"X-Captcha-Challenge": token, "Content-Type": content_type}
    reply = server.visitor.post(PATH, headers=headers, content=content)

    assert reply.status_code == status
    assert list(reply.json()) == ["error"]
    assert solve(server, token).status_code == 200


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


ORIGIN = {"Origin": "http://localhost:8000"}


@pytest.mark.parametrize("by_json", [False, True])
def test_a_run_is_bound_to_site_host_action_and_cdata(server: Server, by_json: bool) -> None:
    bound = {"sitekey": "dev-site", "action": "login", "cdata": "cart 7"}
    options: dict[str, Any] = {"json": bound} if by_json else {"params": bound}

    verdict = verify(server, finish(server, headers=ORIGIN, **options)["flag"])

    assert (verdict["success"], verdict["hostname"]) == (True, "localhost")
    assert (verdict["action"], verdict["cdata"]) == ("login", "cart 7")


def test_a_run_without_site_key_is_bound_to_the_first_site(server: Server) -> None:
    assert verify(server, finish(server, headers=ORIGIN)["flag"])["success"] is True
    assert verify(server, finish(server)["flag"])["hostname"] == ""


def test_a_run_from_another_host_is_bound_to_no_site(server: Server) -> None:
    """It works as the original's does, but its pass opens nothing."""
    done = finish(server, headers={"Origin": "https://evil.example"})

    assert done["done"] is True
    assert verify(server, done["flag"])["success"] is False


@pytest.mark.parametrize(
    ("query", "headers", "status", "text"),
    [
        ("?sitekey=other", {}, 403, "Unknown site key"),
        ("?sitekey=dev-site", {"Origin": "https://evil.example"}, 403, "Host not allowed"),
        ("?action=a%20b", {}, 400, "action takes 32 letters"),
        ("?action=" + "a" * 33, {}, 400, "action takes 32 letters"),
        ("?cdata=%C3%A9", {}, 400, "action takes 32 letters"),
        ("?cdata=" + "c" * 250, {}, 400, "too long together"),
    ],
)
def test_a_binding_that_cannot_be_is_a_clear_error(
    server: Server, query: str, headers: dict[str, str], status: int, text: str
) -> None:
    reply = server.visitor.post(PATH + query, headers=headers)

    assert reply.status_code == status
    assert text in reply.json()["error"]


@pytest.mark.parametrize("origin", ["null", "http://[", "x", "http://" + "h" * 3000, "http://é"])
def test_an_odd_origin_crashes_nothing(server: Server, origin: str) -> None:
    reply = server.visitor.post(PATH, headers={"Origin": origin.encode("latin-1")})

    assert reply.status_code in (400, 403)


@pytest.mark.parametrize("body", [b"null", b"{}", b'{"other": 7}', b'{"sitekey": null}', b""])
def test_a_body_that_binds_nothing_begins_a_run(server: Server, body: bytes) -> None:
    reply = server.visitor.post(PATH, content=body, headers={"content-type": "application/json"})

    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b'{"sitekey": "dev-site"}', "text/plain", 415),
        (b"sitekey=dev-site", "application/x-www-form-urlencoded", 415),
        (b'{"sitekey": 7}', "application/json", 400),
        (b'{"sitekey": "\\ud800"}', "application/json", 403),
        (b"[]", "application/json", 400),
        (b"{", "Application/JSON", 400),
        (b'{"sitekey": "other"}', "Application/JSON; charset=utf-8", 403),
        (b'{"sitekey": "other"}', "application/vnd.api+json", 403),
    ],
)
def test_a_body_that_is_not_understood_is_not_ignored(
    server: Server, body: bytes, media_type: str, status: int
) -> None:
    """Its fields were dropped, and the run was bound to another site than the page had named."""
    replies = [
        server.visitor.post(path, content=body, headers={"content-type": media_type})
        for path in (PATH, "/api/work")
    ]

    assert [reply.status_code for reply in replies] == [status] * 2


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


def ask(server: Server, kind: str) -> httpx.Response:
    """Ask for a kind, and do what work comes before it."""
    query = {"sitekey": "dev-site", "kind": kind}
    reply = server.visitor.post(PATH, params=query)
    if not reply.is_success or "first" not in reply.json():
        return reply
    token = reply.json()["challenge"]
    solution = {"answer": server.engine.tell(server.engine.inspect(token))}
    return server.visitor.post(PATH, params=query, headers={"X-Captcha-Challenge": token}, json=solution)


@pytest.mark.parametrize("kind", ["text", "audio", "work"])
def test_a_run_of_another_kind_earns_a_pass_of_that_kind(server: Server, kind: str) -> None:
    challenge = ask(server, kind).json()

    reply = solve(server, challenge["challenge"]).json()

    assert challenge["kind"] == kind
    assert Verifier(server.engine.passes.published(), "captcha-stateless").verify(reply["flag"]).kind == kind


def test_what_names_a_kind_is_told_which_count(make_server: MakeServer, tmp_path: Path) -> None:
    sites_file(tmp_path, kinds='["text", "work"]')
    server = make_server(sites=tmp_path / "sites.toml")

    reply = server.visitor.post("/api/challenge?sitekey=shop&kind=text").json()
    refused = server.visitor.post("/api/challenge?sitekey=shop&kind=grid")

    assert reply["kinds"] == ["text", "work"]
    assert (refused.status_code, refused.json()) == (403, {"error": "Kind not allowed"})


def test_who_names_no_kind_is_answered_as_ever(server: Server) -> None:
    reply = server.visitor.post("/api/challenge?sitekey=dev-site").json()

    assert sorted(reply) == ["challenge", "expected", "images", "stage", "stages", "time"]


def test_auto_and_work_are_as_hard_as_the_policy_wants(make_server: MakeServer, tmp_path: Path) -> None:
    rule = "[[policy.rule]]\nscore = [0, 100]\nkind = 'work'\ndifficulty = 5\nunit = 'bits'\n"
    sites_file(tmp_path, policy='"soft"', kinds='["grid", "work"]', more=f"[[policy]]\nname = 'soft'\n{rule}")
    server = make_server(sites=tmp_path / "sites.toml")

    works = [
        server.visitor.post(f"/api/challenge?sitekey=shop&kind={kind}").json() for kind in ("auto", "work")
    ]

    assert [work["work"]["difficulty"] for work in works] == [5, 5]


def test_a_policy_may_ask_for_a_grid(make_server: MakeServer, tmp_path: Path) -> None:
    rule = "[[policy.rule]]\nscore = [0, 100]\nkind = 'grid'\nprofile = 'classic'\n"
    sites_file(tmp_path, policy='"seen"', more=f"[[policy]]\nname = 'seen'\n{rule}")
    server = make_server(sites=tmp_path / "sites.toml")

    assert server.visitor.post("/api/challenge?sitekey=shop&kind=auto").json()["stages"] == 20


def test_a_kind_that_is_not_there_is_refused(server: Server) -> None:
    reply = ask(server, "riddle")

    assert reply.status_code == 400
    assert reply.json() == {"error": f"kind must be one of {', '.join(KINDS)}, auto"}


def test_work_is_not_given_where_no_site_s_policy_says_how_hard(
    make_server: MakeServer, tmp_path: Path
) -> None:
    sites_file(tmp_path, hosts='["shop.example"]')
    server = make_server(sites=tmp_path / "sites.toml")

    reply = server.visitor.post("/api/challenge?kind=work", headers={"Origin": "https://elsewhere.example"})

    assert reply.status_code == 403


def test_text_of_a_run_can_be_heard_too(server: Server) -> None:
    token = ask(server, "text").json()["challenge"]

    assert server.visitor.get("/api/audio", params={"token": token}).headers["content-type"] == "audio/wav"


def test_a_grid_cannot_be_heard(server: Server) -> None:
    token = ask(server, "grid").json()["challenge"]

    assert server.visitor.get("/api/audio", params={"token": token}).status_code == 400


def sites_file(folder: Path, *, more: str = "", **options: str) -> None:
    lines = [f"{name} = {value}\n" for name, value in options.items()]
    head = f"[[site]]\nname = 'Shop'\nkey = 'shop'\nsecret_sha256 = '{'00' * 32}'\n"
    (folder / "sites.toml").write_text(head + "".join(lines) + more)
