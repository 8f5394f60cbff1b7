"""The filter that answers locally in an outage: the contract, and its bound."""

import secrets
from collections.abc import AsyncIterator

import pytest

from captcha_stateless.errors import Spent, Unavailable
from captcha_stateless.replay.base import Replay, ReplayState
from captcha_stateless.replay.fallback import FallbackReplay
from captcha_stateless.replay.memory import MemoryReplay
from tests.replay.contract import KEY, ReplayContract
from tests.replay.drive import finish

NOW = 1_700_000_000


class Distributed(MemoryReplay):
    """A distributed filter that can be cut off."""

    down = False

    async def start(self) -> None:
        if self.down:
            raise Unavailable("cut off")

    async def spend(
        self, namespace: str, jti: bytes, *, iat: int, exp: int, now: float, attempts: int = 1
    ) -> int:
        await self.start()
        return await super().spend(namespace, jti, iat=iat, exp=exp, now=now, attempts=attempts)

    async def state(self, now: float) -> ReplayState:
        return ReplayState(self.scope, not self.down, 0.0, self.epoch)


def memory(*, epoch: int = NOW - 30) -> MemoryReplay:
    return MemoryReplay(key=KEY, now=epoch, spends_per_second=100)


def distributed() -> Distributed:
    return Distributed(key=KEY, now=NOW - 30, spends_per_second=100)


def spend(replay: Replay, jti: bytes) -> int:
    return finish(replay.spend("grid", jti, iat=NOW - 10, exp=NOW + 50, now=NOW))


class TestUp(ReplayContract):
    @pytest.fixture
    async def replay(self, now: int) -> AsyncIterator[Replay]:
        yield FallbackReplay(distributed(), memory())


class TestDown(ReplayContract):
    @pytest.fixture
    async def replay(self, now: int) -> AsyncIterator[Replay]:
        remote = distributed()
        remote.down = True
        replay = FallbackReplay(remote, memory())
        await replay.start()
        yield replay

    async def test_state_is_ready_and_empty_at_first(self, replay: Replay, now: int) -> None:
        state = await replay.state(now)

        assert (state.ready, state.scope) == (True, "process")


def test_outage_gives_one_pass_for_each_local_filter() -> None:
    remote, jti = distributed(), secrets.token_bytes(16)
    replicas = [FallbackReplay(remote, memory()) for _ in range(3)]
    remote.down = True

    for replica in replicas:
        spend(replica, jti)

    for replica in replicas:
        with pytest.raises(Spent):
            spend(replica, jti)


def test_outage_makes_nothing_fresh_here() -> None:
    remote, jti = distributed(), secrets.token_bytes(16)
    replica = FallbackReplay(remote, memory())
    spend(replica, jti)

    remote.down = True

    with pytest.raises(Spent):
        spend(replica, jti)


def test_end_of_an_outage_makes_nothing_fresh_here() -> None:
    remote, jti = distributed(), secrets.token_bytes(16)
    replica = FallbackReplay(remote, memory())
    remote.down = True
    spend(replica, jti)

    remote.down = False

    with pytest.raises(Spent):
        spend(replica, jti)


def test_restarted_replica_honours_older_tokens_while_the_server_is_up() -> None:
    replica = FallbackReplay(distributed(), memory(epoch=NOW))

    assert spend(replica, secrets.token_bytes(16)) == 1


def test_going_alone_and_coming_back_are_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    remote = distributed()
    replica = FallbackReplay(remote, memory())
    remote.down = True
    finish(replica.start())
    spend(replica, b"one")

    remote.down = False
    spend(replica, b"two")
    spend(replica, b"three")
    finish(replica.close())

    assert caplog.text.count("goes on alone") == 1
    assert caplog.text.count("is back") == 1
