"""Signer verified offline: by nginx njs, HAProxy and workerd with the files that are handed out, by PyJWT and by jose.

All give the same verdict on the same passes, good and bad.
"""

import base64
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from jwcrypto.jwk import JWK

from captcha_stateless.app import create_engine
from captcha_stateless.client import Client
from captcha_stateless.engine import Engine
from captcha_stateless.settings import Settings
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.passes import Signer
from tests.edge import programs
from tests.edge.conftest import settings_in
from tests.live import free_port
from tests.needs import need, program
from tests.support import solved

CLIENTS = Path(__file__).parent.parent / "clients"


class Site(BaseHTTPRequestHandler):
    """The site behind the edge; and where the public keys can be fetched, which the issuer puts there."""

    published = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.published if self.path == "/.well-known/jwks.json" else b"the site")

    def log_message(self, *_: object) -> None:
        pass


class Issuer:
    """A deployment's keys, and the JWK Set that it publishes."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.ring = keys.load(Path(settings_in(folder)["CAPTCHA_KEYS"]))
        self.engine: Engine = create_engine(Settings(**options), lambda: self.ring)  # type: ignore[arg-type]
        self.published = self.engine.passes.published()

    def earn(
        self, *, site: str = "dev-site", life: int = 300, ahead: int = 0, kind: str = "grid", action: str = ""
    ) -> str:
        claims = self.engine.issue("tests", "grid", site=site, host="localhost", action=action).claims
        earned = self.engine.passes.vouch(solved(claims, claims.iat)).claims
        return Signer(lambda: self.ring, "captcha-stateless").sign(
            replace(earned, kind=kind, iat=earned.iat + ahead, exp=int(time.time()) + life)
        )

    @property
    def pem(self) -> bytes:
        found: bytes = JWK(**self.published["keys"][0]).export_to_pem()
        return found


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def njs(folder: Path, issuer: Issuer, site: int, port: int) -> Iterator[str]:
    (folder / "passes.js").write_text(programs.placed("passes.js", {}))
    (folder / "jwks.json").write_text(json.dumps(issuer.published))
    places = {
        "/etc/nginx/captcha-jwks.json": str(folder / "jwks.json"),
        "js_path /etc/nginx;": f"js_path {folder};",
        "127.0.0.1:8080": f"127.0.0.1:{port}",
        "127.0.0.1:9000": f"127.0.0.1:{site}",
    }
    text = programs.placed("nginx-passes.conf", places)
    with programs.nginx(folder, text, port, modules=True) as url:
        yield url


def haproxy(folder: Path, issuer: Issuer, site: int, port: int) -> Iterator[str]:
    (folder / "pass.pem").write_bytes(issuer.pem)
    places = {
        "/etc/haproxy/captcha-pass.pem": str(folder / "pass.pem"),
        "127.0.0.1:8080": f"127.0.0.1:{free_port()}",
        "127.0.0.1:8081": f"127.0.0.1:{port}",
        "127.0.0.1:9000": f"127.0.0.1:{site}",
    }
    with programs.haproxy(folder, programs.placed("haproxy.cfg", places), port) as url:
        yield url


def workerd(folder: Path, issuer: Issuer, site: int, port: int) -> Iterator[str]:
    Site.published = json.dumps(issuer.published).encode()
    need(
        (CLIENTS / "node_modules" / "miniflare").exists(), "the npm packages of tests/clients (npm ci there)"
    )
    behind = f"http://127.0.0.1:{site}"
    bindings = {
        "ORIGIN": behind,
        "JWKS": f"{behind}/.well-known/jwks.json",
        "ISSUER": "captcha-stateless",
        "SITE": "dev-site",
        "KINDS": "grid text audio",
    }
    runner = str(Path(__file__).parent / "worker.mjs")
    with programs.running([program("node"), runner, str(port), json.dumps(bindings)], port) as url:
        yield url


@pytest.fixture(params=[njs, haproxy, workerd], ids=lambda run: str(run.__name__), scope="module")
def opens(
    request: pytest.FixtureRequest, issuer: Issuer, site: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], bool]]:
    """Tell whether the edge lets a pass through to the site."""
    for url in request.param(tmp_path_factory.mktemp("edge"), issuer, site, free_port()):
        with httpx.Client(base_url=url) as client:

            def ask(token: str) -> bool:
                cookie = {"Cookie": f"other=1; __Host-captcha-pass={token}"} if token else {}
                statuses = {
                    client.get("/", headers=headers).status_code
                    for headers in (cookie, {"X-Captcha-Pass": token} if token else {})
                }
                assert statuses in ({200}, {401})
                return statuses == {200}

            yield ask


def forged(token: str, **changes: object) -> str:
    """Change the header, keeping the signature."""
    head, payload, signature = token.split(".")
    document = {**json.loads(base64.urlsafe_b64decode(head + "==")), **changes}
    text = base64.urlsafe_b64encode(json.dumps(document, separators=(",", ":")).encode()).rstrip(b"=")
    return f"{text.decode()}.{payload}.{signature}"


def hmac_signed(issuer: Issuer, token: str) -> str:
    """The classic confusion: HS256 with the public key as the secret."""
    head = base64.urlsafe_b64decode(token.split(".")[0] + "==")
    claims = jwt.decode(token, options={"verify_signature": False})
    headers = {**json.loads(head), "alg": "HS256"}
    secret = base64.b64encode(issuer.pem).decode()  # PyJWT refuses a PEM for good reason
    return jwt.encode(claims, secret, algorithm="HS256", headers=headers)


BAD: dict[str, Callable[[Issuer, Issuer], str]] = {
    "none at all": lambda ours, theirs: "",
    "no pass": lambda ours, theirs: "x.y.z",
    "expired": lambda ours, theirs: ours.earn(life=-1),
    "another site": lambda ours, theirs: ours.earn(site="shop"),
    "a kind that does not count": lambda ours, theirs: ours.earn(kind="work"),
    "for the wall alone": lambda ours, theirs: ours.earn(action="wall/relaxed/0"),
    "another deployment": lambda ours, theirs: theirs.earn(),
    "another key's signature": lambda ours, theirs: (
        ours.earn().rpartition(".")[0] + "." + theirs.earn().rpartition(".")[2]
    ),
    "no signature": lambda ours, theirs: ours.earn().rpartition(".")[0] + ".",
    "two segments": lambda ours, theirs: ours.earn().rpartition(".")[0],
    "changed payload": lambda ours, theirs: swapped(ours.earn(), ours.earn(life=3_000)),
    "alg none": lambda ours, theirs: forged(ours.earn(), alg="none").rpartition(".")[0] + ".",
    "alg HS256": lambda ours, theirs: hmac_signed(ours, ours.earn()),
    "another type": lambda ours, theirs: forged(ours.earn(), typ="JWT"),
    "a challenge": lambda ours, theirs: ours.engine.issue("onecaptcha", "grid").token,
    "very long": lambda ours, theirs: "A" * 5_000,
}


def swapped(first: str, second: str) -> str:
    """Put one pass's payload between the other's header and signature."""
    (head, _, signature), payload = first.split("."), second.split(".")[1]
    return f"{head}.{payload}.{signature}"


@pytest.mark.parametrize("life", [30, 300, 1_800])
def test_good_passes_open_as_often_as_they_come(
    opens: Callable[[str], bool], issuer: Issuer, life: int
) -> None:
    token = issuer.earn(life=life)

    assert [opens(token) for _ in range(2)] == [True, True]


@pytest.mark.parametrize("what", BAD)
def test_bad_passes_do_not(opens: Callable[[str], bool], issuer: Issuer, tmp_path: Path, what: str) -> None:
    assert not opens(BAD[what](issuer, Issuer(tmp_path)))


def pyjwt(issuer: Issuer, token: str) -> bool:
    """Judge as a Python back end would."""
    try:
        key = jwt.PyJWKSet.from_dict(issuer.published)[jwt.get_unverified_header(token)["kid"]]
        found = jwt.decode_complete(
            token, key, algorithms=["ES256"], audience="dev-site", issuer="captcha-stateless"
        )
    except (jwt.InvalidTokenError, KeyError):
        return False
    return bool(
        found["header"]["typ"] == "captcha-pass+jwt"
        and found["payload"]["kind"] in ("grid", "text", "audio")
        and not re.match("wall/[^/]", found["payload"]["action"])
    )


def ours(issuer: Issuer, token: str) -> bool:
    """Judge as our own client does, from the same keys."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=issuer.published)

    with Client("http://captcha.test", site_key="dev-site", transport=httpx.MockTransport(answer)) as client:
        return bool(client.verify_offline(token, kinds=["grid", "text", "audio"]))


@pytest.mark.parametrize("judge", [pyjwt, ours])
def test_back_ends_give_the_same_verdicts(
    issuer: Issuer, tmp_path: Path, judge: Callable[[Issuer, str], bool]
) -> None:
    theirs = Issuer(tmp_path)

    good = [judge(issuer, issuer.earn(life=life)) for life in (30, 300, 1_800)]
    bad = {what for what, make in BAD.items() if judge(issuer, make(issuer, theirs))}

    assert (good, bad) == ([True] * 3, set())


def test_a_verifier_whose_clock_is_behind_needs_leeway(issuer: Issuer) -> None:
    """A replica 3 s ahead of the back end: PyJWT looks at `iat`, and refused every pass that was shown at once."""
    token = issuer.earn(ahead=3)
    key = jwt.PyJWKSet.from_dict(issuer.published)[jwt.get_unverified_header(token)["kid"]]
    known: dict[str, Any] = {"audience": "dev-site", "issuer": "captcha-stateless"}

    with pytest.raises(jwt.ImmatureSignatureError):
        jwt.decode(token, key, algorithms=["ES256"], **known)
    assert jwt.decode(token, key, algorithms=["ES256"], leeway=5, **known)["aud"] == "dev-site"


def test_jose_gives_the_same_verdicts(issuer: Issuer, site: int, tmp_path: Path) -> None:
    Site.published = json.dumps(issuer.published).encode()
    need((CLIENTS / "node_modules" / "jose").exists(), "the npm packages of tests/clients (npm ci there)")
    theirs = Issuer(tmp_path)
    tokens = [
        *(issuer.earn(life=life) for life in (30, 300, 1_800)),
        *(make(issuer, theirs) for make in BAD.values()),
    ]
    words = [program("node"), "jose.mjs", f"http://127.0.0.1:{site}", *tokens]

    told = subprocess.run(words, cwd=CLIENTS, capture_output=True, text=True, timeout=60, check=True)

    assert json.loads(told.stdout) == [True] * 3 + [False] * len(BAD)
