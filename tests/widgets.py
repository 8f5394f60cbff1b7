"""What the widgets of ALTCHA and Cap compute, written from their documentation; nothing here is the package's own."""

import base64
import hashlib
import json
from itertools import count
from typing import Any

import altcha
import altcha.v1

from captcha_stateless.formats import altcha as forms
from captcha_stateless.sites import DEVELOPMENT
from tests.support import Server

V1, V2 = "/altcha/v1", "/altcha/v2"


def packed(document: object) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def unpacked(payload: str) -> Any:
    return json.loads(base64.b64decode(payload))


def solved_1(challenge: dict[str, Any]) -> str:
    found = altcha.v1.solve_challenge(
        challenge["challenge"], challenge["salt"], challenge["algorithm"], challenge["maxNumber"], 0
    )
    assert found is not None
    kept = {name: challenge[name] for name in ("algorithm", "challenge", "salt", "signature")}
    return packed({**kept, "number": found.number, "took": 12})


def solved_2(challenge: dict[str, Any]) -> str:
    kept = {name: challenge[name] for name in ("parameters", "signature")}
    found = altcha.solve_challenge(altcha.Challenge.from_dict(kept))
    assert found is not None
    solution = {"counter": found.counter, "derivedKey": found.derived_key, "time": 1.5}
    return packed({"challenge": kept, "solution": solution})


SOLVED = {V1: solved_1, V2: solved_2}


def payload(server: Server, path: str = V2, query: str = "apiKey=dev-site") -> str:
    """Have a challenge, and solve it."""
    reply = server.visitor.get(f"{path}/challenge?{query}")
    assert reply.status_code == 200, reply.text
    return SOLVED[path](reply.json())


def verify(server: Server, payload: str, path: str = V2, **more: Any) -> Any:
    reply = server.visitor.post(f"{path}/verify?apiKey=dev-site", json={"payload": payload, **more})
    return reply.json()


def server_payload(server: Server, path: str = V2) -> str:
    """Earn what a form sends in the end."""
    return str(verify(server, payload(server, path), path)["payload"])


def keys(server: Server) -> forms.Keys:
    """Tell what the development site's back end may hold."""
    return forms.keys(server.engine.share_key, DEVELOPMENT.key, DEVELOPMENT.secret_sha256)


def prng(seed: str, length: int) -> str:
    state = 2_166_136_261
    for character in seed:
        state ^= ord(character)
        state = (state + (state << 1) + (state << 4) + (state << 7) + (state << 8) + (state << 24)) % 2**32
    text = ""
    while len(text) < length:
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        text += f"{state:08x}"
    return text[:length]


def capped(challenge: dict[str, Any]) -> list[Any]:
    """Solve a challenge of Cap's, of either format."""
    token = challenge["token"]
    if challenge.get("format") == 2:
        return [_SOLVERS[asked["protocol"]](asked["payload"]) for asked in challenge["challenges"]]
    size = challenge["challenge"]
    return [
        _searched(prng(f"{token}{i}", size["s"]), prng(f"{token}{i}d", size["d"]))
        for i in range(1, size["c"] + 1)
    ]


def _searched(salt: str, target: str) -> int:
    return next(n for n in count() if hashlib.sha256(f"{salt}{n}".encode()).hexdigest().startswith(target))


def _squared(asked: dict[str, Any]) -> dict[str, str]:
    modulus, power = int(asked["N"], 16), int(asked["x"], 16)
    for _ in range(asked["t"]):
        power = power * power % modulus
    return {"y": f"{power:x}"}


_SOLVERS = {
    "sha256-pow": lambda asked: {"nonce": _searched(asked["salt"], asked["target"])},
    "rsw": _squared,
}


def redeem(server: Server, challenge: dict[str, Any], path: str = "/dev-site", **more: Any) -> Any:
    asked = {"token": challenge["token"], "solutions": capped(challenge), **more}
    return server.visitor.post(f"{path}/redeem", json=asked)
