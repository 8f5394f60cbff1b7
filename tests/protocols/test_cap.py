"""Cap as its widget and back ends know it: both formats, the time-lock, and the ways around them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captcha_stateless import sites
from captcha_stateless.protocols.cap import Cap
from tests.conftest import MakeServer
from tests.protocols.contract import INHERITED, AdapterContract
from tests.support import NOW, Server
from tests.widgets import capped, redeem

HERE, SECOND = "/dev-site", "/dev-site/format2"
BOTH = pytest.mark.parametrize("path", [HERE, SECOND])


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    """Make a server that asks for little work: it is done here, in Python."""
    return make_server(policy="lenient")


@pytest.fixture
def locked(make_server: MakeServer, tmp_path: Path) -> Server:
    path = tmp_path / "sites.toml"
    sites.append(path, sites.make("Shop", "dev-site", "dev-secret", kinds=["work"]))
    rule = 'kind = "work"\ntime_lock = true\ndifficulty = 1'
    text = f'[[policy]]\nname = "default"\n[[policy.rule]]\nscore = [0, 100]\n{rule}\n'
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return make_server(sites=path)


def begin(server: Server, path: str = HERE, query: str = "") -> Any:
    reply = server.visitor.post(f"{path}/challenge{query}", json={})
    assert reply.status_code == 200, reply.text
    return reply.json()


def error(reply: httpx.Response) -> tuple[int, str]:
    document = reply.json()
    assert document["success"] is False
    return reply.status_code, document["error"]


def judged(server: Server, token: str, path: str = HERE) -> Any:
    return server.visitor.post(f"{path}/siteverify", json={"secret": "dev-secret", "response": token}).json()


class TestAdapter(AdapterContract):
    adapter: ClassVar = Cap
    paths: ClassVar[Sequence[str]] = [
        f"/{{sitekey}}{way}/{end}" for way in ("", "/format2") for end in ("challenge", "redeem")
    ]
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", f"{HERE}/redeem"), ("POST", f"{SECOND}/redeem")]

    def is_worded(self, response: httpx.Response) -> bool:
        return response.json()["success"] is False and isinstance(response.json()["error"], str)


def test_the_first_format_is_as_the_widget_reads_it(server: Server) -> None:
    document = begin(server)

    assert set(document) == {"challenge", "token", "expires"}
    assert document["challenge"] == {"c": 16, "s": 32, "d": 2}
    assert document["expires"] == (NOW + 600) * 1_000


def test_the_second_format_spells_the_same_hashes_out(server: Server) -> None:
    document = begin(server, SECOND)

    assert (document["format"], document["expires"], len(document["challenges"])) == (
        2,
        (NOW + 600) * 1_000,
        16,
    )
    assert {challenge["protocol"] for challenge in document["challenges"]} == {"sha256-pow"}
    assert {len(challenge["payload"]["salt"]) for challenge in document["challenges"]} == {32}


@BOTH
@pytest.mark.parametrize("redeemed", [HERE, SECOND, "/cap/dev-site"])
def test_solutions_earn_a_pass_once_and_the_pass_counts_once(
    server: Server, path: str, redeemed: str
) -> None:
    challenge = begin(server, path)

    first, second = (redeem(server, challenge, redeemed) for _ in range(2))

    assert first.json()["success"] is True
    assert first.json()["expires"] == (NOW + 300) * 1_000
    assert error(second) == (403, "Challenge already redeemed")
    verdicts = [judged(server, first.json()["token"]) for _ in range(2)]
    assert [verdict["success"] for verdict in verdicts] == [True, False]
    assert verdicts[1]["error"] == "Token not found"


def test_the_pass_is_of_work(server: Server) -> None:
    token = redeem(server, begin(server)).json()["token"]

    assert server.engine.passes.recognise(token, server_site(server)).kind == "work"


def server_site(server: Server) -> sites.Site:
    return sites.DEVELOPMENT


def test_solutions_may_be_objects_in_either_format(server: Server) -> None:
    challenge = begin(server)
    wrapped = [{"nonce": nonce} for nonce in capped(challenge)]

    reply = server.visitor.post(f"{HERE}/redeem", json={"token": challenge["token"], "solutions": wrapped})

    assert reply.json()["success"] is True


def test_what_a_widget_says_of_its_instrumentation_is_not_read(server: Server) -> None:
    reply = redeem(server, begin(server), instr={"x": 1}, instr_blocked=True, instr_timeout=False)

    assert reply.json()["success"] is True


def test_a_time_lock_is_opened_by_squaring(locked: Server) -> None:
    for path in (HERE, SECOND):
        challenge = begin(locked, path)
        (asked,) = challenge["challenges"]

        assert (challenge["format"], asked["protocol"], asked["payload"]["t"]) == (2, "rsw", 10_000)
        replies = [redeem(locked, challenge) for _ in range(2)]
        assert [reply.json()["success"] for reply in replies] == [True, False]


@pytest.mark.parametrize("solutions", [[{"y": "1"}], ["abc"]])
def test_a_wrong_power_spends_the_try(locked: Server, solutions: list[object]) -> None:
    challenge = begin(locked)
    asked = {"token": challenge["token"], "solutions": solutions}

    assert error(locked.visitor.post(f"{HERE}/redeem", json=asked)) == (403, "Invalid solution")
    assert error(redeem(locked, challenge)) == (403, "Challenge already redeemed")


@pytest.mark.parametrize(
    "solutions", [[{"y": "x"}], [{"y": "1"}, {"y": "1"}], [1], [None], [{"y": "1" * 600}]]
)
def test_what_is_no_power_spends_nothing(locked: Server, solutions: list[object]) -> None:
    challenge = begin(locked)
    asked = {"token": challenge["token"], "solutions": solutions}

    assert error(locked.visitor.post(f"{HERE}/redeem", json=asked)) == (400, "Invalid solution")
    assert redeem(locked, challenge).json()["success"]


def test_a_wrong_number_spends_the_try(server: Server) -> None:
    challenge = begin(server)
    solutions = [*capped(challenge)[:-1], 0]
    asked = {"token": challenge["token"], "solutions": solutions}

    assert error(server.visitor.post(f"{HERE}/redeem", json=asked)) == (403, "Invalid solution")
    assert error(redeem(server, challenge)) == (403, "Challenge already redeemed")


@pytest.mark.parametrize(
    "solutions",
    [
        [1] * 15,
        [1] * 17,
        [*[1] * 15, True],
        [*[1] * 15, -1],
        [*[1] * 15, 1.5],
        [*[1] * 15, "1"],
        [*[1] * 15, 2**53],
        [*[1] * 15, {"nonce": None}],
        [*[1] * 15, {"nonce": 1, "y": "1"}],
        [*[1] * 15, [1]],
    ],
)
def test_what_are_no_solutions_spend_nothing(server: Server, solutions: list[object]) -> None:
    challenge = begin(server)
    asked = {"token": challenge["token"], "solutions": solutions}

    assert error(server.visitor.post(f"{HERE}/redeem", json=asked)) == (400, "Invalid solution")
    assert redeem(server, challenge).json()["success"]


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"token": "x"}, {"token": "x", "solutions": {}}, {"token": 1, "solutions": [1]}]
    + [{"token": "x", "solutions": solutions} for solutions in ([], [1] * 1_001)],
)
def test_a_body_of_another_form_is_an_error(server: Server, body: object) -> None:
    reply = server.visitor.post(f"{HERE}/redeem", json=body)

    assert error(reply) == (400, "Missing required fields")


@pytest.mark.parametrize("token", ["", "x", "a.b.c.d.e", "\u00e4", "x" * 5_000])
def test_what_is_no_token_is_refused(server: Server, token: str) -> None:
    reply = server.visitor.post(f"{HERE}/redeem", json={"token": token, "solutions": [1]})

    assert error(reply) == (403, "Invalid challenge token")


def test_an_expired_challenge_says_so(server: Server) -> None:
    challenge = begin(server)
    server.clock.pass_(600)

    assert error(redeem(server, challenge)) == (403, "Challenge expired")


def test_there_is_no_challenge_for_an_unknown_site(server: Server) -> None:
    for end in ("challenge", "redeem"):
        reply = server.visitor.post(f"/other/{end}", json={"token": "x", "solutions": [1]})
        assert error(reply) == (404, "Invalid site key or secret")


def test_a_challenge_of_one_site_is_none_at_another(make_server: MakeServer, tmp_path: Path) -> None:
    path = tmp_path / "sites.toml"
    for name in ("dev", "other"):
        sites.append(path, sites.make(name, f"{name}-site", f"{name}-secret", kinds=["work"]))
    server = make_server(sites=path, policy="lenient")
    challenge = begin(server)

    assert error(redeem(server, challenge, "/other-site")) == (403, "Invalid challenge token")
    assert redeem(server, challenge).json()["success"]


def test_a_site_where_work_does_not_count_has_no_challenge(make_server: MakeServer, tmp_path: Path) -> None:
    path = tmp_path / "sites.toml"
    sites.append(path, sites.make("Grids", "dev-site", "dev-secret", kinds=["grid"]))

    reply = make_server(sites=path).visitor.post(f"{HERE}/challenge")

    assert error(reply) == (403, "Blocked")


def test_action_and_customer_data_come_back_with_the_pass(server: Server) -> None:
    challenge = begin(server, query="?action=login&cdata=cart-7")

    verdict = judged(server, redeem(server, challenge).json()["token"])

    assert (verdict["action"], verdict["cdata"]) == ("login", "cart-7")


def test_two_replicas_judge_as_one(make_server: MakeServer) -> None:
    one, other = (make_server(entropy=name, policy="lenient") for name in ("one", "other"))
    challenge = begin(one)

    assert redeem(other, challenge).json()["success"]
    assert error(redeem(one, challenge)) == (403, "Challenge already redeemed")


def test_replicas_have_one_modulus(make_server: MakeServer, tmp_path: Path, locked: Server) -> None:
    other = make_server(entropy="other", sites=tmp_path / "sites.toml")
    challenge = begin(locked)

    assert begin(other)["challenges"][0]["payload"]["N"] == challenge["challenges"][0]["payload"]["N"]
    assert redeem(other, challenge).json()["success"]


@settings(max_examples=100, deadline=None, suppress_health_check=INHERITED)
@given(
    solutions=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["nonce", "y", "z"]), inner)
        ),
        max_leaves=20,
    )
)
def test_no_solutions_crash_it(server: Server, solutions: object) -> None:
    token = server.engine.issue("cap", "work", {"puzzle": "cap", "difficulty": 6}, site="dev-site").token

    reply = server.visitor.post(f"{HERE}/redeem", json={"token": token, "solutions": solutions})

    assert reply.status_code in (400, 403)
