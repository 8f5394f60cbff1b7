"""Signed agents: one good signature names its agent once, and everything else names nobody."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures.algorithms import HMAC_SHA256

from captcha_stateless import Settings, sites
from captcha_stateless.agents import Agents, create, directory, known
from captcha_stateless.agents.pinned import PinnedAgents
from captcha_stateless.errors import BadToken, CaptchaError, Expired, Spent, TooMany
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.risk import Caller
from captcha_stateless.settings.reload import Reloaded
from captcha_stateless.sites.checks import fit
from captcha_stateless.wall import Visit
from tests.agents.signers import ORIGIN, VISIT, Agent, pinned, with_headers
from tests.needs import module, need
from tests.support import NOW, Clock

AGENT = Agent()
OTHER = Agent("Other", "https://other.example", Ed25519PrivateKey.from_private_bytes(b"o" * 32))


class Wall:
    """What verifies, and the clock that it goes by."""

    def __init__(self, path: Path, clock: Callable[[], float] | None = None) -> None:
        self.clock = Clock()
        now = clock or self.clock
        keys, replay = (
            directory.load(path),
            MemoryReplay(key=b"k" * 32, now=now() - 100, horizon_seconds=2520),
        )
        self.metered: list[Caller] = []
        self.agents = PinnedAgents(lambda: keys, replay, b"key", meter=self.metered.append, clock=now)

    def name(self, visit: Visit) -> str:
        return anyio.run(self.agents.verify, visit)


@pytest.fixture
def wall(tmp_path: Path) -> Wall:
    return Wall(pinned(tmp_path / "agents.json", AGENT, OTHER))


def dictionary(origin: str = ORIGIN) -> dict[str, Any]:
    return {"agent": f'sig1="{origin}"', "components": ("@authority", '"signature-agent";key="sig1"')}


GOOD: dict[str, Visit] = {
    "the older form": AGENT.sign(),
    "the newer form": AGENT.sign(**dictionary()),
    "a member of another name": AGENT.sign(
        agent=f'who="{ORIGIN}"', components=("@authority", '"signature-agent";key="who"')
    ),
    "a dictionary, signed whole": AGENT.sign(agent=f'sig1="{ORIGIN}"'),
    "no Signature-Agent": AGENT.sign(agent=""),
    "the directory's address": AGENT.sign(agent=f'"{ORIGIN}{directory.PATH}"'),
    "the port of HTTPS": AGENT.sign(agent=f'"{ORIGIN}:443"'),
    "no alg": AGENT.sign(include_alg=False),
    "more components": AGENT.sign(
        components=("@method", "@authority", "@path", "@query", "@target-uri", "signature-agent")
    ),
    "a clock ahead": AGENT.sign(created=NOW + 5),
    "a day's life": AGENT.sign(seconds=86_400),
    "beside another's with another tag": with_headers(
        VISIT,
        {
            **AGENT.sign().headers,
            "signature-input": 'proxy=("@method");created=1;tag="edge", '
            + AGENT.sign().headers["signature-input"],
            "signature": "proxy=:AAAA:, " + AGENT.sign().headers["signature"],
        },
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_signature_names_its_agent_once(wall: Wall, case: str) -> None:
    assert wall.name(GOOD[case]) == "Reader"
    with pytest.raises(Spent):
        wall.name(GOOD[case])


def altered(name: str, change: Callable[[str], str], visit: Visit | None = None) -> Visit:
    headers = dict((visit or AGENT.sign()).headers)
    return replace(VISIT, headers={**headers, name: change(headers[name])})


def without(param: str) -> Visit:
    """Take a parameter out after the signing: it is missing before anything else is wrong."""
    return altered(
        "signature-input", lambda text: ";".join(p for p in text.split(";") if not p.startswith(f"{param}="))
    )


def doubled() -> Visit:
    one, two = AGENT.sign(label="a"), AGENT.sign(label="b", nonce="n2")
    headers = {name: f"{one.headers[name]}, {two.headers[name]}" for name in ("signature", "signature-input")}
    return with_headers(VISIT, {**one.headers, **headers})


def hmac_with_the_public_key() -> Visit:
    public = AGENT.key.public_key().public_bytes_raw()
    return AGENT.sign(algorithm=HMAC_SHA256, key=public)


BAD: dict[str, Visit] = {
    "another host": replace(AGENT.sign(), host="other.example"),
    "another port": replace(AGENT.sign(), host="shop.example:8443"),
    "another path, where it is signed": replace(
        AGENT.sign(components=("@authority", "@path", "signature-agent")), path="/"
    ),
    "another method, where it is signed": replace(
        AGENT.sign(components=("@authority", "@method", "signature-agent")), method="POST"
    ),
    "another's key": AGENT.sign(key=OTHER.key),
    "another's key id": AGENT.sign(keyid=OTHER.keyid),
    "made later": AGENT.sign(created=NOW + 6),
    "made for more than a day": AGENT.sign(seconds=86_401),
    "two in one header": doubled(),
    "one label twice": altered("signature-input", lambda text: f"{text}, {text}"),
    "one parameter twice": altered("signature-input", lambda text: f'{text};nonce="n1"'),
    "an unknown parameter": altered("signature-input", lambda text: f"{text};more=1"),
    "no nonce": AGENT.sign(nonce=None),
    "an empty nonce": AGENT.sign(nonce=""),
    "a long nonce": AGENT.sign(nonce="n" * 257),
    "no created": without("created"),
    "no expires": without("expires"),
    "no keyid": without("keyid"),
    "times that are no whole numbers": altered(
        "signature-input", lambda text: text.replace(f"{NOW};", f"{NOW}.0;")
    ),
    "HMAC with the public key": hmac_with_the_public_key(),
    "alg says HMAC": altered("signature-input", lambda text: text.replace("ed25519", "hmac-sha256")),
    "alg says RSA": altered("signature-input", lambda text: text.replace("ed25519", "rsa-pss-sha512")),
    "the host is not signed": AGENT.sign(components=("@method", "signature-agent")),
    "the host of another message": altered(
        "signature-input", lambda text: text.replace('"@authority"', '"@authority";req')
    ),
    "Signature-Agent is not signed": AGENT.sign(components=("@authority",)),
    "Signature-Agent names another": AGENT.sign(agent='"https://other.example"'),
    "Signature-Agent, the newer form, names another": AGENT.sign(**dictionary("https://other.example")),
    "Signature-Agent is no HTTPS": AGENT.sign(agent='"http://agent.example"'),
    "Signature-Agent holds a user": AGENT.sign(agent='"https://a@agent.example"'),
    "Signature-Agent is a token": AGENT.sign(agent="agent.example"),
    "Signature-Agent is a number": AGENT.sign(agent="sig1=1"),
    "Signature-Agent without the member": AGENT.sign(agent=f'sig2="{ORIGIN}"'),
    "Signature-Agent in two members": AGENT.sign(
        agent=f'a="{ORIGIN}", b="{ORIGIN}"',
        components=("@authority", '"signature-agent";key="a"', '"signature-agent";key="b"'),
    ),
    "Signature-Agent changed": altered("signature-agent", lambda _: '"https://other.example"'),
    "no signature": replace(VISIT, headers={"signature-input": AGENT.sign().headers["signature-input"]}),
    "a signature of another label": altered("signature", lambda text: text.replace("sig1", "sig2")),
    "a wrong signature": altered("signature", lambda text: text.replace("sig1=:", "sig1=:AAAA")),
    "a short signature": altered("signature", lambda _: "sig1=:AAAA:"),
    "an item for a list": replace(
        VISIT, headers={"signature-input": 'sig1="x";tag="web-bot-auth"', "signature": ""}
    ),
    "no structured field": replace(VISIT, headers={"signature-input": '((("web-bot-auth"', "signature": ""}),
    "no ASCII": altered("signature-input", lambda text: text + "\u00e9"),
    "too long": altered("signature-input", lambda text: text + f', b="{"b" * 2_048}"'),
    "too many components": altered(
        "signature-input", lambda text: text.replace("(", "(" + " ".join(f'"h{n}"' for n in range(17)) + " ")
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_anything_else_is_refused_and_spends_nothing(wall: Wall, case: str) -> None:
    with pytest.raises(BadToken):
        wall.name(BAD[case])

    assert wall.metered == []
    assert wall.name(AGENT.sign()) == "Reader"


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_signature_is_over_when_it_says_so(wall: Wall, seconds: int) -> None:
    visit = AGENT.sign(seconds=seconds)
    wall.clock.pass_(seconds)

    with pytest.raises(Expired):
        wall.name(visit)


def test_a_signature_counts_for_ten_minutes_whatever_it_says(wall: Wall) -> None:
    first, second = (AGENT.sign(seconds=86_400, nonce=nonce) for nonce in ("a", "b"))

    wall.clock.pass_(599)
    assert wall.name(first) == "Reader"
    wall.clock.pass_(1)
    with pytest.raises(Expired):
        wall.name(second)


def test_a_nonce_is_one_agent_s(wall: Wall) -> None:
    assert (wall.name(AGENT.sign()), wall.name(OTHER.sign())) == ("Reader", "Other")


def test_a_nonce_in_another_signature_is_spent_too(wall: Wall) -> None:
    wall.name(AGENT.sign())

    with pytest.raises(Spent):
        wall.name(AGENT.sign(VISIT, agent=""))


@pytest.mark.parametrize(
    "visit",
    [VISIT, Agent(key=Ed25519PrivateKey.from_private_bytes(b"u" * 32)).sign(), AGENT.sign(tag="else")],
    ids=["unsigned", "unknown key", "another tag"],
)
def test_what_is_not_signed_for_us_names_nobody(wall: Wall, visit: Visit) -> None:
    assert wall.name(visit) == ""
    assert anyio.run(Agents().verify, AGENT.sign()) == ""


def test_what_the_filter_remembers_is_metered_first(wall: Wall, tmp_path: Path) -> None:
    def full(_: Caller) -> None:
        raise TooMany("enough", retry_after_seconds=5)

    keys = directory.load(tmp_path / "agents.json")
    replay = MemoryReplay(key=b"k" * 32, now=NOW - 100, horizon_seconds=2520)
    strict = PinnedAgents(lambda: keys, replay, b"key", meter=full, clock=Clock())
    lenient = PinnedAgents(lambda: keys, replay, b"key", clock=Clock())

    with pytest.raises(TooMany):
        anyio.run(strict.verify, AGENT.sign())

    assert anyio.run(lenient.verify, AGENT.sign()) == "Reader"
    wall.name(AGENT.sign())
    assert wall.metered == [Caller("192.0.2.1")]


@pytest.mark.parametrize(("member", "second"), [("nbf", NOW + 1), ("exp", NOW)])
def test_a_key_counts_in_its_time(tmp_path: Path, member: str, second: int) -> None:
    path = pinned(tmp_path / "agents.json", AGENT)
    document = json.loads(path.read_text())
    document["agents"][0]["keys"][0][member] = second
    path.write_text(json.dumps(document))

    with pytest.raises(CaptchaError):
        Wall(path).name(AGENT.sign())


def test_redbot_s_signature_counts_once(tmp_path: Path) -> None:
    signer_of = module("redbot.webbotauth").WebBotAuthSigner
    private = AGENT.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    signer = signer_of(private, ORIGIN)
    wall = Wall(pinned(tmp_path / "agents.json", AGENT), time.time)
    signed = {
        name.decode(): value.decode() for name, value in signer.sign_request("https://shop.example/a%20b?q=1")
    }
    visit = with_headers(VISIT, signed)

    assert wall.name(visit) == "Reader"
    with pytest.raises(Spent):
        wall.name(visit)


def botgate(folder: Path, *words: str) -> str:
    path = Path(sys.executable).with_name("botgate")  # a package brings it, as a program
    need(path.exists(), "the package botgate")
    done = subprocess.run([path, *words], cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("case", ["the older form", "the newer form", "more components"])
def test_what_counts_here_is_right_to_botgate(tmp_path: Path, case: str) -> None:
    forms = {
        "the older form": {},
        "the newer form": dictionary(),
        "more components": {
            **dictionary(),
            "components": ("@authority", "@method", "@path", '"signature-agent";key="sig1"'),
        },
    }
    visit = AGENT.sign(created=int(time.time()), **forms[case])
    lines = [f"{name}: {value}" for name, value in {"host": visit.host, **visit.headers}.items()]
    (tmp_path / "request.http").write_text(
        "\r\n".join([f"GET {visit.path}?{visit.query} HTTP/1.1", *lines, "", ""]), encoding="ascii"
    )
    (tmp_path / "keys.json").write_text(
        json.dumps({"keys": [{**AGENT.entry["keys"][0], "kid": AGENT.keyid}]})
    )

    told = json.loads(botgate(tmp_path, "verify", "request.http", "--jwks", "keys.json", "--format", "json"))

    assert told["signatures"][0]["cryptographic_status"] == "valid"
    assert Wall(pinned(tmp_path / "agents.json", AGENT), time.time).name(visit) == "Reader"


def test_botgate_s_own_signature_lacks_a_nonce(tmp_path: Path) -> None:
    botgate(tmp_path, "init")
    (tmp_path / "request.http").write_text(
        "GET /a%20b?q=1 HTTP/1.1\r\nHost: shop.example\r\n\r\n", encoding="ascii"
    )
    botgate(tmp_path, "sign", "request.http", "--agent", ORIGIN, "--output", "signed.http")
    lines = (tmp_path / "signed.http").read_text().splitlines()[1:]
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    keys = json.loads((tmp_path / ".botgate/directory.json").read_text())["keys"]
    entry = {"name": "Botgate", "directory": ORIGIN, "keys": [{k: keys[0][k] for k in ("kty", "crv", "x")}]}
    (tmp_path / "agents.json").write_text(json.dumps({"agents": [entry]}))

    with pytest.raises(BadToken, match="nonce"):
        Wall(tmp_path / "agents.json", time.time).name(with_headers(VISIT, headers))


def test_rules_may_name_the_agents_that_are_pinned(tmp_path: Path) -> None:
    """An agent that is not is told at the start: its rule could never match."""
    path, served = pinned(tmp_path / "agents.json", AGENT), tmp_path / "sites.toml"

    def told(name: str) -> list[str]:
        site = f'[[site]]\nname = "S"\nkey = "s"\nsecret_sha256 = "{"0" * 64}"\n'
        rule = f'{site}[[site.rule]]\nagent = "{name}"\naction = "allow"\n'
        served.write_text(rule, encoding="utf-8")
        return list(fit(sites.load(served).all[0], known(Settings(agents=path))))

    assert told("Reader") == told("*") == []
    (problem,) = told("Reeder")
    assert "there is no agent Reeder" in problem


def test_a_server_without_pinned_agents_knows_nobody_and_with_them_reads_their_file(tmp_path: Path) -> None:
    replay = MemoryReplay(key=b"k" * 32, now=NOW - 100, horizon_seconds=2520)
    file = Reloaded(pinned(tmp_path / "agents.json", AGENT), directory.load)
    nobody, some = (
        create(keys, replay, b"key", meter=lambda _: None, clock=Clock()) for keys in (None, file)
    )

    assert (anyio.run(nobody.verify, AGENT.sign()), anyio.run(some.verify, AGENT.sign())) == ("", "Reader")
