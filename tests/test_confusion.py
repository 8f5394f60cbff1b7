"""Whatever is not a fresh pass of this site is refused at every door, and what each door lets through is the pass."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import httpx
import pytest

from captcha_stateless.client import Client
from captcha_stateless.tokens.cookie import COOKIE
from tests.client.test_client import Wire
from tests.protocols.test_onecaptcha import answer
from tests.support import Server
from tests.tokens.test_passes import ORDER, decoded, encoded, segment

Forge = Callable[[Server], str]


def challenge(server: Server) -> str:
    return server.engine.issue("onecaptcha", "grid", site="dev-site").token


def header_of(token: str) -> dict[str, str]:
    header: dict[str, str] = json.loads(decoded(token.split(".")[0]))
    return header


def hs256(server: Server) -> str:
    """Sign with the public key, which everyone knows, as an HMAC secret."""
    token = server.earn()
    body = f"{segment({**header_of(token), 'alg': 'HS256'})}.{token.split('.')[1]}"
    secret = json.dumps(server.engine.passes.published()["keys"][0]).encode()
    return f"{body}.{encoded(hmac.digest(secret, body.encode(), hashlib.sha256))}"


def unsigned(server: Server) -> str:
    token = server.earn()
    return f"{segment({**header_of(token), 'alg': 'none'})}.{token.split('.')[1]}."


def expired(server: Server) -> str:
    token = server.earn()
    server.clock.pass_(300)
    return token


def respelled(server: Server) -> str:
    head, _, signature = server.earn().rpartition(".")
    number = decoded(signature)
    other = (ORDER - int.from_bytes(number[32:], "big")).to_bytes(32, "big")
    return f"{head}.{base64.urlsafe_b64encode(number[:32] + other).rstrip(b'=').decode()}"


def changed(server: Server) -> str:
    header, payload, signature = server.earn(site="other").split(".")
    claims = json.loads(decoded(payload))
    return f"{header}.{segment({**claims, 'aud': 'dev-site'})}.{signature}"


FORGERIES: dict[str, Forge] = {
    "challenge as pass": challenge,
    "HS256 with the public key": hs256,
    "none": unsigned,
    "another site's": lambda server: server.earn(site="other"),
    "another site's, renamed": changed,
    "no site's": lambda server: server.earn(site=""),
    "expired": expired,
    "respelled": respelled,
    "padded": lambda server: server.earn() + "=",
    "doubled": lambda server: f"{server.earn()}.{server.earn()}",
}


def siteverify(server: Server, token: str) -> bool:
    data = {"secret": "dev-secret", "response": token}
    reply = server.visitor.post("/siteverify", data=data)
    assert reply.status_code == 200
    return bool(reply.json()["success"])


def clearance(server: Server, token: str) -> bool:
    reply = server.visitor.get("/auth", headers={"Cookie": f"{COOKIE}={token}"})
    assert reply.status_code in (httpx.codes.NO_CONTENT, httpx.codes.UNAUTHORIZED)
    return reply.status_code == httpx.codes.NO_CONTENT


def offline(server: Server, token: str) -> bool:
    with Client(
        "http://captcha.test", site_key="dev-site", clock=server.clock, transport=Wire(server)
    ) as client:
        return bool(client.verify_offline(token))


DOORS = {"siteverify": siteverify, "clearance": clearance, "offline": offline}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_refused_at_every_door(server: Server, forgery: str, door: str) -> None:
    assert not DOORS[door](server, FORGERIES[forgery](server))


@pytest.mark.parametrize("door", DOORS)
def test_a_fresh_pass_opens_every_door(server: Server, door: str) -> None:
    assert DOORS[door](server, server.earn())


def test_a_replayed_pass_is_refused_where_it_counts_once(server: Server) -> None:
    token = server.earn()

    assert [siteverify(server, token) for _ in range(3)] == [True, False, False]


def test_a_pass_is_no_challenge_anywhere(server: Server) -> None:
    token = server.earn()

    replies = [
        answer(server, token, {"answer": [True] * 9}),
        server.visitor.post("/api/extend", headers={"X-Captcha-Challenge": token}),
    ]

    assert [reply.json() for reply in replies] == [{"error": "Unable to parse challenge token"}] * 2
