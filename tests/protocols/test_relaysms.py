"""RelaySMS CAPTCHA server as its clients know it: every row of its table, and the ways around it."""

import io
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from PIL import Image

from captcha_stateless.protocols.relaysms import RelaySms
from captcha_stateless.tokens.digests import fingerprint
from tests.conftest import MakeServer
from tests.protocols.contract import AdapterContract
from tests.support import Server

CLIENT, SECRET = "dev-site", "dev-secret"

SOLVED = "CAPTCHA solved successfully."
VERIFIED = (200, {"success": True, "message": "Token verified successfully."})
CREDENTIALS = (401, {"error": "Incorrect credentials. Please check and try again."})
NOT_FOUND = (404, {"error": "Challenge ID not found or has expired."})
USED = (400, {"error": "Challenge has already been used."})

SITES = f"""
[[site]]
name = "Shop"
key = "shop"
secret_sha256 = "{fingerprint("shop-secret").hex()}"
hosts = ["shop.example"]

[[site]]
name = "Forum"
key = "forum"
secret_sha256 = "{fingerprint("forum-secret").hex()}"

[[site]]
name = "Grids only"
key = "grids"
secret_sha256 = "{fingerprint("grids-secret").hex()}"
kinds = ["grid"]
"""


def post(server: Server, path: str, **body: object) -> tuple[int, Any]:
    reply = server.visitor.post(path, json=body)
    return reply.status_code, reply.json()


def new(server: Server, client: str = CLIENT) -> str:
    return str(post(server, "/v1/new", client_id=client)[1]["challenge_id"])


def solve(server: Server, token: str, answer: str | None = None, client: str = CLIENT) -> tuple[int, Any]:
    text = server.answer(token, "relaysms") if answer is None else answer
    return post(server, "/v1/solve", client_id=client, challenge_id=token, answer=text)


def solved(server: Server, client: str = CLIENT) -> str:
    return str(solve(server, new(server, client), client=client)[1]["token"])


def verify(server: Server, token: str, secret: str = SECRET) -> tuple[int, Any]:
    return post(server, "/v1/verify", client_secret=secret, token=token)


def is_not_verified(reply: tuple[int, Any]) -> bool:
    return reply[0] == 200 and reply[1]["success"] is False and isinstance(reply[1]["message"], str)


@pytest.fixture
def sites(make_server: MakeServer, tmp_path: Path) -> Server:
    path = tmp_path / "sites.toml"
    path.write_text(SITES)
    return make_server(sites=path)


class TestAdapter(AdapterContract):
    adapter: ClassVar = RelaySms
    paths: ClassVar[Sequence[str]] = ["/v1/new", "/v1/solve", "/v1/verify"]
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", path) for path in paths]

    def is_worded(self, response: httpx.Response) -> bool:
        return list(response.json()) == ["error"]


def test_new_answers_an_id_and_a_bare_base64_picture(server: Server) -> None:
    status, reply = post(server, "/v1/new", client_id=CLIENT)

    assert (status, list(reply)) == (200, ["challenge_id", "image"])
    picture = Image.open(io.BytesIO(b64decode(reply["image"], validate=True)))
    assert (picture.format, picture.size) == ("PNG", (350, 100))


def test_the_right_answer_earns_a_token(server: Server) -> None:
    token = new(server)

    status, reply = solve(server, token)

    assert (status, list(reply)) == (200, ["success", "message", "token"])
    assert (reply["success"], reply["message"]) == (True, SOLVED)
    assert reply["token"].startswith(f"{token}-")


def test_a_wrong_answer_is_200_without_success_or_token(server: Server) -> None:
    status, reply = solve(server, new(server), "wrong")

    assert (status, list(reply)) == (200, ["success", "message", "token"])
    assert (reply["success"], reply["token"]) == (False, None)


def test_a_challenge_is_used_up_by_the_first_solve(server: Server) -> None:
    token = new(server)
    solve(server, token, "wrong")

    assert solve(server, token) == USED


def test_the_same_solve_again_is_told_the_same_token(server: Server) -> None:
    token = new(server)
    told = [solve(server, token) for _ in range(2)]

    assert told[0] == told[1]
    assert solve(server, token, "wrong") == USED
    server.clock.pass_(66)
    assert solve(server, token) == USED


def test_the_spoken_digits_are_right_too(server: Server) -> None:
    token = new(server)
    digits = "".join(server.engine.renderer.draw(server.engine.look(token, "relaysms")).spoken)

    assert solve(server, token, digits)[1]["success"] is True


def test_a_verification_token_works_once(server: Server) -> None:
    token = solved(server)

    first, *later = [verify(server, token) for _ in range(3)]

    assert first == VERIFIED
    assert all(is_not_verified(reply) for reply in later)


def test_a_challenge_lives_five_minutes(server: Server) -> None:
    early, late = new(server), new(server)
    text = server.answer(late, "relaysms")

    server.clock.pass_(299)
    in_time = solve(server, early)
    server.clock.pass_(1)

    assert in_time[1]["success"] is True
    assert solve(server, late, text) == NOT_FOUND


def test_a_verification_token_lives_five_minutes_from_the_solve(server: Server) -> None:
    early, late = solved(server), solved(server)

    server.clock.pass_(299)
    in_time = verify(server, early)
    server.clock.pass_(1)

    assert in_time == VERIFIED
    assert is_not_verified(verify(server, late))


def test_an_unknown_client_has_incorrect_credentials(server: Server) -> None:
    assert post(server, "/v1/new", client_id="other") == CREDENTIALS
    assert solve(server, new(server), client="other") == CREDENTIALS


def test_a_wrong_secret_has_incorrect_credentials_and_burns_nothing(server: Server) -> None:
    token = solved(server)

    assert verify(server, token, "other") == CREDENTIALS
    assert verify(server, token, CLIENT) == CREDENTIALS
    assert verify(server, token) == VERIFIED


def test_a_challenge_of_another_client_is_not_found_and_not_burnt(sites: Server) -> None:
    token = new(sites, "shop")

    assert solve(sites, token, client="forum") == NOT_FOUND
    assert solve(sites, token, client="shop")[1]["success"] is True


def test_a_verification_token_of_another_client_is_not_verified_and_not_burnt(sites: Server) -> None:
    token = solved(sites, "shop")

    assert is_not_verified(verify(sites, token, "forum-secret"))
    assert verify(sites, token, "shop-secret") == VERIFIED


def test_a_page_of_another_host_has_incorrect_credentials(sites: Server) -> None:
    replies = [
        sites.visitor.post("/v1/new", json={"client_id": "shop"}, headers={"Origin": origin}).status_code
        for origin in (
            "https://shop.example",
            "https://evil.example",
            "null",
            "https://[",
            "http://shop.example:81",
        )
    ]

    assert replies == [200, 401, 401, 401, 200]


def test_a_client_without_text_is_told(sites: Server) -> None:
    status, reply = post(sites, "/v1/new", client_id="grids")

    assert (status, reply) == (400, {"error": "This client offers no text CAPTCHA."})


@pytest.mark.parametrize("path", ["/v1/new", "/v1/solve", "/v1/verify"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"json": None},
        {"json": []},
        {"json": {}},
        {"json": {"client_id": 1, "client_secret": 1}},
        {
            "json": {
                "client_id": None,
                "challenge_id": None,
                "answer": None,
                "client_secret": None,
                "token": None,
            }
        },
        {"json": {"client_id": [CLIENT], "client_secret": [SECRET], "token": {}}},
        {"data": {"client_id": CLIENT, "client_secret": SECRET}},
        {"content": b"{", "headers": {"content-type": "application/json"}},
    ],
)
def test_missing_or_ill_typed_fields_are_400(server: Server, path: str, options: dict[str, Any]) -> None:
    reply = server.visitor.post(path, **options)

    assert (reply.status_code, list(reply.json())) == (400, ["error"])


def test_malformed_answers_spend_nothing(server: Server) -> None:
    token = new(server)

    malformed: list[object] = [None, 1, [], "", " ", "x" * 65]
    for answer in malformed:
        status, _ = post(server, "/v1/solve", client_id=CLIENT, challenge_id=token, answer=answer)
        assert status == 400
    assert solve(server, token)[1]["success"] is True


def test_another_replica_solves_and_a_third_verifies(make_server: MakeServer) -> None:
    one, two, three = (make_server(entropy=name) for name in ("one", "two", "three"))
    token = new(one)

    reply = solve(two, token)[1]

    assert verify(three, reply["token"]) == VERIFIED


def test_a_verify_without_site_key_is_this_protocol_s(server: Server) -> None:
    """RESTCaptcha claims `/v1/verify` too, with the query parameter `siteKey`."""
    assert verify(server, solved(server)) == VERIFIED


def test_under_its_prefix_the_whole_run_works(server: Server) -> None:
    token = post(server, "/relaysms/v1/new", client_id=CLIENT)[1]["challenge_id"]
    text = server.answer(token, "relaysms")
    reply = post(server, "/relaysms/v1/solve", client_id=CLIENT, challenge_id=token, answer=text)[1]

    assert post(server, "/relaysms/v1/verify", client_secret=SECRET, token=reply["token"]) == VERIFIED


def test_no_token_no_secret_and_no_answer_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = solved(server)

    verify(server, token)
    verify(server, token)
    verify(server, token, "other-secret")
    solve(server, new(server), "wrongly read")

    assert "not-verified: spent" in caplog.text
    assert not any(secret in caplog.text for secret in (token[:60], "other-secret", "wrongly read"))


def test_a_binding_that_no_pass_could_hold_is_refused_when_it_begins(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """A long key and a long host earned a pass of 783 characters, beyond what edges were promised."""
    key, host = "k" * 64, "h" * 60 + ".example" + ".x" * 60
    path = tmp_path / "sites.toml"
    digest = fingerprint("secret").hex()
    path.write_text(f'[[site]]\nname = "Long"\nkey = "{key}"\nsecret_sha256 = "{digest}"\n')
    server = make_server(sites=path)

    reply = server.visitor.post("/v1/new", json={"client_id": key}, headers={"Origin": f"https://{host}"})

    assert reply.status_code == 400
    assert list(reply.json()) == ["error"]
