"""What every replay filter must do: each engine's test file inherits one of these suites."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from captcha_stateless.errors import Expired, Spent, Unavailable
from captcha_stateless.replay.base import Replay
from captcha_stateless.replay.shares import Shares

KEY = b"a key of the tests, not a secret"


class ReplayContract:
    """Facts that hold for each engine; a subclass gives the fixtures ``replay`` and, where it matters,
    ``now``.

    ``replay`` began 30 s before ``now``, remembers 120 s ahead and allows clocks to differ by 5 s.
    """

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def now(self) -> int:
        return 1_700_000_000

    @pytest.fixture
    async def replay(self, now: int) -> AsyncIterator[Replay]:
        raise NotImplementedError
        yield

    @pytest.fixture
    def jti(self) -> bytes:
        return secrets.token_bytes(16)

    @pytest.fixture
    def times(self, now: int) -> dict[str, Any]:
        return {"iat": now - 10, "exp": now + 50, "now": now}

    async def test_fresh_attempt_is_number_one(
        self, replay: Replay, jti: bytes, times: dict[str, Any]
    ) -> None:
        assert await replay.spend("grid", jti, **times) == 1

    async def test_second_attempt_is_spent(self, replay: Replay, jti: bytes, times: dict[str, Any]) -> None:
        await replay.spend("grid", jti, **times)

        with pytest.raises(Spent):
            await replay.spend("grid", jti, **times)

    async def test_three_attempts_count_up_and_end(
        self, replay: Replay, jti: bytes, times: dict[str, Any]
    ) -> None:
        used = [await replay.spend("grid", jti, **times, attempts=3) for _ in range(3)]

        assert used == [1, 2, 3]
        with pytest.raises(Spent):
            await replay.spend("grid", jti, **times, attempts=3)

    async def test_namespaces_are_unrelated(self, replay: Replay, jti: bytes, times: dict[str, Any]) -> None:
        await replay.spend("grid", jti, **times)

        assert await replay.spend("pass", jti, **times) == 1

    async def test_other_tokens_stay_fresh(self, replay: Replay, times: dict[str, Any]) -> None:
        used = [await replay.spend("grid", secrets.token_bytes(16), **times) for _ in range(200)]

        assert used == [1] * 200

    async def test_longest_namespace_works(self, replay: Replay, jti: bytes, times: dict[str, Any]) -> None:
        await replay.spend("n" * 32, jti, **times, attempts=2)
        await replay.win("n" * 32, jti, **times, attempts=2)

        with pytest.raises(Spent):
            await replay.spend("n" * 32, jti, **times, attempts=2)

    async def test_win_closes_the_remaining_attempts(
        self, replay: Replay, jti: bytes, times: dict[str, Any]
    ) -> None:
        await replay.spend("grid", jti, **times, attempts=3)

        await replay.win("grid", jti, **times, attempts=3)

        with pytest.raises(Spent):
            await replay.spend("grid", jti, **times, attempts=3)

    async def test_second_win_is_refused(self, replay: Replay, jti: bytes, times: dict[str, Any]) -> None:
        await replay.win("grid", jti, **times, attempts=3)

        with pytest.raises(Spent):
            await replay.win("grid", jti, **times, attempts=3)

    async def test_single_attempt_needs_no_win(
        self, replay: Replay, jti: bytes, times: dict[str, Any]
    ) -> None:
        await replay.spend("grid", jti, **times)

        await replay.win("grid", jti, **times, attempts=1)

    async def test_right_answers_at_one_moment_give_one_pass(
        self, replay: Replay, times: dict[str, Any]
    ) -> None:
        """Trap 2 of the design: three tries must not let a right answer win three times."""
        for _ in range(20):
            passes: list[int] = []
            jti = secrets.token_bytes(16)

            async def answer(jti: bytes = jti, passes: list[int] = passes) -> None:
                try:
                    attempt = await replay.spend("grid", jti, **times, attempts=3)
                    await replay.win("grid", jti, **times, attempts=3)
                except Spent:
                    return
                passes.append(attempt)

            async with anyio.create_task_group() as group:
                for _ in range(4):
                    group.start_soon(answer)

            assert len(passes) == 1

    async def test_looking_tells_what_is_spent_and_spends_nothing(
        self, replay: Replay, jti: bytes, times: dict[str, Any]
    ) -> None:
        exp, now = times["exp"], times["now"]

        before = [await replay.spent("pass/key", jti, exp=exp, now=now) for _ in range(2)]
        used = await replay.spend("pass/key", jti, **times)
        after = [await replay.spent("pass/key", jti, exp=exp, now=now) for _ in range(2)]

        assert (before, used, after) == ([False, False], 1, [True, True])
        assert not await replay.spent("pass", jti, exp=exp, now=now)

    async def test_looking_for_a_dead_token_is_expired(self, replay: Replay, jti: bytes, now: int) -> None:
        with pytest.raises(Expired):
            await replay.spent("pass", jti, exp=now, now=now)

    async def test_token_is_expired_at_exp(self, replay: Replay, jti: bytes, now: int) -> None:
        with pytest.raises(Expired):
            await replay.spend("grid", jti, iat=now - 10, exp=now, now=now)

    async def test_token_beyond_the_horizon_is_refused(self, replay: Replay, jti: bytes, now: int) -> None:
        with pytest.raises(Expired):
            await replay.spend("grid", jti, iat=now, exp=now + 126, now=now)

    async def test_clock_behind_by_the_skew_reaches_the_horizon(
        self, replay: Replay, jti: bytes, now: int
    ) -> None:
        assert await replay.spend("grid", jti, iat=now, exp=now + 125, now=now) == 1

    async def test_token_from_before_the_epoch_is_refused(self, replay: Replay, jti: bytes, now: int) -> None:
        epoch = (await replay.state(now)).epoch

        with pytest.raises(Expired):
            await replay.spend("grid", jti, iat=epoch - 1, exp=now + 50, now=now)
        assert await replay.spend("grid", jti, iat=epoch, exp=now + 50, now=now) == 1

    async def test_token_from_the_future_has_to_wait(self, replay: Replay, jti: bytes, now: int) -> None:
        """A clock ran ahead, the token was spent, the clock was set back and the filter restarted: it was spent again."""
        later = {"iat": now + 20, "exp": now + 70}

        with pytest.raises(Unavailable, match="ahead"):
            await replay.spend("grid", jti, **later, now=now)

    async def test_state_is_ready_and_empty_at_first(self, replay: Replay, now: int) -> None:
        state = await replay.state(now)

        assert state.ready
        assert state.scope == replay.scope
        assert 0 <= state.fill < 1

    async def test_no_namespace_fills_the_room_of_another(self, replay: Replay, now: int) -> None:
        """Answers that cost nothing filled the filter, and no pass could be verified for half an hour."""
        exp = now // 10 * 10 + 30
        shares = Shares.of(1000)

        async def spend(namespace: str) -> int:
            return await replay.spend(namespace, secrets.token_bytes(16), iat=now, exp=exp, now=now)

        with pytest.raises(Unavailable):
            for _ in range(2000):
                await spend("grid")
        with pytest.raises(Unavailable):
            await spend("grid/won")

        for namespace in ("pass", "text"):
            assert [await spend(namespace) for _ in range(shares.own)] == [1] * shares.own
            with pytest.raises(Unavailable):
                await spend(namespace)
        assert (await replay.state(now)).ready

    async def test_closing_twice_is_harmless(self, replay: Replay) -> None:
        await replay.close()
        await replay.close()


class BoundedContract(ReplayContract):
    """Facts of the engines whose buckets can be full; ``tiny`` is like ``replay``, safe for 10 a bucket."""

    @pytest.fixture
    async def tiny(self, now: int) -> AsyncIterator[Replay]:
        raise NotImplementedError
        yield

    async def test_overflow_is_refused_and_forgets_nothing(self, tiny: Replay, now: int) -> None:
        exp = now // 10 * 10 + 20
        tokens = [secrets.token_bytes(16) for _ in range(10)]
        for token in tokens:
            await tiny.spend("grid", token, iat=now, exp=exp, now=now)

        with pytest.raises(Unavailable) as refusal:
            await tiny.spend("grid", secrets.token_bytes(16), iat=now, exp=exp, now=now)
        assert refusal.value.retry_after_seconds == 10
        for token in tokens:
            with pytest.raises(Spent):
                await tiny.spend("grid", token, iat=now, exp=exp, now=now)

    async def test_overflow_of_one_bucket_leaves_the_next_open(self, tiny: Replay, now: int) -> None:
        exp = now // 10 * 10 + 20
        for _ in range(10):
            await tiny.spend("grid", secrets.token_bytes(16), iat=now, exp=exp, now=now)

        assert await tiny.spend("grid", secrets.token_bytes(16), iat=now, exp=exp + 10, now=now) == 1

    async def test_fill_shows_the_fullest_bucket_until_it_is_over(self, tiny: Replay, now: int) -> None:
        exp = now // 10 * 10 + 20
        for _ in range(10):
            await tiny.spend("grid", secrets.token_bytes(16), iat=now, exp=exp, now=now)

        full = await tiny.state(now)
        later = await tiny.state(exp + 15)

        assert (full.fill, full.ready) == (1.0, True)
        assert later.fill == 0.0

    async def test_failed_closing_does_not_take_the_pass_away(self, tiny: Replay, now: int) -> None:
        """The mark of the winner is what counts; here the bucket has no room to close the rest."""
        exp = now // 10 * 10 + 20
        jti = secrets.token_bytes(16)
        for _ in range(9):
            await tiny.spend("grid", secrets.token_bytes(16), iat=now, exp=exp, now=now)

        await tiny.win("grid", jti, iat=now, exp=exp, now=now, attempts=3)

        with pytest.raises(Spent):
            await tiny.win("grid", jti, iat=now, exp=exp, now=now, attempts=3)


class BucketContract(BoundedContract):
    """Facts of the engines that keep their buckets themselves."""

    async def test_clock_set_back_reopens_nothing(self, replay: Replay, jti: bytes, now: int) -> None:
        await replay.spend("grid", jti, iat=now, exp=now + 2, now=now)
        await replay.spend("grid", secrets.token_bytes(16), iat=now, exp=now + 100, now=now + 40)

        with pytest.raises(Expired):
            await replay.spend("grid", jti, iat=now, exp=now + 2, now=now)

    async def test_clock_that_ran_ahead_blocks_no_new_token(self, replay: Replay, now: int) -> None:
        """The floor follows what was dropped, not the wrong clock: an hour ahead and back costs no hour."""
        await replay.spend("grid", secrets.token_bytes(16), iat=now, exp=now + 50, now=now)
        await replay.spend("grid", secrets.token_bytes(16), iat=now, exp=now + 3650, now=now + 3600)

        assert await replay.spend("grid", secrets.token_bytes(16), iat=now, exp=now + 70, now=now) == 1

    async def test_too_many_live_buckets_are_refused(self, replay: Replay, now: int) -> None:
        """Bounded memory: a clock that jumps about cannot make the filter grow."""
        hour = 3600

        with pytest.raises(Unavailable):
            for step in range(100):
                ahead = now + (100 - step) * hour
                await replay.spend("grid", secrets.token_bytes(16), iat=now, exp=ahead + 50, now=ahead)
