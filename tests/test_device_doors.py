"""The rules of every door, at the one through which a device comes."""

from pathlib import Path

import httpx

from captcha_stateless import sites
from captcha_stateless.sites import Site
from tests.conftest import MakeServer
from tests.devices.issuing import brought, serve
from tests.support import Server

THERE, BLOCKED = "198.51.100.7", "192.0.2.9"
REFUSED = {400, 403, 429}


def device(server: Server, nonce: bytes) -> httpx.Response:
    """Ask, have the device's token made, and bring it."""
    asked = server.visitor.post("/api/challenge?device=ask")
    return server.visitor.post("/api/challenge?device=ask", headers=brought(asked, nonce=nonce * 32))


def test_a_device_s_token_is_metered_by_network_as_an_answer_is(
    make_server: MakeServer, tmp_path: Path
) -> None:
    server = serve(make_server, tmp_path, answers_a_minute=1)
    server.visitor.address = THERE

    replies = [device(server, nonce) for nonce in (b"a", b"b", b"c")]

    assert [reply.status_code for reply in replies] == [200, 200, 429]
    server.clock.pass_(60)
    assert device(server, b"c").json()["done"] is True


def test_a_device_s_token_counts_as_a_challenge_that_is_asked_for(
    make_server: MakeServer, tmp_path: Path
) -> None:
    server = serve(make_server, tmp_path, rate_limit=("3/hour",))
    server.visitor.address = THERE

    replies = [device(server, nonce) for nonce in (b"a", b"b")]

    assert [reply.status_code for reply in replies] == [200, 429]


def test_a_blocked_network_s_device_is_neither_asked_nor_counted(
    make_server: MakeServer, tmp_path: Path
) -> None:
    networks = tmp_path / "networks.txt"
    networks.write_text("block 192.0.2.0/24\n", encoding="utf-8")
    server = serve(make_server, tmp_path, risk_networks=networks)
    token = brought(server.visitor.post("/api/challenge?device=ask"))
    server.visitor.address = BLOCKED

    replies = [server.visitor.post("/api/challenge?device=ask", headers=headers) for headers in ({}, token)]

    assert {reply.status_code in REFUSED for reply in replies} == {True}


def test_a_device_s_pass_is_worth_less_for_a_riskier_caller(make_server: MakeServer, tmp_path: Path) -> None:
    server = serve(make_server, tmp_path, risk_header="X-Risk", trusted_proxies=("*",))
    asked = server.visitor.post("/api/challenge?device=ask")
    worth = []
    for risk in ("0", "50"):
        headers = {**brought(asked, nonce=risk.encode().ljust(32)), "X-Risk": risk}
        flag = server.visitor.post("/api/challenge", headers=headers).json()["flag"]
        worth.append(server.engine.passes.recognise(flag, site_of(server)).score)

    assert worth == [0.7, 0.5]


def site_of(server: Server) -> Site:
    assert server.settings.sites is not None
    return sites.load(server.settings.sites).find("dev-site")
