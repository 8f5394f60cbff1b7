"""A whole run of each protocol over HTTP, as its clients go through it; the holder of the keys knows the answers."""

import re
from collections.abc import Callable

import httpx

from captcha_stateless.engine import Engine
from captcha_stateless.protocols.relaysms import RelaySms
from captcha_stateless.puzzles import cap as puzzle
from captcha_stateless.puzzles.altcha2 import COUNTER_BYTES
from captcha_stateless.tokens.cookie import COOKIE
from tests.support import solved
from tests.widgets import packed


def onecaptcha(http: httpx.Client, engine: Engine) -> bool:
    """Solve the grid, and have the pass judged once."""
    reply = http.post("/api/challenge", params={"sitekey": "dev-site"}).json()
    while "challenge" in reply:
        token = reply["challenge"]
        answer = engine.tell(engine.look(token, "onecaptcha"))
        headers = {"X-Captcha-Challenge": token}
        reply = http.post("/api/challenge", headers=headers, json={"answer": answer}).json()
    judged = [siteverify(http, reply["flag"]) for _ in range(2)]
    return judged == [True, False]


def siteverify(http: httpx.Client, token: str) -> bool:
    fields = {"secret": "dev-secret", "response": token}
    return bool(http.post("/siteverify", data=fields).json()["success"])


def minicap(http: httpx.Client, engine: Engine) -> bool:
    """Read the picture, once."""
    token = http.post("/api/captcha/generate/").headers["Captcha-Id"]
    body = {"id": token, "text": engine.tell(engine.look(token, "minicap"))}
    return [http.post("/api/captcha/validate/", json=body).status_code for _ in range(2)] == [200, 404]


def relaysms(http: httpx.Client, engine: Engine) -> bool:
    """Solve, and let the client's server verify once."""
    token = http.post("/v1/new", json={"client_id": "dev-site"}).json()["challenge_id"]
    answer = engine.tell(engine.look(token, RelaySms.name))
    solve = {"client_id": "dev-site", "challenge_id": token, "answer": answer}
    solved = http.post("/v1/solve", json=solve).json()["token"]
    verify = {"client_secret": "dev-secret", "token": solved}
    return [http.post("/v1/verify", json=verify).json()["success"] for _ in range(2)] == [True, False]


def restcaptcha(http: httpx.Client, engine: Engine) -> bool:
    """Do the work, and let the site's server verify once."""
    asked = {"siteKey": "dev-site"}
    token = http.get("/v1/challenge", params=asked).json()["token"]
    solution = engine.tell(engine.look(token.partition(":")[2], "restcaptcha"))
    body = {"siteSecret": "dev-secret", "token": token, "solution": solution}
    judged = [http.post("/v1/verify", params=asked, json=body).json()["status"] for _ in range(2)]
    return judged == ["success", "invalid-token"]


def tornevall(http: httpx.Client, engine: Engine) -> bool:
    """Fetch the picture by its URL, and test the answer once."""
    drawn = http.get("/3.0/captcha").json()["captchaResponse"]
    path = re.sub(r"^https?://[^/]+", "", drawn["imageUrl"])
    body = {"hash": drawn["imageHash"], "response": engine.tell(engine.look(drawn["imageHash"], "tornevall"))}
    tested = ["errors" not in http.post("/3.0/captcha/testCaptcha", json=body).json() for _ in range(2)]
    return http.get(path).headers["content-type"] == "image/png" and tested == [True, False]


def altcha(http: httpx.Client, engine: Engine) -> bool:
    """Hand the solution in once, and have the server payload judged once."""
    asked = {"apiKey": "dev-site"}
    given = http.get("/altcha/v2/challenge", params=asked).json()
    claims = engine.look(given["parameters"]["data"]["token"], "altcha")
    (right,) = engine.renderer.draw(claims).answers
    found = {
        "counter": int.from_bytes(right[:COUNTER_BYTES], "big"),
        "derivedKey": right[COUNTER_BYTES:].hex(),
    }
    kept = {name: given[name] for name in ("parameters", "signature")}
    body = {"payload": packed({"challenge": kept, "solution": found})}
    verified = [http.post("/altcha/v2/verify", params=asked, json=body).json() for _ in range(2)]
    body = {"payload": verified[0]["payload"], "secret": "dev-secret"}
    judged = [http.post("/altcha/v2/verify/signature", json=body).json()["verified"] for _ in range(2)]
    return [reply["verified"] for reply in verified] == judged == [True, False]


def cap(http: httpx.Client, engine: Engine) -> bool:
    """Redeem the solutions once, and have the pass judged once."""
    token = http.post("/dev-site/challenge").json()["token"]
    body = {"token": token, "solutions": puzzle.solve(token, engine.look(token, "cap").params)}
    redeemed = [http.post("/dev-site/redeem", json=body).json() for _ in range(2)]
    body = {"secret": "dev-secret", "response": redeemed[0]["token"]}
    judged = [http.post("/dev-site/siteverify", json=body).json()["success"] for _ in range(2)]
    return [reply["success"] for reply in redeemed] == judged == [True, False]


def wall(http: httpx.Client, engine: Engine) -> bool:
    """Let through whoever has a pass, as often as it is shown, and nobody else."""
    claims = engine.issue("onecaptcha", "grid", site="dev-site", host="localhost").claims
    cookie = {"Cookie": f"{COOKIE}={engine.passes.vouch(solved(claims, claims.iat)).token}"}
    asked = [http.get("/auth", headers=headers).status_code for headers in ({}, cookie, cookie)]
    return asked == [401, 204, 204]


FLOWS: tuple[Callable[[httpx.Client, Engine], bool], ...] = (
    onecaptcha,
    minicap,
    relaysms,
    restcaptcha,
    tornevall,
    altcha,
    cap,
    wall,
)
