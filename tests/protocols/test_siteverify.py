"""siteverify as its callers know it: every encoding, every code, and one success a pass."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captcha_stateless import create_app
from captcha_stateless.errors import Unavailable
from captcha_stateless.protocols.siteverify import Siteverify
from captcha_stateless.replay.base import Replay, ReplayState
from captcha_stateless.tokens.digests import fingerprint
from tests.conftest import MakeServer
from tests.protocols.contract import AdapterContract
from tests.support import Server, Visitor, solved

HCAPTCHA, RECAPTCHA, TURNSTILE = "/siteverify", "/recaptcha/api/siteverify", "/turnstile/v0/siteverify"
CAP = "/dev-site/siteverify"
PATHS = [HCAPTCHA, RECAPTCHA, TURNSTILE, CAP]


def ask(server: Server, token: str, path: str = RECAPTCHA, **fields: str) -> dict[str, Any]:
    fields = {"secret": "dev-secret", "response": token, **fields}
    reply = server.visitor.post(path, data=fields)
    assert reply.status_code == 200
    document = verdict(reply)
    assert isinstance(document, dict)
    return document


def verdict(reply: httpx.Response) -> Any:
    """Tell what a reply says in codes; Cap's path says it in words besides."""
    document = reply.json()
    said = document.pop("error", None)
    cap = reply.url.path.count("/") == 2 and not document["success"]
    assert (said is not None) is cap
    return document


def refusal(*codes: str) -> dict[str, Any]:
    return {"success": False, "error-codes": list(codes)}


class TestAdapter(AdapterContract):
    adapter: ClassVar = Siteverify
    paths: ClassVar[Sequence[str]] = [HCAPTCHA, RECAPTCHA, TURNSTILE, "/{sitekey}/siteverify"]
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", HCAPTCHA), ("POST", RECAPTCHA)]

    def is_worded(self, response: httpx.Response) -> bool:
        reply = response.json()
        return reply["success"] is False and isinstance(reply["error-codes"], list)

    def test_an_over_long_body_is_refused(self, shared: Server) -> None:
        for path in PATHS:
            reply = shared.visitor.post(path, content=b"[" * 1_000_000)
            assert (reply.status_code, verdict(reply)) == (200, refusal("bad-request"))

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        content=st.binary(max_size=300),
        media_type=st.sampled_from(
            [
                "",
                "application/json",
                "application/x-www-form-urlencoded",
                "multipart/form-data",
                "multipart/form-data; boundary=x",
                "multipart/form-data; boundary=x; charset=zzz",
                "text/plain",
                b"\xff",
            ]
        ),
        head=st.sampled_from([b"", b"{", b"--x\r\nContent-Disposition: form-data; name=", b"--x\r\n"]),
    )
    def test_every_body_gets_200_and_a_code(
        self, shared: Server, content: bytes, media_type: str, head: bytes
    ) -> None:
        reply = shared.visitor.post(TURNSTILE, content=head + content, headers={"content-type": media_type})

        assert reply.status_code == 200
        assert self.is_worded(reply)


@pytest.mark.parametrize("path", PATHS)
def test_a_pass_succeeds_once_on_every_path(server: Server, path: str) -> None:
    token = server.earn()

    first, second = ask(server, token, path), ask(server, token, path)

    assert first == {
        "success": True,
        "challenge_ts": "2027-01-15T08:00:00Z",
        "hostname": "localhost",
        "error-codes": [],
        **{path: {"score": score} for path, score in ((HCAPTCHA, 0.0), (RECAPTCHA, 1.0))}.get(path, {}),
    }
    assert second == refusal("already-seen-response" if path == HCAPTCHA else "timeout-or-duplicate")


def test_action_and_cdata_come_back_and_recaptcha_scores(server: Server) -> None:
    bound = {"action": "login", "cdata": "cart 7"}

    replies = {path: ask(server, server.earn(**bound), path) for path in PATHS}

    assert all((reply["action"], reply["cdata"]) == ("login", "cart 7") for reply in replies.values())
    assert [path for path in PATHS if "score" in replies[path]] == [HCAPTCHA, RECAPTCHA]
    assert (replies[RECAPTCHA]["score"], replies[HCAPTCHA]["score"]) == (1.0, 0.0)


@pytest.mark.parametrize(("worth", "good", "risk"), [(1.0, 1.0, 0.0), (0.9, 0.9, 0.1), (0.3, 0.3, 0.7)])
def test_the_score_is_what_the_pass_is_worth_on_each_system_s_scale(
    server: Server, worth: float, good: float, risk: float
) -> None:
    """reCAPTCHA's 1 is good, hCaptcha's 0 is."""

    def earned() -> str:
        claims = server.engine.issue(
            "tests", "grid", site="dev-site", host="localhost", action="login"
        ).claims
        return server.engine.passes.vouch(solved(claims), worth).token

    scores = [ask(server, earned(), path)["score"] for path in (RECAPTCHA, HCAPTCHA)]

    assert scores == [good, risk]


def test_the_site_key_in_the_path_must_be_the_secret_s(server: Server) -> None:
    assert ask(server, server.earn(), "/other/siteverify") == refusal("sitekey-secret-mismatch")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"secret": ""}, "Missing required parameters"),
        ({"secret": "wrong"}, "Invalid site key or secret"),
        ({"sitekey": "other"}, "Invalid site key or secret"),
        ({"response": "a.b.c"}, "Token not found"),
        ({"idempotency_key": "k" * 129}, "Invalid request"),
    ],
)
def test_cap_s_path_says_cap_s_own_words(server: Server, fields: dict[str, str], words: str) -> None:
    asked = {"secret": "dev-secret", "response": server.earn(), **fields}

    assert server.visitor.post(CAP, json=asked).json()["error"] == words


def test_cap_s_path_tells_an_expired_token(server: Server) -> None:
    asked = {"secret": "dev-secret", "response": server.earn()}
    server.clock.pass_(300)

    assert server.visitor.post(CAP, json=asked).json()["error"] == "Token expired"


@pytest.mark.parametrize("path", PATHS)
def test_an_expired_pass_has_its_code(server: Server, path: str) -> None:
    token = server.earn()
    server.clock.pass_(300)

    expected = "expired-input-response" if path == HCAPTCHA else "timeout-or-duplicate"
    assert ask(server, token, path) == refusal(expected)


def test_asking_again_with_the_same_key_gets_the_same_answer(server: Server) -> None:
    token = server.earn()

    answers = [ask(server, token, TURNSTILE, idempotency_key="one") for _ in range(4)]

    assert answers[0]["success"] is True
    assert all(answer == answers[0] for answer in answers)
    assert ask(server, token, TURNSTILE, idempotency_key="two") == refusal("timeout-or-duplicate")
    assert ask(server, token, TURNSTILE) == refusal("timeout-or-duplicate")


TWO_SITES = "".join(
    f'[[site]]\nname = "{key}"\nkey = "{key}"\nsecret_sha256 = "{fingerprint(key).hex()}"\n{more}\n'
    for key, more in (("shop", ""), ("bank", 'kinds = ["audio"]'))
)


@pytest.fixture
def two_sites(make_server: MakeServer, tmp_path: Path) -> Server:
    (tmp_path / "sites.toml").write_text(TWO_SITES)
    return make_server(sites=tmp_path / "sites.toml")


@pytest.mark.parametrize("path", [HCAPTCHA, RECAPTCHA, TURNSTILE])
def test_a_pass_of_one_site_is_refused_at_another(two_sites: Server, path: str) -> None:
    token = two_sites.earn(site="bank")

    expected = "sitekey-secret-mismatch" if path == HCAPTCHA else "invalid-input-response"
    assert ask(two_sites, token, path, secret="shop") == refusal(expected)


def test_a_kind_that_the_site_does_not_let_count_is_refused(two_sites: Server) -> None:
    assert ask(two_sites, two_sites.earn(site="bank"), secret="bank") == refusal("invalid-input-response")
    assert ask(two_sites, two_sites.earn(site="shop"), secret="shop")["success"] is True


def test_a_pass_that_is_bound_to_no_site_is_nobody_s(server: Server) -> None:
    assert ask(server, server.earn(site="")) == refusal("invalid-input-response")


def test_a_challenge_is_no_pass(server: Server) -> None:
    token = server.engine.issue("onecaptcha", "grid", site="dev-site").token

    assert ask(server, token) == refusal("invalid-input-response")


def test_get_is_refused_unless_it_is_switched_on(make_server: MakeServer) -> None:
    off, on = make_server(), make_server(siteverify_get=True)
    query = {"secret": "dev-secret", "response": on.earn()}

    refused, taken = off.visitor.get(HCAPTCHA, params=query), on.visitor.get(HCAPTCHA, params=query)

    assert (refused.status_code, refused.json()) == (405, refusal("bad-request"))
    assert (taken.status_code, taken.json()["success"]) == (200, True)


def test_the_test_keys_are_nobody_s_unless_they_are_switched_on(server: Server) -> None:
    reply = ask(server, "x", secret="1x0000000000000000000000000000000AA")

    assert reply == refusal("invalid-input-secret")


def test_the_test_secrets_pass_and_fail_and_every_reply_says_so(make_server: MakeServer) -> None:
    server = make_server(test_keys=True)

    right = ask(server, "anything", secret="1x0000000000000000000000000000000AA")
    wrong = ask(server, "anything", secret="2x0000000000000000000000000000000AA")
    real, broken = ask(server, server.earn()), ask(server, "x")

    assert (right["success"], right["hostname"], right["test_keys"]) == (True, "example.com", True)
    assert wrong == {**refusal("invalid-input-response"), "test_keys": True}
    assert (real["success"], real["test_keys"], broken["test_keys"]) == (True, True, True)


class BrokenReplay(Replay):
    """A filter that can be reached no more."""

    scope = "global"

    async def spend(self, *_: object, **__: object) -> int:
        raise Unavailable("the filter is down", retry_after_seconds=7)

    async def spent(self, *_: object, **__: object) -> bool:
        raise Unavailable("the filter is down")

    async def state(self, now: float) -> ReplayState:
        return ReplayState(self.scope, False, 0, 0)


def test_a_filter_that_is_down_is_a_fault_and_no_verdict(server: Server) -> None:
    app = create_app(server.settings, replay=BrokenReplay(), clock=server.clock)

    reply = Visitor(app).post(HCAPTCHA, data={"secret": "dev-secret", "response": server.earn()})

    assert (reply.status_code, reply.json()) == (503, refusal("internal-error"))
    assert reply.headers["retry-after"] == "7"


def replicas(server: Server, count: int) -> list[Visitor]:
    """Make replicas that share the key ring and one replay filter, and nothing else."""
    shared = server.engine._replay
    return [Visitor(create_app(server.settings, replay=shared, clock=server.clock)) for _ in range(count)]


@pytest.mark.parametrize("keyed", [False, True])
def test_of_a_thousand_calls_at_once_on_two_replicas_one_succeeds(
    make_server: MakeServer, keyed: bool
) -> None:
    server = make_server(queue=1_000)
    token, visitors, verdicts = server.earn(), replicas(server, 2), []

    async def call(number: int) -> None:
        key = {"idempotency_key": str(number)} if keyed else {}
        data = {"secret": "dev-secret", "response": token, **key}
        reply = await visitors[number % 2].arequest("POST", RECAPTCHA, {"data": data})
        assert reply.status_code == 200
        verdicts.append(reply.json()["success"])

    async def storm() -> None:
        async with anyio.create_task_group() as group:
            for number in range(1_000):
                group.start_soon(call, number)

    anyio.run(storm)

    assert (len(verdicts), sum(verdicts)) == (1_000, 1)


def test_no_token_and_no_secret_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = server.earn()

    for _ in range(2):
        ask(server, token, idempotency_key="private")
    ask(server, "x" * 50, secret="nobody-s")
    ask(server, token)

    assert "siteverify: wrong-secret" in caplog.text
    assert "nobody-s" not in caplog.text
    assert token[:30] not in caplog.text
    assert "dev-secret" not in caplog.text
    assert "x" * 20 not in caplog.text
