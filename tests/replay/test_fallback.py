"""The filter that goes on alone: only while the shared one is down, and no further than it says."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from captcha_stateless.errors import Spent, Unavailable
from captcha_stateless.replay.base import Replay, ReplayState
from captcha_stateless.replay.fallback import FallbackReplay
from captcha_stateless.replay.memory import MemoryReplay
from tests.replay.contract import KEY, ReplayContract

NOW = 1_800_000_000
TIMES: dict[str, Any] = {"iat": NOW, "exp": NOW + 60, "now": NOW}


class Shared(MemoryReplay):
    """A shared filter that can be taken down."""

    down = False

    async def start(self) -> None:
        if self.down:
            raise Unavailable("down")

    async def spend(self, namespace: str, jti: bytes, **options: Any) -> int:
        await self.start()
        return await super().spend(namespace, jti, **options)

    async def state(self, now: float) -> ReplayState:
        return ReplayState("global", not self.down, 0.0, NOW)


@pytest.fixture
def shared() -> Shared:
    return Shared(key=b"k" * 16, now=NOW, spends_per_second=10)


@pytest.fixture
def replay(shared: Shared) -> FallbackReplay:
    return FallbackReplay(shared, MemoryReplay(key=b"k" * 16, now=NOW, spends_per_second=10))


def spend(replay: FallbackReplay, jti: bytes, attempts: int = 1) -> int:
    async def call() -> int:
        return await replay.spend("test", jti, attempts=attempts, **TIMES)

    return anyio.run(call)


def test_while_the_shared_filter_answers_it_alone_decides(shared: Shared, replay: FallbackReplay) -> None:
    assert spend(replay, b"one") == 1
    with pytest.raises(Spent):
        spend(replay, b"one")


def test_while_it_is_down_a_token_is_honoured_once_here(shared: Shared, replay: FallbackReplay) -> None:
    shared.down = True

    assert spend(replay, b"one") == 1
    with pytest.raises(Spent):
        spend(replay, b"one")


def test_what_was_spent_here_before_stays_spent_while_it_is_down(
    shared: Shared, replay: FallbackReplay
) -> None:
    spend(replay, b"one", attempts=3)
    spend(replay, b"one", attempts=3)
    shared.down = True

    assert spend(replay, b"one", attempts=3) == 3
    with pytest.raises(Spent):
        spend(replay, b"one", attempts=3)


def test_what_was_spent_here_meanwhile_stays_spent_when_it_is_back(
    shared: Shared, replay: FallbackReplay
) -> None:
    shared.down = True
    spend(replay, b"one")
    shared.down = False

    with pytest.raises(Spent):
        spend(replay, b"one")


def test_outage_gives_one_pass_a_replica(shared: Shared) -> None:
    replicas = [FallbackReplay(shared, MemoryReplay(key=b"k" * 16, now=NOW)) for _ in range(3)]
    shared.down = True

    assert [spend(replica, b"one") for replica in replicas] == [1, 1, 1]
    shared.down = False
    for replica in replicas:
        with pytest.raises(Spent):
            spend(replica, b"one")


def test_its_state_is_that_of_the_filter_in_charge(shared: Shared, replay: FallbackReplay) -> None:
    up = anyio.run(replay.state, NOW)
    shared.down = True

    assert up.scope == "global"
    assert anyio.run(replay.state, NOW).scope == "process"


def test_going_alone_and_coming_back_are_logged_once_each(
    shared: Shared, replay: FallbackReplay, caplog: pytest.LogCaptureFixture
) -> None:
    shared.down = True
    anyio.run(replay.start)
    spend(replay, b"one")
    shared.down = False
    spend(replay, b"two")
    spend(replay, b"three")
    anyio.run(replay.close)

    assert caplog.text.count("goes on alone") == 1
    assert caplog.text.count("is back") == 1


def test_a_local_filter_that_cannot_remember_refuses_nobody(
    shared: Shared, caplog: pytest.LogCaptureFixture
) -> None:
    late = MemoryReplay(key=b"k" * 16, now=NOW + 30, spends_per_second=10)

    assert spend(FallbackReplay(shared, late), b"one") == 1
    assert "does not remember" in caplog.text


class TestUp(ReplayContract):
    @pytest.fixture
    async def replay(self, now: int) -> AsyncIterator[Replay]:
        yield FallbackReplay(local(now), local(now))


def local(now: int) -> MemoryReplay:
    return MemoryReplay(key=KEY, now=now - 30, spends_per_second=100)


class TestDown(ReplayContract):
    @pytest.fixture
    async def replay(self, now: int) -> AsyncIterator[Replay]:
        shared = Shared(key=KEY, now=now)
        shared.down = True
        yield FallbackReplay(shared, local(now))

    async def test_state_is_ready_and_empty_at_first(self, replay: Replay, now: int) -> None:
        state = await replay.state(now)

        assert (state.ready, state.scope, state.fill) == (True, "process", 0.0)


MARK = b"m" * 16


def answer(replay: FallbackReplay, moment: int | None, moments: range = range(NOW - 9, NOW + 9)) -> int:
    async def call() -> int:
        return await replay.spend("test", b"one", mark=MARK, moment=moment, moments=moments, **TIMES)

    return anyio.run(call)


def test_what_was_won_here_before_is_known_again_while_it_is_down(
    shared: Shared, replay: FallbackReplay
) -> None:
    answer(replay, NOW)
    shared.down = True

    assert answer(replay, NOW + 5) == -9


def test_what_was_won_elsewhere_keeps_its_moment_here(shared: Shared, replay: FallbackReplay) -> None:
    answer(FallbackReplay(shared, MemoryReplay(key=b"k" * 16, now=NOW)), NOW)
    again = answer(replay, NOW + 5)
    shared.down = True

    assert (again, answer(replay, NOW + 7)) == (-9, -9)


def test_what_was_won_here_meanwhile_keeps_its_moment_when_it_is_back(
    shared: Shared, replay: FallbackReplay
) -> None:
    shared.down = True
    answer(replay, NOW)
    shared.down = False

    assert answer(replay, NOW + 5) == -9
