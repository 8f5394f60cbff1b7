"""Whatever is not a fresh pass of this site is refused at every door, and what each door lets through is the pass."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from captcha_stateless.client import Client
from captcha_stateless.formats import altcha as forms
from captcha_stateless.protocols import wall_way
from captcha_stateless.protocols.wall_way import Way
from captcha_stateless.tokens.cookie import COOKIE
from tests.client.conftest import Wire
from tests.conftest import MakeServer
from tests.devices.issuing import brought, serve
from tests.protocols.test_onecaptcha import answer
from tests.support import NOW, Server
from tests.tokens.test_passes import ORDER, decoded, encoded, segment
from tests.widgets import V1, V2, keys, packed, payload, server_payload, verify

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


def wall(server: Server, token: str) -> bool:
    headers = {"Cookie": f"{COOKIE}={token}", "Accept": "text/html"}
    reply = server.visitor.get("/wall", headers=headers)
    assert reply.status_code in (httpx.codes.SEE_OTHER, httpx.codes.UNAUTHORIZED)
    return reply.status_code == httpx.codes.SEE_OTHER


def way(server: Server, token: str) -> bool:
    """Go back by something, with a cookie that is good."""
    headers = {"Cookie": f"{COOKIE}={server.earn()}", "Accept": "text/html"}
    reply = server.visitor.get("/wall", params={"return": token}, headers=headers)
    return reply.status_code == httpx.codes.SEE_OTHER


def offline(server: Server, token: str) -> bool:
    with Client(
        "http://captcha.test", site_key="dev-site", clock=server.clock, transport=Wire(server)
    ) as client:
        return bool(client.verify_offline(token))


def cap(server: Server, token: str) -> bool:
    data = {"secret": "dev-secret", "response": token}
    return bool(server.visitor.post("/dev-site/siteverify", json=data).json()["success"])


def friendly(server: Server, token: str) -> bool:
    headers = {"X-API-Key": "dev-secret"}
    reply = server.visitor.post("/api/v2/captcha/siteverify", json={"response": token}, headers=headers)
    return bool(reply.json()["success"])


def private(server: Server, token: str) -> bool:
    reply = server.visitor.post("/verify", content=token, headers={"X-Api-Key": "dev-secret"})
    return bool(reply.json()["success"])


DOORS = {
    "siteverify": siteverify,
    "cap": cap,
    "friendly": friendly,
    "privatecaptcha": private,
    "clearance": clearance,
    "wall": wall,
    "offline": offline,
}


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


def restverify(server: Server, token: str) -> bool:
    body = {"siteSecret": "dev-secret", "token": token, "solution": "0", "callerIp": "192.0.2.1"}
    return bool(
        server.visitor.post("/v1/verify?siteKey=dev-site", json=body).json().get("status") == "success"
    )


def signed_1(server: Server, token: str) -> bool:
    body = {"payload": token, "secret": "dev-secret"}
    return bool(server.visitor.post(f"{V1}/verify/signature", json=body).json().get("verified"))


def signed_2(server: Server, token: str) -> bool:
    auth = ("dev-site", "dev-secret")
    reply = server.visitor.post(f"{V2}/verify/signature", json={"payload": token}, auth=auth)
    return bool(reply.json().get("verified"))


def altcha(server: Server, token: str) -> bool:
    return bool(verify(server, token).get("verified"))


def redeemed(server: Server, token: str) -> bool:
    body = {"token": token, "solutions": [0] * 16}
    return bool(server.visitor.post("/dev-site/redeem", json=body).json()["success"])


def minicap(server: Server, token: str) -> bool:
    return server.visitor.post("/api/captcha/validate/", json={"id": token, "text": "x"}).status_code == 200


def device(server: Server, token: str) -> bool:
    """Bring something as a device's token."""
    headers = {"Authorization": f'PrivateToken token="{token}"'}
    return bool(server.visitor.post("/api/challenge", headers=headers).json().get("done"))


def device_token(server: Server) -> str:
    return brought(server.visitor.post("/api/challenge?device=ask"))["Authorization"].split('"')[1]


#: Everything that lets something through, and whatever is handed out, with the doors that it opens.
EVERY = {
    **DOORS,
    "restcaptcha": restverify,
    "altcha": altcha,
    "altcha 1, signature": signed_1,
    "altcha 2, signature": signed_2,
    "cap, redeem": redeemed,
    "minicap": minicap,
    "device": device,
    "wall, the way back": way,
}
OPENS: dict[str, tuple[Forge, set[str]]] = {
    "pass": (lambda server: server.earn(), set(DOORS)),
    "altcha 1, solution": (lambda server: payload(server, V1), {"altcha"}),
    "altcha 2, solution": (lambda server: payload(server, V2), {"altcha"}),
    "altcha, server payload": (
        server_payload,
        {"altcha 1, signature", "altcha 2, signature", "siteverify", "cap"},
    ),
    "altcha, challenge": (lambda server: issued(server, "altcha", "altcha-2"), set()),
    "altcha, code": (lambda server: server.engine.issue("altcha", "text", site="dev-site").token, set()),
    "cap, challenge": (lambda server: issued(server, "cap", "cap"), set()),
    "restcaptcha, challenge": (lambda server: issued(server, "restcaptcha", "zeros"), set()),
    "1captcha, challenge": (challenge, set()),
    "private token": (device_token, {"device"}),
    "wall, the way back": (
        lambda server: wall_way.seal(
            wall_way.way_key(server.engine), "dev-site", "captcha.test", Way("/page")
        ),
        {"wall, the way back"},
    ),
}


def issued(server: Server, purpose: str, puzzle: str) -> str:
    return server.engine.issue(purpose, "work", {"puzzle": puzzle}, site="dev-site").token


@pytest.mark.parametrize("door", EVERY)
@pytest.mark.parametrize("token", OPENS)
def test_everything_opens_its_own_doors_and_no_other(
    make_server: MakeServer, tmp_path: Path, token: str, door: str
) -> None:
    kinds = ("grid", "text", "audio", "work", "device")
    server = serve(make_server, tmp_path, kinds=kinds, policy="lenient")
    made, opens = OPENS[token]

    assert EVERY[door](server, made(server)) is (door in opens)


def test_a_challenge_of_one_protocol_is_none_of_another_s(server: Server) -> None:
    """Their tokens are sealed alike, and differ in their purpose alone."""
    cap_s, altcha_s = issued(server, "cap", "cap"), issued(server, "altcha", "altcha-1")
    held = keys(server)
    salted = forms.challenge_1(held, "0" * 24, 1, NOW + 600, cap_s)

    wrapped = packed({**json.loads(f"{{{salted}}}"), "number": 1})
    reply = server.visitor.post("/dev-site/redeem", json={"token": altcha_s, "solutions": [1]})

    assert verify(server, wrapped, V1) == {"verified": False, "reason": "INVALID_SIGNATURE"}
    assert reply.json() == {"success": False, "error": "Invalid challenge token"}


@pytest.mark.parametrize("path", [V1, V2])
def test_a_token_of_the_other_form_of_altcha_is_refused(server: Server, path: str) -> None:
    """Whoever holds a site's keys could sign it; not even so does it count."""
    other = issued(server, "altcha", "altcha-2" if path == V1 else "altcha-1")
    held = keys(server)
    if path == V1:
        members = forms.challenge_1(held, "0" * 24, 1, NOW + 600, other)
        document = {**json.loads(f"{{{members}}}"), "number": 1}
    else:
        asked = forms.Asked("SHA-256", 1, 0, 0, 32, "0", "0", "0", other, NOW + 600)
        text, signature = forms.challenge_2(held, asked)
        given = {"parameters": json.loads(text), "signature": signature}
        document = {"challenge": given, "solution": {"counter": 0, "derivedKey": "0" * 64}}

    assert verify(server, packed(document), path) == {"verified": False, "reason": "INVALID_SIGNATURE"}


def test_a_pass_is_no_challenge_anywhere(server: Server) -> None:
    token = server.earn()

    replies = [
        answer(server, token, {"answer": [True] * 9}),
        server.visitor.post("/api/extend", headers={"X-Captcha-Challenge": token}),
    ]

    assert [reply.json() for reply in replies] == [{"error": "Unable to parse challenge token"}] * 2
