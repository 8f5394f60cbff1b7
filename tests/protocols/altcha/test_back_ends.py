"""What back ends written for ALTCHA ask, and how they name themselves."""

from pathlib import Path
from urllib.parse import parse_qs

import altcha
import pytest

from captcha_stateless.formats import altcha as forms
from tests.conftest import MakeServer
from tests.protocols.altcha.conftest import BOTH, Change, put, raised, signature, two_sites
from tests.support import NOW, Server
from tests.widgets import V1, V2, keys, packed, server_payload, unpacked


@BOTH
def test_their_library_verifies_the_server_payload(server: Server, path: str) -> None:
    earned, held = server_payload(server, path), keys(server)

    result = altcha.verify_server_signature(earned, held.signature)

    assert result.verified
    assert result.verification_data is not None
    found = {
        name: result.verification_data[name] for name in ("classification", "score", "kind", "expire", "time")
    }
    assert found == {"classification": "GOOD", "score": 0, "kind": "work", "expire": NOW + 300, "time": NOW}
    assert not altcha.verify_server_signature(earned, held.key).verified


@BOTH
def test_a_server_payload_counts_once_wherever_it_is_judged(server: Server, path: str) -> None:
    earned = server_payload(server, path)
    token = parse_qs(unpacked(earned)["verificationData"])["token"][0]

    first = signature(server, earned, path).json()
    again = [signature(server, earned, other).json() for other in (V1, V2)]
    elsewhere = [
        server.visitor.post("/siteverify", data={"secret": "dev-secret", "response": text}).json()["success"]
        for text in (earned, token)
    ]

    assert (first["verified"], first["apiKey"], first["verificationData"]["verified"]) == (
        True,
        "dev-site",
        True,
    )
    assert [reply["reason"] for reply in again] == ["PAYLOAD_ALREADY_USED"] * 2
    assert elsewhere == [False, False]


def test_siteverify_takes_a_server_payload(server: Server) -> None:
    data = {"secret": "dev-secret", "response": server_payload(server)}

    assert [server.visitor.post("/siteverify", data=data).json()["success"] for _ in range(2)] == [
        True,
        False,
    ]


def test_an_expired_server_payload_says_so(server: Server) -> None:
    earned = server_payload(server)
    server.clock.pass_(300)

    assert signature(server, earned).json() == {"verified": False, "reason": "EXPIRED"}


def test_a_server_payload_is_worth_nothing_at_another_site(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(sites=two_sites(tmp_path), policy="lenient")
    earned = server_payload(server)

    assert signature(server, earned, secret="other-secret").json()["reason"] == "INVALID_SIGNATURE"
    assert signature(server, earned).json()["verified"]


@pytest.mark.parametrize(
    ("path", "body", "auth"),
    [
        (V1, {"secret": "wrong"}, None),
        (V2, {"secret": "wrong"}, None),
        (V1, {}, ("dev-site", "wrong")),
        (V2, {"secret": "dev-secret"}, ("dev-site", "wrong")),
        (V2, {}, ("other", "dev-secret")),
    ],
)
def test_a_back_end_must_know_the_secret(
    server: Server, path: str, body: dict[str, str], auth: tuple[str, str] | None
) -> None:
    earned = server_payload(server)

    reply = server.visitor.post(f"{path}/verify/signature", json={"payload": earned, **body}, auth=auth)

    assert (reply.status_code, reply.json()) == (400, {"error": "wrong secret"})
    assert signature(server, earned).json()["verified"]


def test_a_back_end_that_names_itself_nowhere_is_told_what_is_missing(server: Server) -> None:
    reply = server.visitor.post(f"{V2}/verify/signature", json={"payload": "x"})

    assert (reply.status_code, reply.json()) == (
        400,
        {"error": "the body must hold payload and secret as text"},
    )


def test_either_path_takes_either_way_to_name_a_back_end(server: Server) -> None:
    for path, other in ((V1, V2), (V2, V1)):
        earned, kept = server_payload(server, path), server_payload(server, path)

        body = server.visitor.post(
            f"{other}/verify/signature", json={"payload": earned, "secret": "dev-secret"}
        )
        basic = server.visitor.post(
            f"{other}/verify/signature", json={"payload": kept}, auth=("dev-site", "dev-secret")
        )

        assert body.json()["verified"] and basic.json()["verified"]


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic \u00e4", "Basic e30", "Bearer ZGV2LXNpdGU6ZGV2LXNlY3JldA==", "Basic /w=="],
)
def test_what_is_no_basic_authentication_is_a_wrong_secret(server: Server, header: str) -> None:
    reply = server.visitor.post(
        f"{V2}/verify/signature", json={"payload": "x"}, headers={"authorization": header.encode("latin-1")}
    )

    assert reply.json() == {"error": "wrong secret"}


@pytest.mark.parametrize(
    "change",
    [
        put("algorithm", value="SHA-1"),
        put("verified", value="true"),
        put("verified", value=1),
        put("extra", value=1),
        put("verificationData", value=None),
        put("verificationData", value="a" * 2_049),
        put("signature", value=""),
    ],
)
def test_a_server_payload_of_another_form_is_an_error(server: Server, change: Change) -> None:
    earned = server_payload(server)

    assert list(signature(server, packed(change(unpacked(earned)))).json()) == ["error"]
    assert signature(server, earned).json()["verified"]


@pytest.mark.parametrize("change", [raised("signature"), raised("verificationData")])
def test_a_changed_server_payload_is_not_signed(server: Server, change: Change) -> None:
    forged = packed(change(unpacked(server_payload(server))))

    assert signature(server, forged).json() == {"verified": False, "reason": "INVALID_SIGNATURE"}
    data = {"secret": "dev-secret", "response": forged}
    assert server.visitor.post("/siteverify", data=data).json()["error-codes"] == ["invalid-input-response"]


@pytest.mark.parametrize("facts", [{"verified": "true"}, {"token": "a.b.c"}, {"token": ""}])
def test_what_the_holder_of_the_keys_signs_is_no_pass(server: Server, facts: dict[str, str | int]) -> None:
    """A back end holds the HMAC secret, so that it can sign what its libraries take; a pass it cannot sign."""
    signed = forms.server_payload(keys(server), facts)
    data = {"secret": "dev-secret", "response": signed}

    assert altcha.verify_server_signature(signed, keys(server).signature).verified is ("verified" in facts)
    assert signature(server, signed).json() == {"verified": False, "reason": "INVALID_SIGNATURE"}
    assert server.visitor.post("/siteverify", data=data).json()["error-codes"] == ["invalid-input-response"]


@pytest.mark.parametrize("text", ["e30=", "x", packed({"challenge": None, "solution": None, "test": True})])
def test_siteverify_takes_nothing_else_without_a_dot(server: Server, text: str) -> None:
    reply = server.visitor.post("/siteverify", data={"secret": "dev-secret", "response": text})

    assert reply.json()["error-codes"] == ["invalid-input-response"]
