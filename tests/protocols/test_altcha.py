"""ALTCHA as its widgets and back ends know it: both generations, codes, server payloads, and the ways around them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import altcha
import altcha.v1
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captcha_stateless import sites
from captcha_stateless.errors import BadToken, Misconfigured
from captcha_stateless.formats import altcha as forms
from captcha_stateless.protocols.altcha import LIGHT_BITS, Altcha
from captcha_stateless.sites import DEVELOPMENT_SITES
from tests.conftest import MakeServer
from tests.protocols.contract import INHERITED, AdapterContract
from tests.support import NOW, Server
from tests.widgets import V1, V2, keys, packed, payload, server_payload, solved_1, solved_2, unpacked, verify

BOTH = pytest.mark.parametrize("path", [V1, V2])


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    """Make a server that asks for little work: it is done here, in Python."""
    return make_server(policy="lenient")


def policed(folder: Path, rule: str, **options: Any) -> Path:
    """Write a sites file whose development site has a policy of one rule."""
    path = folder / "sites.toml"
    sites.append(path, sites.make("Shop", "dev-site", "dev-secret", **{"kinds": ["work", "text"], **options}))
    text = f'[[policy]]\nname = "default"\n[[policy.rule]]\nscore = [0, 100]\n{rule}\n'
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return path


def challenge(server: Server, path: str, query: str = "apiKey=dev-site") -> Any:
    reply = server.visitor.get(f"{path}/challenge?{query}")
    assert reply.status_code == 200, reply.text
    return reply.json()


def signature(server: Server, payload: str, path: str = V1, **body: Any) -> httpx.Response:
    secret = {"secret": "dev-secret"} if path == V1 else {}
    auth = None if path == V1 else ("dev-site", "dev-secret")
    json = {"payload": payload, **secret, **body}
    return server.visitor.post(f"{path}/verify/signature", json=json, auth=auth)


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


def test_an_expired_server_payload_says_so(server: Server) -> None:
    earned = server_payload(server)
    server.clock.pass_(300)

    assert signature(server, earned).json() == {"verified": False, "reason": "EXPIRED"}


Change = Callable[[Any], Any]


def put(*way: str, value: object) -> Change:
    def change(document: Any) -> Any:
        place = document
        for name in way[:-1]:
            place = place[name]
        place[way[-1]] = value
        return document

    return change


def both(one: Change, other: Change) -> Change:
    return lambda document: other(one(document))


def raised(*way: str) -> Change:
    """Change the last digit of a text, or add one to a number."""

    def change(document: Any) -> Any:
        place = document
        for name in way[:-1]:
            place = place[name]
        old = place[way[-1]]
        last = "0" if str(old).endswith("1") else "1"
        place[way[-1]] = old + 1 if isinstance(old, int) else old[:-1] + last
        return document

    return change


PARAMETERS = ("challenge", "parameters")
FORGED_2 = [
    raised("challenge", "signature"),
    *(
        raised(*PARAMETERS, name)
        for name in ("cost", "expiresAt", "keyLength", "keyPrefix", "keySignature", "nonce", "salt")
    ),
    put(*PARAMETERS, "algorithm", value="SHA-512"),
    raised(*PARAMETERS, "data", "token"),
]
FORGED_1 = [raised("challenge"), raised("signature")]


@pytest.mark.parametrize(
    ("path", "forge"), [*((V1, forge) for forge in FORGED_1), *((V2, forge) for forge in FORGED_2)]
)
def test_what_was_changed_is_no_longer_signed_and_spends_nothing(
    server: Server, path: str, forge: Change
) -> None:
    solution = payload(server, path)

    assert verify(server, packed(forge(unpacked(solution))), path)["reason"] == "INVALID_SIGNATURE"
    assert verify(server, solution, path)["verified"]


MALFORMED_1 = [
    put("number", value="1"),
    put("number", value=True),
    put("number", value=-1),
    put("number", value=1.5),
    put("algorithm", value="SHA-1"),
    put("salt", value="0" * 24),
    put("salt", value=None),
    put("extra", value=1),
    put("signature", value=None),
]
MALFORMED_2 = [
    put("solution", "counter", value="1"),
    put("solution", "counter", value=True),
    put("solution", "counter", value=-1),
    put("solution", "counter", value=2**32),
    put("solution", "derivedKey", value="F" * 64),
    put("solution", "derivedKey", value="f" * 63),
    put("solution", "derivedKey", value=None),
    put("solution", "extra", value=1),
    put("solution", value=None),
    put("challenge", value=None),
    put("challenge", "signature", value=None),
    put("challenge", "extra", value=1),
    put("challenge", "parameters", value=None),
    put(*PARAMETERS, "data", value={"1": 1, "token": "x"}),
    put(*PARAMETERS, "data", value={"token": 7}),
    put(*PARAMETERS, "cost", value=1.0),
    put(*PARAMETERS, "cost", value=True),
    put(*PARAMETERS, "expiresAt", value=None),
    put(*PARAMETERS, "extra", value=1),
    put(*PARAMETERS, "memoryCost", value=2**31),
    both(put(*PARAMETERS, "memoryCost", value=0), put(*PARAMETERS, "parallelism", value=0)),
    put(*PARAMETERS, "algorithm", value='SHA-256","cost":1,"x":"'),
    put(*PARAMETERS, "keySignature", value=""),
    put("test", value=True),
]


@pytest.mark.parametrize(
    ("path", "change"), [*((V1, change) for change in MALFORMED_1), *((V2, change) for change in MALFORMED_2)]
)
def test_what_has_another_form_is_an_error_and_spends_nothing(
    server: Server, path: str, change: Change
) -> None:
    solution = payload(server, path)

    assert "error" in verify(server, packed(change(unpacked(solution))), path)
    assert verify(server, solution, path)["verified"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "====",
        "e30",
        "e30=\n",
        "\u00e4",
        packed([]),
        packed(None),
        packed({}),
        packed({"challenge": None, "solution": None, "test": True}),
        "W1" * 4_000,
        "A" * 8_193,
    ],
)
def test_what_is_no_payload_is_an_error(server: Server, text: str) -> None:
    assert list(verify(server, text)) == ["error"]
    assert list(signature(server, text).json()) == ["error"]


def test_a_member_that_is_there_twice_is_an_error(server: Server) -> None:
    import base64

    solution = json.dumps(unpacked(payload(server, V1)))
    doubled = base64.b64encode(solution.replace('{"', '{"number": 1, "', 1).encode()).decode()

    assert list(verify(server, doubled, V1)) == ["error"]


@pytest.mark.parametrize("body", [[], {}, {"payload": 7}, {"payload": "x", "code": 7}, {"payload": None}])
def test_a_body_of_another_form_is_an_error(server: Server, body: object) -> None:
    reply = server.visitor.post(f"{V2}/verify?apiKey=dev-site", json=body)

    assert (reply.status_code, list(reply.json())) == (400, ["error"])


def test_parts_of_two_challenges_are_none(server: Server) -> None:
    """The signature is of the one, the salt and its number are of the other."""
    one, other = unpacked(payload(server, V1)), unpacked(payload(server, V1))
    mixed = {**one, "challenge": other["challenge"], "signature": other["signature"]}

    assert verify(server, packed(mixed), V1)["reason"] == "INVALID_SIGNATURE"


@BOTH
def test_a_solution_counts_at_either_path_once(server: Server, path: str) -> None:
    """Both paths take both forms, for the form says what it is; its use is remembered for both."""
    solution, other = payload(server, path), V1 if path == V2 else V2

    assert verify(server, solution, other)["verified"]
    assert verify(server, solution, path)["reason"] == "PAYLOAD_ALREADY_USED"


def two_sites(folder: Path) -> Path:
    path = folder / "sites.toml"
    for name in ("dev", "other"):
        sites.append(path, sites.make(name, f"{name}-site", f"{name}-secret", kinds=["work"]))
    return path


@BOTH
def test_a_solution_is_worth_nothing_at_another_site(
    make_server: MakeServer, tmp_path: Path, path: str
) -> None:
    server = make_server(sites=two_sites(tmp_path), policy="lenient")
    solution = payload(server, path, "apiKey=other-site")

    assert verify(server, solution, path)["reason"] == "INVALID_SIGNATURE"


def test_a_server_payload_is_worth_nothing_at_another_site(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(sites=two_sites(tmp_path), policy="lenient")
    earned = server_payload(server)

    assert signature(server, earned, secret="other-secret").json()["reason"] == "INVALID_SIGNATURE"
    assert signature(server, earned).json()["verified"]


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


def test_a_server_payload_tells_what_the_run_was_for_and_where(server: Server) -> None:
    """Back ends that verify offline could not tell one form's solution from another's."""
    headers = {"Origin": "http://localhost"}
    given = server.visitor.get(f"{V2}/challenge?apiKey=dev-site&action=007", headers=headers).json()
    earned = verify(server, solved_2(given))["payload"]

    told = altcha.verify_server_signature(earned, keys(server).signature).verification_data
    judged = signature(server, earned).json()["verificationData"]

    assert told is not None
    assert told["hostname"] == "localhost"
    assert (judged["hostname"], judged["action"], judged["score"]) == ("localhost", "007", 0)


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


# Code challenges


@BOTH
def test_a_code_is_asked_besides_a_moment_s_work(server: Server, path: str) -> None:
    document = challenge(server, path, "apiKey=dev-site&kind=text")

    code = document["codeChallenge"]
    assert code["image"].startswith("data:image/png;base64,iVBOR")
    assert code["length"] == 6
    assert urlsplit(code["audio"]).path == "/api/audio"
    if path == V1:
        assert document["maxNumber"] == 2 ** (LIGHT_BITS + 1) - 1


def coded(server: Server, path: str) -> tuple[str, str, str]:
    """Have a code challenge: the payload, what its picture reads and what its sound says."""
    document = challenge(server, path, "apiKey=dev-site&kind=text")
    token = parse_qs(urlsplit(document["codeChallenge"]["audio"]).query)["token"][0]
    claims = server.engine.look(token, "altcha")
    solution = (solved_1 if path == V1 else solved_2)(document)
    return solution, str(server.engine.tell(claims)), "".join(server.engine.renderer.draw(claims).spoken)


@BOTH
@pytest.mark.parametrize("heard", [False, True])
def test_the_right_code_earns_a_pass_of_its_kind_once(server: Server, path: str, heard: bool) -> None:
    solution, seen, said = coded(server, path)

    replies = [verify(server, solution, path, code=said if heard else seen) for _ in range(2)]

    assert [reply["verified"] for reply in replies] == [True, False]
    data = parse_qs(unpacked(replies[0]["payload"])["verificationData"])
    assert data["kind"] == ["text"]


@BOTH
def test_a_wrong_code_spends_the_try(server: Server, path: str) -> None:
    solution, seen, _ = coded(server, path)

    replies = [verify(server, solution, path, code=code)["reason"] for code in ("wrong", seen)]

    assert replies == ["INVALID_SOLUTION", "PAYLOAD_ALREADY_USED"]


@BOTH
@pytest.mark.parametrize("code", [None, "", "  ", "x" * 65])
def test_no_code_or_one_that_nobody_types_spends_nothing(server: Server, path: str, code: str | None) -> None:
    solution, seen, _ = coded(server, path)

    assert not verify(server, solution, path, code=code).get("verified")
    assert verify(server, solution, path, code=seen)["verified"]


@BOTH
def test_the_moment_s_work_before_a_code_is_no_solution_offline(server: Server, path: str) -> None:
    """Back ends that verify solutions by themselves took it for the whole, though no code was typed."""
    solution, _, _ = coded(server, path)
    document = unpacked(solution)
    site = DEVELOPMENT_SITES.all[0]

    with pytest.raises(BadToken):
        forms.solution(forms.keys(server.engine.share_key, site.key, site.secret_sha256), packed(document))
    theirs: Callable[..., Any] = altcha.v1.verify_solution if path == V1 else altcha.verify_solution
    told = [theirs(solution, key) for key in keys(server)]
    assert not any(each[0] if isinstance(each, tuple) else each.verified for each in told)


@BOTH
def test_a_code_without_the_work_is_not_looked_at(server: Server, path: str) -> None:
    solution, seen, _ = coded(server, path)
    lazy = unpacked(solution)
    if path == V1:
        lazy["number"] += 1
    else:
        lazy["solution"]["counter"] += 1

    assert verify(server, packed(lazy), path, code=seen) == {"error": "the work is not done"}
    assert verify(server, solution, path, code=seen)["verified"]


@BOTH
def test_a_policy_may_ask_for_a_code(make_server: MakeServer, tmp_path: Path, path: str) -> None:
    server = make_server(sites=policed(tmp_path, 'kind = "text"'))

    assert "codeChallenge" in challenge(server, path)


@BOTH
def test_a_site_where_work_does_not_count_asks_for_a_code(
    make_server: MakeServer, tmp_path: Path, path: str
) -> None:
    sites.append(tmp_path / "s.toml", sites.make("Shop", "dev-site", "dev-secret", kinds=["text"]))
    server = make_server(sites=tmp_path / "s.toml")

    assert "codeChallenge" in challenge(server, path)


def test_without_recordings_there_is_no_sound_and_where_lengths_differ_none_is_named(
    make_server: MakeServer,
) -> None:
    mute = challenge(make_server(audio_languages=()), V2, "kind=text")["codeChallenge"]
    long = challenge(make_server(text_length=8), V2, "kind=text")["codeChallenge"]

    assert (mute.get("audio"), mute["length"]) == (None, 6)
    assert ("audio" in long, "length" in long) == (True, False)


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


@pytest.mark.parametrize("rule", ['kdf = "SCRYPT"', 'kdf = "ARGON2ID"', "time_lock = true"])
def test_who_asks_for_the_first_form_gets_no_hashes_where_the_policy_asks_for_more(
    make_server: MakeServer, tmp_path: Path, rule: str
) -> None:
    server = make_server(sites=policed(tmp_path, f'kind = "work"\ndifficulty = 10\n{rule}'))
    asked = [(V1, 403), (V2, 403 if "time" in rule else 200)]

    statuses = [server.visitor.get(f"{path}/challenge?apiKey=dev-site").status_code for path, _ in asked]
    others = [
        server.visitor.get("/v1/challenge?siteKey=dev-site").status_code,
        server.visitor.post("/dev-site/challenge").status_code,
        server.visitor.post("/api/challenge?sitekey=dev-site&kind=work").status_code,
    ]

    assert statuses == [status for _, status in asked]
    assert others == [403, 200 if "time" in rule else 403, 400]


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


@settings(max_examples=150, deadline=None, suppress_health_check=INHERITED)
@given(
    document=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["challenge", "solution", "salt", "parameters", "signature", "number", "data", "1"]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    )
)
def test_no_payload_crashes_it(server: Server, document: object) -> None:
    text = packed(document)

    assert list(verify(server, text)) == ["error"]
    assert list(signature(server, text).json()) == ["error"]
