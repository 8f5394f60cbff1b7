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
MARK = b"what was answered"[:16]


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
        await replay.spend("n" * 32, jti, **times, attempts=2, mark=MARK, moment=7)

        assert await replay.spend("n" * 32, jti, **times, attempts=2, mark=MARK, moments=range(7, 9)) == 0

    async def test_a_mark_closes_the_remaining_attempts(
        self, replay: Replay, jti: bytes, times: dict[str, Any]
    ) -> None:
        await replay.spend("grid", jti, **times, attempts=3)

        assert await replay.spend("grid", jti, **times, attempts=3, mark=MARK, moment=7) == 2

        with pytest.raises(Spent):
            await replay.spend("grid", jti, **times, attempts=3)

    async def test_a_mark_is_known_again_with_its_moment(
        self, replay: Replay, jti: bytes, times: dict[str, Any]
    ) -> None:
        now = times["now"]
        again = {**times, "attempts": 3, "mark": MARK, "moments": range(now - 65, now + 6)}
        await replay.spend("grid", jti, **times, attempts=3)
        await replay.spend("grid", jti, **{**again, "moment": now - 3})

        found = [await replay.spend("grid", jti, **again, moment=moment) for moment in (None, now, now + 4)]

        assert found == [-62] * 3

    @pytest.mark.parametrize("other", [{"mark": b"n" * 16}, {"moments": range(8, 70)}, {"moments": range(7)}])
    async def test_another_mark_or_moment_is_not(
        self, replay: Replay, jti: bytes, times: dict[str, Any], other: dict[str, Any]
    ) -> None:
        await replay.spend("grid", jti, **times, mark=MARK, moment=7)

        for moment in (None, 8):
            with pytest.raises(Spent):
                await replay.spend(
                    "grid", jti, **{**times, "mark": MARK, "moments": range(7, 9), "moment": moment, **other}
                )

    async def test_without_a_moment_no_mark_is_left(
        self, replay: Replay, jti: bytes, times: dict[str, Any]
    ) -> None:
        """The first answer was wrong: nobody's second is known."""
        known = {**times, "mark": MARK, "moments": range(70)}
        await replay.spend("grid", jti, **known)

        for moment in (None, 7):
            with pytest.raises(Spent):
                await replay.spend("grid", jti, **known, moment=moment)

    async def test_a_mark_of_another_token_is_not_known(self, replay: Replay, times: dict[str, Any]) -> None:
        one, two = secrets.token_bytes(16), secrets.token_bytes(16)
        await replay.spend("grid", one, **times, mark=MARK, moment=7)
        await replay.spend("grid", two, **times)

        with pytest.raises(Spent):
            await replay.spend("grid", two, **times, mark=MARK, moments=range(7, 9))

    async def test_right_answers_at_one_moment_leave_one_mark(
        self, replay: Replay, times: dict[str, Any]
    ) -> None:
        """Trap 2 of the design: three tries must not let a right answer win three times."""
        for _ in range(20):
            found: list[int] = []
            jti = secrets.token_bytes(16)

            async def answer(moment: int, jti: bytes = jti, found: list[int] = found) -> None:
                known: dict[str, Any] = {"attempts": 3, "mark": MARK, "moments": range(9)}
                found.append(await replay.spend("grid", jti, **times, **known, moment=moment))

            async with anyio.create_task_group() as group:
                for moment in range(4):
                    group.start_soon(answer, moment)

            fresh, *again = sorted(found, reverse=True)
            assert fresh == 1
            assert len(set(again)) == 1

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
        later: dict[str, Any] = {"iat": now + 20, "exp": now + 70}

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

    async def test_a_mark_that_has_no_room_spends_nothing(self, tiny: Replay, now: int) -> None:
        """All of a step or none: an attempt without its mark would be a wrong answer for ever."""
        exp = now // 10 * 10 + 20
        jti = secrets.token_bytes(16)
        for _ in range(9):
            await tiny.spend("grid", secrets.token_bytes(16), iat=now, exp=exp, now=now)

        with pytest.raises(Unavailable):
            await tiny.spend("grid", jti, iat=now, exp=exp, now=now, attempts=3, mark=MARK, moment=7)

        assert await tiny.spend("grid", jti, iat=now, exp=exp, now=now, attempts=3) == 1

    async def test_a_full_bucket_still_knows_what_it_holds(self, tiny: Replay, now: int) -> None:
        exp = now // 10 * 10 + 20
        jti = secrets.token_bytes(16)
        times: dict[str, Any] = {"iat": now, "exp": exp, "now": now}
        await tiny.spend("grid", jti, **times, mark=MARK, moment=7)
        for _ in range(8):
            await tiny.spend("grid", secrets.token_bytes(16), **times)

        assert await tiny.spend("grid", jti, **times, mark=MARK, moment=8, moments=range(7, 9)) == 0


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
