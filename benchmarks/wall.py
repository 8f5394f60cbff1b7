"""Print how many questions of an edge a second of CPU time answers: ``/auth`` over HTTP, beside a plain Starlette answer.

Usage: ``python benchmarks/wall.py``. The visitors are a thousand, each with a good cookie, and come again and again; they are
told of as nginx tells of them by ``deploy/wall-nginx.conf``, to a site with four rules or none. ``first``: each pass is shown
for the first time, so that its signature is reckoned. The server's own CPU time is read; each figure is the best of several
rounds that take turns.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from load import Sent, serving

from captcha_stateless import Settings
from captcha_stateless.app import create_engine
from captcha_stateless.model import Answered
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.cookie import COOKIE
from captcha_stateless.tokens.digests import fingerprint

VISITORS, REQUESTS, ROUNDS = 1_000, 4_000, 5
SITES = f"""
[[site]]
name = "Benchmark"
key = "bench"
secret_sha256 = "{fingerprint("secret").hex()}"
"""
RULES = """
[[site.rule]]
set = "well-known"
[[site.rule]]
set = "feeds"
[[site.rule]]
set = "git"
[[site.rule]]
path = "/admin/**"
action = "deny"
"""
TOLD = {
    "Host": "shop.example",
    "X-Forwarded-For": "198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Method": "GET",
    "X-Forwarded-Uri": "/catalogue/shoes?page=7&sort=price",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "de,en-GB;q=0.8,en;q=0.6",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}


def environ(folder: Path, sites: str) -> dict[str, str]:
    (folder / "sites.toml").write_text(sites)
    if not (folder / "keyring.json").exists():
        keys.save(folder / "keyring.json", keys.fresh_ring(int(time.time()) - 10), overwrite=False)
    return {
        "CAPTCHA_KEYS": str(folder / "keyring.json"),
        "CAPTCHA_SITES": str(folder / "sites.toml"),
        "CAPTCHA_REPLAY": "memory",
        "CAPTCHA_TRUSTED_PROXIES": "127.0.0.1",
        "CAPTCHA_FAMILY": "filled",
    }


def visits(folder: Path, count: int, uri: str = "") -> Sequence[Sent]:
    """Write what an edge asks about visitors of which each has a pass."""
    ring = keys.load(folder / "keyring.json")
    engine = create_engine(Settings(replay="memory"), lambda: ring)
    told = {**TOLD, **({"X-Forwarded-Uri": uri} if uri else {})}
    found = []
    for _ in range(count):
        claims = engine.issue("bench", "grid", site="bench", host="shop.example").claims
        token = engine.passes.vouch(Answered(claims, claims.iat)).token
        headers = {**told, "Cookie": f"theme=dark; {COOKIE}={token}"}
        found.append(Sent("/auth?sitekey=bench&at=/captcha", "GET", headers=headers))
    return found


def main() -> None:
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        ruled, plain = environ(Path(one), SITES + RULES), environ(Path(two), SITES)
        with (
            serving("fast", "hello") as hello,
            serving("fast", "app", ruled) as ours,
            serving("fast", "app", plain) as bare,
        ):
            again = {
                server: list(visits(path, VISITORS))
                for server, path in ((ours, Path(one)), (bare, Path(two)))
            }
            feed = list(visits(Path(one), 1, "/feed")) * REQUESTS
            for round_ in range(ROUNDS + 1):
                new = visits(Path(one), VISITORS)
                figures = {
                    "hello, plain Starlette": hello.cost([Sent("/", "GET", headers=TOLD)] * REQUESTS),
                    "/auth, good cookie, no rules": bare.cost(again[bare] * 4, status=204),
                    "/auth, good cookie, four rules": ours.cost(again[ours] * 4, status=204),
                    "/auth, let through by a rule": ours.cost(feed, status=204),
                    "/auth, good cookie, first": ours.cost(new, status=204),
                }
                if round_:  # the first one warms up
                    for name, cost in figures.items():
                        rates.setdefault(name, []).append(cost.a_second)
    print(f"{'one core':34} {'a CPU second':>12}")
    for name, found in rates.items():
        print(f"{name:34} {max(found):12,.0f}")


if __name__ == "__main__":
    main()
