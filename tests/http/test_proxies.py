"""TrustedProxies: whose word on the visitor's address and risk is taken."""

from pathlib import Path

import httpx
import pytest

from captcha_stateless.tokens import keys
from tests.conftest import MakeServer
from tests.live import live_server
from tests.support import NOW, Server

PROXY, STRANGER = "10.0.0.5", "192.0.2.1"


def ask(server: Server, peer: str, **headers: str) -> httpx.Response:
    server.visitor.address = peer
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.visitor.get(
        "/v1/challenge?siteKey=dev-site", headers={"Origin": "http://localhost", **named}
    )


def digits(reply: httpx.Response) -> int:
    return int(reply.json()["challengeType"]["difficulty"])


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    return make_server(trusted_proxies=("10.0.0.0/8",), risk_header="X-Bot-Score")


@pytest.mark.parametrize(("score", "expected"), [("0", 4), ("79", 4), ("80", 5), ("100", 5)])
def test_a_trusted_proxy_s_score_decides(server: Server, score: str, expected: int) -> None:
    assert digits(ask(server, PROXY, X_Bot_Score=score)) == expected


def test_it_decides_also_when_the_proxy_forwards_the_visitor_s_address(server: Server) -> None:
    """Once the visitor's address stands in the peer's place, nobody can tell who the peer was."""
    reply = ask(server, PROXY, X_Bot_Score="90", X_Forwarded_For=STRANGER)

    assert digits(reply) == 5


@pytest.mark.parametrize("forwarded", ["", PROXY, "127.0.0.1"])
def test_a_spoofed_score_from_an_untrusted_peer_is_ignored(server: Server, forwarded: str) -> None:
    headers = {"X_Forwarded_For": forwarded} if forwarded else {}

    assert digits(ask(server, STRANGER, X_Bot_Score="90", **headers)) == 4


@pytest.mark.parametrize("score", ["", "-1", "101", "nan", "inf", "high", "9" * 400, "80, 90"])
def test_a_score_that_is_none_is_ignored(server: Server, score: str) -> None:
    assert digits(ask(server, PROXY, X_Bot_Score=score)) == 4


def test_a_score_may_count_the_other_way_round(make_server: MakeServer) -> None:
    server = make_server(
        trusted_proxies=("10.0.0.0/8",), risk_header="cf-bot-score", risk_header_inverted=True
    )

    assert [digits(ask(server, PROXY, cf_bot_score=score)) for score in ("1", "99")] == [5, 4]


def test_a_refused_score_is_403_in_the_protocol_s_words(make_server: MakeServer) -> None:
    server = make_server(trusted_proxies=("10.0.0.0/8",), risk_header="X-Bot-Score", policy="strict")

    reply = ask(server, PROXY, X_Bot_Score="95", Accept_Language="fr")

    assert (reply.status_code, reply.json()["title"]) == (403, "Accès refusé")


def test_the_list_of_networks_is_asked_about_the_forwarded_address(
    make_server: MakeServer, tmp_path: Path
) -> None:
    path = tmp_path / "networks.txt"
    path.write_text(f"block {STRANGER}/32\n")
    server = make_server(trusted_proxies=("10.0.0.0/8",), risk_networks=path)

    replies = [
        ask(server, PROXY, X_Forwarded_For=STRANGER),
        ask(server, STRANGER),
        ask(server, "192.0.2.9", X_Forwarded_For=STRANGER),
    ]

    assert [reply.status_code for reply in replies] == [403, 403, 200]


@pytest.mark.parametrize(
    "forwarded", [f"127.0.0.1, {STRANGER}", f"10.0.0.1,192.0.2.99 , {STRANGER}", STRANGER]
)
def test_whoever_trusts_any_peer_believes_its_last_hop(
    make_server: MakeServer, tmp_path: Path, forwarded: str
) -> None:
    """The leftmost hop is what a visitor wrote himself."""
    path = tmp_path / "networks.txt"
    path.write_text(f"block {STRANGER}/32\n")
    server = make_server(trusted_proxies=("*",), risk_networks=path)

    assert ask(server, PROXY, X_Forwarded_For=forwarded).status_code == 403
    assert ask(server, PROXY, X_Forwarded_For=f"{STRANGER}, 192.0.2.9").status_code == 200


def test_who_cannot_be_named_shares_one_bucket(make_server: MakeServer) -> None:
    """An address that is none was neither counted nor limited."""
    server = make_server(trusted_proxies=("10.0.0.0/8",), rate_limit=("2/hour",))

    replies = [
        ask(server, PROXY, X_Forwarded_For=name) for name in ("unknown", "_hidden", "300.1.1.1", STRANGER)
    ]

    assert [reply.status_code for reply in replies] == [200, 200, 429, 200]


def test_without_the_setting_no_proxy_is_believed(make_server: MakeServer) -> None:
    server = make_server(risk_header="X-Bot-Score")

    assert digits(ask(server, "127.0.0.1", X_Bot_Score="90")) == 4


def test_the_command_line_names_the_trusted_proxies(tmp_path: Path) -> None:
    keys.save(tmp_path / "keyring.json", keys.fresh_ring(NOW), overwrite=False)
    environ = {"CAPTCHA_KEYS": str(tmp_path / "keyring.json"), "CAPTCHA_RISK_HEADER": "X-Bot-Score"}
    headers = {"Origin": "http://localhost", "X-Bot-Score": "90", "X-Forwarded-For": STRANGER}
    path = "/v1/challenge?siteKey=dev-site"

    with live_server("--trust-proxies", "127.0.0.1", environ=environ) as trusting:
        harder = httpx.get(trusting.url + path, headers=headers)
    with live_server("--trust-proxies", "10.0.0.1", environ=environ) as wary:
        easier = httpx.get(wary.url + path, headers=headers)

    assert (digits(harder), digits(easier)) == (5, 4)


def test_ipv4_in_ipv6_s_clothes_is_the_same_proxy_and_the_same_hop(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """A socket of both families tells IPv4 peers so, and the trusted 127.0.0.1 was none of them."""
    path = tmp_path / "networks.txt"
    path.write_text(f"block {STRANGER}\n")
    server = make_server(trusted_proxies=("10.0.0.0/8",), risk_networks=path)

    replies = [
        ask(server, f"::ffff:{PROXY}", X_Forwarded_For=STRANGER),
        ask(server, PROXY, X_Forwarded_For=f"{STRANGER}, ::ffff:{PROXY}"),
        ask(server, PROXY, X_Forwarded_For=f"::ffff:{STRANGER}"),
        ask(server, "::ffff:192.0.2.9", X_Forwarded_For=STRANGER),
    ]

    assert [reply.status_code for reply in replies] == [403, 403, 403, 200]
