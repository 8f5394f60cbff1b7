"""Signed agents and proven devices at the wall: who is let through, once, and what the rest is told."""

import base64
import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from captcha_stateless.agents.base import ACCEPT_SIGNATURE
from captcha_stateless.agents.signatures import AHEAD_SECONDS
from captcha_stateless.tokens.cookie import COOKIE
from captcha_stateless.tokens.digests import fingerprint
from captcha_stateless.wall import Visit
from tests.agents.signers import VISIT, Agent, pinned
from tests.conftest import MakeServer
from tests.devices.issuing import pin, signed
from tests.protocols.visits import SEEN, forwarded
from tests.support import NOW, Server

AGENT = Agent()
SITES = f"""[[site]]
name = "shop"
key = "shop"
secret_sha256 = "{fingerprint("shop").hex()}"
hosts = ["shop.example"]
kinds = ["grid", "device"]
[[site.rule]]
agent = "Reader"
action = "allow"
"""


@pytest.fixture
def wall(make_server: MakeServer, tmp_path: Path) -> Server:
    (tmp_path / "sites.toml").write_text(SITES, encoding="utf-8")
    server = make_server(
        sites=tmp_path / "sites.toml",
        agents=pinned(tmp_path / "agents.json", AGENT),
        device_issuers=pin(tmp_path / "issuers.json", "issuer"),
        trusted_proxies=("*",),
        public_url="https://captcha.example",
    )
    server.clock.pass_(AHEAD_SECONDS)  # of what was signed before, its filter knows nothing
    return server


def visit(server: Server, request: Visit) -> httpx.Response:
    told = forwarded(f"{request.path}?{request.query}", request.method, request.host)
    return server.visitor.get("/auth", headers={**request.headers, **told})


@pytest.mark.parametrize("host", ["shop.example", "shop.example:8443"])
def test_a_signed_agent_is_let_through_once(wall: Server, host: str) -> None:
    components = ("@authority", "@method", "@path", "@query", "signature-agent")
    request = AGENT.sign(replace(VISIT, host=host), components=components, created=NOW + AHEAD_SECONDS)

    assert [visit(wall, request).status_code for _ in range(2)] == [204, 401]


@pytest.mark.parametrize(
    "request_",
    [VISIT, AGENT.sign(nonce=None), replace(AGENT.sign(), host="else.example")],
    ids=["unsigned", "no nonce", "another host"],
)
def test_whoever_is_none_is_asked_and_told_how_to_sign(wall: Server, request_: Visit) -> None:
    reply = visit(wall, request_)

    assert (reply.status_code, reply.headers["accept-signature"]) == (401, ACCEPT_SIGNATURE)


def test_a_device_is_asked_for_under_the_site_s_own_host_and_let_through(wall: Server) -> None:
    headers = {**SEEN, **forwarded("/wall")}
    reply = wall.visitor.get("/wall?sitekey=shop", headers=headers)
    asked = base64.urlsafe_b64decode(re.findall(r'challenge="([^"]+)"', reply.headers["www-authenticate"])[0])
    brought = wall.visitor.get(
        "/wall?sitekey=shop", headers={**headers, "Authorization": signed(asked, "issuer")}
    )

    assert (reply.status_code, asked.endswith(b"\x00\x0cshop.example")) == (401, True)
    assert (brought.status_code, COOKIE in brought.headers["set-cookie"]) == (303, True)
