"""Python's clients of ALTCHA, Cap and Private Captcha, unmodified and pointed at us by settings alone."""

from pathlib import Path
from typing import Any

import altcha
import httpx
import pytest

from captcha_stateless import sites
from captcha_stateless.testing import CaptchaServer
from tests.clients.conftest import SecureServer, held_by
from tests.conftest import MakeServer
from tests.needs import module
from tests.support import Server
from tests.widgets import V1, V2, capped, packed, solved_1, solved_2, unpacked, verify

BAD = "no.such.pass"
VERSIONS = pytest.mark.parametrize("path", [V1, V2])


def solution(live: CaptchaServer, path: str) -> str:
    challenge = httpx.get(f"{live.url}{path}/challenge?apiKey=dev-site").json()
    return (solved_1 if path == V1 else solved_2)(challenge)


def earned(live: CaptchaServer, path: str) -> str:
    url = f"{live.url}{path}/verify?apiKey=dev-site"
    return str(httpx.post(url, json={"payload": solution(live, path)}).json()["payload"])


@VERSIONS
def test_altcha_s_library_asks_us(live: CaptchaServer, path: str) -> None:
    payload, url = earned(live, path), f"{live.url}{path}/verify/signature"

    answers = [
        altcha.verify_server(payload, url, secret=secret) for secret in ("wrong", live.secret, live.secret)
    ]

    assert [answer.verified for answer in answers] == [False, True, False]
    assert [answer.reason for answer in answers] == ["wrong secret", None, "PAYLOAD_ALREADY_USED"]


def field(**options: Any) -> Any:
    return module("altcha_django.forms").AltchaField(**options)


def is_valid(field: Any, payload: str) -> bool:
    forms = module("django.forms")
    return bool(type("Form", (forms.Form,), {"captcha": field})(data={"captcha": payload}).is_valid())


def sentinel(**options: str) -> Any:
    return module("altcha_django.verifiers").SentinelVerifier(**options)


@VERSIONS
def test_altcha_django_verifies_by_itself_once(django: None, live: CaptchaServer, path: str) -> None:
    payload = earned(live, path)

    answers = [is_valid(field(verifier=sentinel()), text) for text in (payload, payload, BAD, "")]

    assert answers == [True, False, False, False]


@pytest.mark.parametrize("path", [V1, V2])
def test_altcha_django_asks_us(django: None, live: CaptchaServer, path: str) -> None:
    url = f"{live.url}{path}/challenge?apiKey=dev-site"
    remote = sentinel(mode="remote", challenge_url=url, api_secret=live.secret)
    payload = earned(live, path)

    answers = [
        is_valid(field(verifier=remote, replay_protection=False), text) for text in (payload, payload, BAD)
    ]

    assert answers == [True, False, False]


def test_altcha_django_s_widget_names_our_challenge(django: None, live: CaptchaServer) -> None:
    challenge = sentinel().get_challenge()

    assert sentinel().get_widget_challenge_ref() == f"{live.url}{V2}/challenge?apiKey=dev-site"
    assert set(challenge) == {"parameters", "signature", "configuration"}


def test_altcha_django_verifies_a_bare_solution_once(django: None, live: CaptchaServer) -> None:
    local = module("altcha_django.verifiers").LocalVerifier()
    payload = solution(live, V2)

    answers = [is_valid(field(verifier=local), text) for text in (payload, payload, BAD)]

    assert answers == [True, False, False]


@VERSIONS
def test_a_flask_form_as_altcha_s_documentation_has_it(live: CaptchaServer, path: str) -> None:
    flask = module("flask")
    app, key = flask.Flask("site"), held_by(live).signature

    @app.post("/submit")  # type: ignore[untyped-decorator]
    def submit() -> tuple[str, int]:
        result = altcha.verify_server_signature(flask.request.form["altcha"], key)
        return ("thanks", 200) if result.verified else ("no", 400)

    payload = earned(live, path)
    forged = packed({**unpacked(payload), "signature": "0" * 64})
    client = app.test_client()

    replies = [client.post("/submit", data={"altcha": text}).status_code for text in (payload, forged)]

    assert replies == [200, 400]


@pytest.mark.parametrize("kdf", ["PBKDF2/SHA-256", "PBKDF2/SHA-512", "SCRYPT", "ARGON2ID"])
def test_altcha_solver_solves_the_second_form(make_server: MakeServer, tmp_path: Path, kdf: str) -> None:
    """Its SHA of the second form leaves the salt out, unlike all others."""
    path = tmp_path / "sites.toml"
    sites.append(path, sites.make("Shop", "dev-site", "dev-secret", kinds=["work"]))
    costs = (
        "cost = 64\nmemory = 2\n"
        if kdf == "SCRYPT"
        else "memory = 32\n"
        if kdf == "ARGON2ID"
        else "cost = 20\n"
    )
    rule = f'[[policy.rule]]\nscore = [0, 100]\nkind = "work"\ndifficulty = 10\nkdf = "{kdf}"\n{costs}'
    text = path.read_text(encoding="utf-8") + f'[[policy]]\nname = "default"\n{rule}'
    path.write_text(text, encoding="utf-8")
    server = make_server(sites=path)
    challenge = server.visitor.get(f"{V2}/challenge?apiKey=dev-site").json()

    found = module("altcha_solver").AltchaSolver().solve(challenge)

    kept = {name: challenge[name] for name in ("parameters", "signature")}
    assert verify(server, packed({"challenge": kept, "solution": found}))["verified"]


def test_altcha_solver_solves_the_first_form(server: Server) -> None:
    challenge = server.visitor.get(f"{V1}/challenge?apiKey=dev-site").json()

    found = module("altcha_solver").AltchaSolver(200_000).solve(challenge)

    kept = {name: challenge[name] for name in ("algorithm", "challenge", "salt", "signature")}
    assert verify(server, packed({**kept, "number": found["counter"], "took": 1}), V1)["verified"]


def test_private_captcha_over_https(trusting: SecureServer) -> None:
    client = module("private_captcha.client").Client(api_key=CaptchaServer.secret, domain=trusting.host)
    good = trusting.server.solve()

    answers = [client.verify(token, sitekey="dev-site") for token in (good, good, BAD)]

    assert [(answer.ok(), int(answer.code)) for answer in answers] == [(True, 0), (False, 8), (False, 3)]
    assert answers[0].origin == "localhost"


@pytest.mark.parametrize("encoding", ["data", "json"])
def test_cap_as_authentik_calls_it(live: CaptchaServer, encoding: str) -> None:
    """Its captcha stage is given an address and a private key, and sends both with the visitor's address."""
    challenge = httpx.post(f"{live.url}/dev-site/challenge").json()
    solved = {"token": challenge["token"], "solutions": capped(challenge)}
    token = httpx.post(f"{live.url}/dev-site/redeem", json=solved).json()["token"]

    def stage(response: str) -> bool:
        fields = {"secret": live.secret, "response": response, "remoteip": "192.0.2.1"}
        reply = httpx.post(f"{live.url}/dev-site/siteverify", **{encoding: fields})  # type: ignore[arg-type]
        return bool(reply.raise_for_status().json()["success"])

    assert [stage(text) for text in (token, token, BAD)] == [True, False, False]
