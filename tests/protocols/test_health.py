"""Health: the probes of orchestrators, and when they fail."""

import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import anyio
import httpx
import pytest

from captcha_stateless.errors import Unavailable
from captcha_stateless.protocols.health import Health
from captcha_stateless.replay.base import Replay, ReplayState
from captcha_stateless.tokens import keys
from tests.conftest import MakeServer
from tests.live import LiveServer, live_server
from tests.protocols.contract import AdapterContract
from tests.support import NOW, Server


class TestAdapter(AdapterContract):
    adapter: ClassVar = Health
    paths: ClassVar[Sequence[str]] = ["/livez", "/readyz"]

    def is_worded(self, response: httpx.Response) -> bool:
        return list(response.json()) == ["error"]

    def test_it_can_be_left_out(self, make_server: MakeServer) -> None:
        """It cannot: whichever protocols are served, orchestrators ask."""
        for path in self.paths:
            assert make_server(protocols=("restcaptcha",)).visitor.get(path).status_code == 200


class Filter(Replay):
    """A replay filter in the state that a test wants."""

    scope = "global"

    def __init__(self, *, ready: bool = True, down: bool = False) -> None:
        self._ready, self._down = ready, down

    async def spend(self, *_: Any, **__: Any) -> int:
        return 1

    async def spent(self, namespace: str, jti: bytes, *, exp: int, now: float) -> bool:
        raise Unavailable("down")

    async def state(self, now: float) -> ReplayState:
        if self._down:
            raise Unavailable("down")
        return ReplayState(self.scope, self._ready, 0.25, NOW)


def test_a_living_server_says_so(server: Server) -> None:
    assert server.visitor.get("/livez").json() == {"status": "pass"}


@pytest.mark.parametrize(("replay", "scope"), [("memory", "process"), ("shared", "host")])
def test_a_ready_server_names_its_filter(make_server: MakeServer, replay: str, scope: str) -> None:
    reply = make_server(replay=replay).visitor.get("/readyz")

    assert reply.status_code == 200
    assert reply.json() == {
        "status": "pass",
        "checks": {
            "draining": False,
            "warming": False,
            "replay": {"ready": True, "scope": scope, "fill": 0.0, "epoch": NOW, "ahead_seconds": 0.0},
        },
    }


def test_a_filter_that_is_not_ready_says_how_it_is(server: Server) -> None:
    server.engine._replay = Filter(ready=False)

    reply = server.visitor.get("/readyz")

    assert (reply.status_code, reply.json()["checks"]["replay"]["fill"]) == (503, 0.25)


def test_a_full_filter_is_ready(make_server: MakeServer) -> None:
    """Somebody filled it, and every replica was taken out for half an hour: challenges, health and all."""
    server = make_server(replay_rate=1)
    challenges = [
        server.engine.issue("onecaptcha", "work", {"difficulty": 1, "unit": "bits"}) for _ in range(300)
    ]
    with pytest.raises(Unavailable, match="full"):
        for sealed in challenges:
            anyio.run(server.engine.judge.revoke, sealed.claims)

    reply = server.visitor.get("/readyz")

    assert (reply.status_code, reply.json()["checks"]["replay"]["fill"]) == (200, 1.0)


def test_a_filter_that_is_down_is_not_ready_but_alive(server: Server) -> None:
    server.engine._replay = Filter(down=True)

    reply = server.visitor.get("/readyz")

    assert (reply.status_code, reply.json()["checks"]["error"]) == (503, "unavailable")
    assert server.visitor.get("/livez").status_code == 200


def test_a_seal_that_does_not_open_its_own_is_not_ready(server: Server, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Server(tmp_path / "other")
    seal = server.engine._seal
    seal.open = other.engine._seal.open  # type: ignore[method-assign]  # keys that changed under our feet

    reply = server.visitor.get("/readyz")

    assert (reply.status_code, reply.json()["checks"]["error"]) == (503, "bad-token")


def test_a_draining_server_is_not_ready_but_alive(server: Server) -> None:
    server.app.state.draining = True

    reply = server.visitor.get("/readyz")

    assert (reply.status_code, reply.json()["status"]) == (503, "fail")
    assert server.visitor.get("/livez").status_code == 200


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    """A server in a process of its own that drains for a minute, and was told to stop."""
    keys.save(tmp_path / "keyring.json", keys.fresh_ring(NOW), overwrite=False)
    environ = {"CAPTCHA_KEYS": str(tmp_path / "keyring.json"), "CAPTCHA_DRAIN_SECONDS": "60"}
    with live_server(environ=environ) as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        server.process.terminate()
        yield server


def test_a_server_told_to_stop_says_so_and_goes_on_serving_until_told_again(live: LiveServer) -> None:
    reply = until(live, 503)
    alive = httpx.get(f"{live.url}/livez")
    live.stop()

    assert reply.json()["checks"]["draining"] is True
    assert alive.status_code == 200
    assert live.process.returncode in (0, -signal.SIGTERM)


def until(server: LiveServer, code: int) -> httpx.Response:
    """Ask for readiness until it is answered with that code, for twenty seconds at most."""
    for _ in range(400):
        reply = httpx.get(f"{server.url}/readyz")
        if reply.status_code == code:
            return reply
        time.sleep(0.05)
    raise AssertionError(f"never answered {code}")


def test_readiness_waits_for_what_is_prepared_beside_the_first_requests(server: Server) -> None:
    server.app.state.warming = True

    reply = server.visitor.get("/readyz")

    assert (reply.status_code, reply.json()["checks"]["warming"]) == (503, True)
    assert server.visitor.get("/livez").status_code == 200
