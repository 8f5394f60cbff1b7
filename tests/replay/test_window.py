"""Which bucket a token falls into, and when a bucket is over."""

import pytest

from captcha_stateless.errors import Expired, Misconfigured
from captcha_stateless.replay.window import Window


def test_bucket_follows_exp_and_not_the_clock() -> None:
    window = Window(120, 5)

    assert {window.bucket(1055, now) for now in (940, 1000.5, 1054.9)} == {105}


def test_bucket_is_over_when_a_clock_behind_agrees() -> None:
    window = Window(120, 5)

    assert not window.is_over(105, 1064.9)
    assert window.is_over(105, 1065)


@pytest.mark.parametrize("horizon", [1, 7, 12, 120, 3600])
@pytest.mark.parametrize("skew", [0, 5, 30])
def test_buckets_suffice_for_all_living_tokens(horizon: int, skew: int) -> None:
    window = Window(horizon, skew)
    ends = range(1000 - skew, 1000 + horizon + skew + 1)

    alive = {end // window.bucket_seconds for end in ends}

    assert len(alive) <= window.buckets


def test_token_past_the_horizon_is_refused() -> None:
    with pytest.raises(Expired):
        Window(120, 5).bucket(1126, 1000)


@pytest.mark.parametrize(("horizon", "skew"), [(0, 5), (120, -1)])
def test_impossible_window_is_refused(horizon: int, skew: int) -> None:
    with pytest.raises(Misconfigured):
        Window(horizon, skew)
