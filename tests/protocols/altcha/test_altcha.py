"""ALTCHA as its widgets and back ends know it: both generations, codes, server payloads, and the ways around them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs

import altcha
import altcha.v1
import httpx
import pytest

from captcha_stateless import sites
from captcha_stateless.errors import Misconfigured
from captcha_stateless.formats import altcha as forms
from captcha_stateless.protocols.altcha import Altcha
from tests.conftest import MakeServer
from tests.protocols.altcha.conftest import BOTH, challenge, policed, two_sites
from tests.protocols.contract import AdapterContract
from tests.support import NOW, Server
from tests.widgets import V1, V2, keys, packed, payload, solved_2, unpacked, verify


class TestAdapter(AdapterContract):
    adapter: ClassVar = Altcha
    paths: ClassVar[Sequence[str]] = [
        f"{path}/{end}" for path in (V1, V2) for end in ("challenge", "verify", "verify/signature")
    ]
    probes: ClassVar[Sequence[tuple[str, str]]] = [
        ("POST", f"{V1}/verify"),
        ("POST", f"{V2}/verify"),
        ("POST", f"{V1}/verify/signature"),
        ("POST", f"{V2}/verify/signature"),
    ]

    def is_worded(self, response: httpx.Response) -> bool:
        return list(response.json()) == ["error"] and "/json" in response.headers["content-type"]


def test_the_first_form_is_as_its_widgets_read_it(server: Server) -> None:
    reply = server.visitor.get(f"{V1}/challenge?apiKey=dev-site")

    document = reply.json()
    assert set(document) == {"algorithm", "challenge", "salt", "signature", "maxNumber", "maxnumber"}
    assert document["maxNumber"] == document["maxnumber"] == 2**13 - 1
    assert parse_qs(document["salt"].partition("?")[2])["expires"] == [str(NOW + 600)]
    assert document["salt"].endswith("&")
    assert json.loads(reply.headers["x-altcha-config"])["verifyurl"] == "verify?apiKey=dev-site"


def test_the_second_form_is_as_its_widget_reads_it(server: Server) -> None:
    document = challenge(server, V2)

    assert set(document) == {"parameters", "signature", "configuration"}
    assert document["parameters"]["expiresAt"] == NOW + 600
    assert document["parameters"]["algorithm"] == "SHA-256"
    assert set(document["parameters"]["data"]) == {"token"}
    assert document["configuration"] == {"verifyUrl": "verify?apiKey=dev-site"}


@BOTH
def test_a_solution_is_verified_once(server: Server, path: str) -> None:
    solution = payload(server, path)

    replies = [verify(server, solution, path) for _ in range(3)]

    assert [reply["verified"] for reply in replies] == [True, False, False]
    assert [reply.get("reason") for reply in replies] == [None, *["PAYLOAD_ALREADY_USED"] * 2]


@BOTH
def test_their_library_verifies_the_solution_with_the_site_s_keys(server: Server, path: str) -> None:
    solution, held = payload(server, path), keys(server)

    if path == V1:
        assert altcha.v1.verify_solution(solution, held.signature) == (True, None)
        assert altcha.v1.verify_solution(solution, held.key) == (False, None)
    else:
        for key in (None, held.key):
            assert altcha.verify_solution(solution, held.signature, hmac_key_secret=key).verified
        assert not altcha.verify_solution(solution, held.key).verified


@BOTH
def test_a_wrong_number_is_judged_and_spends_the_try(server: Server, path: str) -> None:
    solution = unpacked(payload(server, path))
    if path == V1:
        solution["number"] += 1
    else:
        solution["solution"]["counter"] += 1

    replies = [verify(server, packed(solution), path)["reason"] for _ in range(2)]

    assert replies == ["INVALID_SOLUTION", "PAYLOAD_ALREADY_USED"]


@BOTH
def test_an_expired_challenge_says_so(server: Server, path: str) -> None:
    solution = payload(server, path)
    server.clock.pass_(600)

    assert verify(server, solution, path) == {"verified": False, "reason": "EXPIRED"}


@BOTH
def test_a_solution_counts_at_either_path_once(server: Server, path: str) -> None:
    """Both paths take both forms, for the form says what it is; its use is remembered for both."""
    solution, other = payload(server, path), V1 if path == V2 else V2

    assert verify(server, solution, other)["verified"]
    assert verify(server, solution, path)["reason"] == "PAYLOAD_ALREADY_USED"


@BOTH
def test_a_solution_is_worth_nothing_at_another_site(
    make_server: MakeServer, tmp_path: Path, path: str
) -> None:
    server = make_server(sites=two_sites(tmp_path), policy="lenient")
    solution = payload(server, path, "apiKey=other-site")

    assert verify(server, solution, path)["reason"] == "INVALID_SIGNATURE"


@pytest.mark.parametrize(
    "query",
    ["apiKey=none", "apiKey=dev-site%00", "apiKey=dev-site&action=%20", "apiKey=dev-site&cdata=%C3%A4"],
)
def test_what_no_challenge_can_be_bound_to_is_an_error(server: Server, query: str) -> None:
    reply = server.visitor.get(f"{V2}/challenge?{query}")

    assert (reply.status_code, list(reply.json())) == (400, ["error"])


def test_the_first_site_is_meant_where_none_is_named(server: Server) -> None:
    solution = payload(server, V2, "")

    reply = server.visitor.post(f"{V2}/verify", json={"payload": solution})

    assert reply.json()["verified"]


def test_without_any_site_there_is_no_challenge(make_server: MakeServer, tmp_path: Path) -> None:
    (tmp_path / "sites.toml").write_text("", encoding="utf-8")
    server = make_server(sites=tmp_path / "sites.toml")

    asked = server.visitor.get(f"{V2}/challenge")
    judged = server.visitor.post(f"{V2}/verify", json={"payload": "e30="})

    assert (asked.status_code, judged.status_code) == (400, 400)


def test_action_and_customer_data_come_back_with_the_pass(server: Server) -> None:
    solution = payload(server, V2, "apiKey=dev-site&action=login&cdata=cart-7")
    earned = verify(server, solution)["payload"]

    reply = server.visitor.post("/siteverify", data={"secret": "dev-secret", "response": earned})

    assert (reply.json()["action"], reply.json()["cdata"]) == ("login", "cart-7")


# Code challenges


# Policies


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("", {"algorithm": "SHA-256", "cost": 1}),
        ('kdf = "SHA-512"\ncost = 8', {"algorithm": "SHA-512", "cost": 8}),
        ('kdf = "PBKDF2/SHA-256"\ncost = 100', {"algorithm": "PBKDF2/SHA-256", "cost": 100}),
        (
            'kdf = "PBKDF2/SHA-256"\ncost = 2000\ndeterministic = false',
            {"algorithm": "PBKDF2/SHA-256", "keyPrefix": "0"},
        ),
        ('kdf = "SCRYPT"\ncost = 64\nmemory = 2', {"algorithm": "SCRYPT", "memoryCost": 2, "parallelism": 1}),
        (
            'kdf = "ARGON2ID"\nmemory = 32\nlanes = 2',
            {"algorithm": "ARGON2ID", "memoryCost": 32, "parallelism": 2},
        ),
    ],
)
def test_a_policy_chooses_how_a_key_is_derived(
    make_server: MakeServer, tmp_path: Path, rule: str, expected: dict[str, object]
) -> None:
    server = make_server(sites=policed(tmp_path, f'kind = "work"\ndifficulty = 10\n{rule}'))
    document = challenge(server, V2)
    solution = solved_2(document)

    assert {name: document["parameters"].get(name) for name in expected} == expected
    assert altcha.verify_solution(solution, keys(server).signature).verified
    assert [verify(server, solution)["verified"] for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    "rule", ['kdf = "MD5"', 'kdf = "SCRYPT"\ncost = 3', 'kdf = "ARGON2ID"\nmemory = 1000000', "cost = 0"]
)
def test_a_policy_that_asks_for_what_cannot_be_is_told_at_the_start(
    make_server: MakeServer, tmp_path: Path, rule: str
) -> None:
    with pytest.raises(Misconfigured, match="policy default"):
        make_server(sites=policed(tmp_path, f'kind = "work"\n{rule}'))


def test_two_replicas_judge_as_one(make_server: MakeServer) -> None:
    one, other = make_server(entropy="one", policy="lenient"), make_server(entropy="other", policy="lenient")
    for path in (V1, V2):
        solution = payload(one, path)

        assert verify(other, solution, path)["verified"]
        assert verify(one, solution, path)["reason"] == "PAYLOAD_ALREADY_USED"


def test_the_keys_of_a_site_follow_its_secret(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(sites=two_sites(tmp_path), policy="lenient")
    share_key = server.engine.share_key
    held = {
        forms.keys(share_key, site.key, site.secret_sha256)
        for site in sites.load(tmp_path / "sites.toml").all
    }

    assert len({key for pair in held for key in pair}) == 4
