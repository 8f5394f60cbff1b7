"""Print what a pass costs: CPU time to sign and to verify one, beside the JOSE library's plain way in the same run.

Usage: ``make bench``.
"""

import time
from collections.abc import Callable

from jwcrypto.jws import JWS

from captcha_stateless.model import Pass
from captcha_stateless.tokens import keys
from captcha_stateless.tokens.passes import Signer

ROUNDS = 2_000


def main() -> None:
    now = int(time.time())
    ring = keys.fresh_ring(now)
    passes, key = Signer(lambda: ring, "captcha-stateless"), ring.signer.jwk
    claims = Pass(
        site="dev-site",
        host="shop.example",
        kind="grid",
        jti=bytes(16),
        iat=now,
        exp=now + 300,
        action="login",
    )
    token = passes.sign(claims)
    print(f"a pass of {len(token)} characters, CPU time in microseconds, best of five rounds")
    row("sign", lambda: passes.sign(claims), lambda: plainly_signed(key, token))
    row("verify", lambda: passes.verify(token), lambda: JWS().deserialize(token, key))


def plainly_signed(key: object, token: str) -> str:
    box = JWS(b"x" * (len(token) // 3))
    box.add_signature(key, protected='{"alg":"ES256"}')
    return str(box.serialize(compact=True))


def row(name: str, ours: Callable[[], object], plain: Callable[[], object]) -> None:
    one, other = cpu_microseconds(ours), cpu_microseconds(plain)
    print(f"{name:<8}{one:6.0f}   plain {other:6.0f}   {other / one:.2f} times as fast")


def cpu_microseconds(call: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(ROUNDS // 5):
            call()
        best = min(best, time.process_time() - start)
    return best / (ROUNDS // 5) * 1e6


if __name__ == "__main__":
    main()
