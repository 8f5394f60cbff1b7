"""What the tests share: a fake clock, seeded entropy, a server in this process and a visitor of it."""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import httpx
from starlette.types import ASGIApp

from captcha_stateless import Settings, create_app
from captcha_stateless.engine import Engine
from captcha_stateless.model import Answered, Claims, Sealed
from captcha_stateless.tokens import keys

NOW = 1_800_000_000
VECTORS = Path(__file__).parent / "vectors"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


class Entropy:
    """Bytes that look random and are the same in every run."""

    def __init__(self, seed: str = "tests") -> None:
        self._seed, self._calls = seed.encode(), 0

    def __call__(self, size: int) -> bytes:
        self._calls += 1
        return hashlib.shake_256(self._seed + self._calls.to_bytes(4, "big")).digest(size)


class Visitor:
    """Sends requests to a server in this process, each from a loop of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.address = "127.0.0.1"

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return anyio.run(self.arequest, method, path, options)

    async def arequest(self, method: str, path: str, options: Mapping[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(
            app=self.app, raise_app_exceptions=True, client=(self.address, 50_000)
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://captcha.test") as client:
            return await client.request(method, path, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


class Server:
    """A server in this process, with its clock, and the powers of whoever holds its keys."""

    def __init__(self, folder: Path, *, entropy: str = "tests", **settings: Any) -> None:
        path = folder / "keyring.json"
        if not path.exists():
            keys.save(path, keys.fresh_ring(NOW - 10), overwrite=False)
        self.clock = Clock()
        # What is soonest made: a bed of contours takes a second, which only the tests of drawings need.
        small = {"replay_dir": folder / "replay", "replay_rate": 10, "family": "filled"}
        self.settings = Settings(keys=path, **{**small, **settings})
        self.app = create_app(self.settings, clock=self.clock, entropy=Entropy(entropy))
        self.visitor = Visitor(self.app)

    @property
    def engine(self) -> Engine:
        engine: Engine = self.app.state.engine
        return engine

    def earn(self, **binding: str) -> str:
        """Hand out a pass, of the development site unless another is named."""
        claims = self.engine.issue("tests", "grid").claims
        bound = claims._replace(**{"site": "dev-site", "host": "localhost", **binding})  # type: ignore[arg-type]
        return self.engine.passes.vouch(solved(bound, int(self.clock()))).token

    def answer(self, token: str, purpose: str) -> Any:
        """Tell the right answer to a token."""
        return self.engine.tell(self.engine.look(token, purpose))


def solved(claims: Claims, at: int = NOW) -> Answered:
    """Say that a token was answered rightly."""
    return Answered(claims, at)


def last_stage(engine: Engine) -> Sealed:
    """Seal the last stage of a run."""
    first = engine.issue("onecaptcha", "grid").claims
    last = engine.advance(solved(first, first.iat))
    assert last is not None
    return last


def jti_of(token: str) -> str:
    """Read the jti of a pass."""
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"])


def vectors(name: str) -> Any:
    """Read one of the JSON files of test vectors."""
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))
