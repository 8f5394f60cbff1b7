"""When the breaker lets whom through."""

import pytest

from captcha_stateless.errors import Unavailable
from captcha_stateless.replay.breaker import Breaker


def test_closed_breaker_lets_everybody_through() -> None:
    breaker = Breaker(1)

    for now in (0, 0, 5):
        breaker.enter(now)


def test_failure_refuses_for_the_pause() -> None:
    breaker = Breaker(1)
    breaker.fail(10)

    with pytest.raises(Unavailable):
        breaker.enter(10.9)
    breaker.enter(11)


def test_one_caller_tries_for_all() -> None:
    breaker = Breaker(1)
    breaker.fail(10)
    breaker.enter(11)

    with pytest.raises(Unavailable):
        breaker.enter(11)


def test_caller_that_never_reports_back_blocks_nobody_for_ever() -> None:
    breaker = Breaker(1)
    breaker.fail(10)
    breaker.enter(11)

    breaker.enter(12)


def test_success_lets_everybody_through() -> None:
    breaker = Breaker(1)
    breaker.fail(10)
    breaker.enter(11)

    breaker.succeed()

    breaker.enter(11)
    breaker.enter(11)
