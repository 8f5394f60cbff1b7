"""Warming: beside the first requests, and readiness waits for it."""

import logging
from threading import Event

import pytest
from starlette.datastructures import State

from captcha_stateless.http.warming import warmed


def test_it_says_that_it_warms_until_the_last_step_is_done() -> None:
    state, begin, done = State(), Event(), Event()

    def wait() -> None:
        begin.wait(10)

    with warmed(state, [wait, done.set]):
        during = state.warming
        begin.set()
        assert done.wait(10)

    assert (during, state.warming) == (True, False)


def test_a_step_that_fails_leaves_it_unready_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    state, reached = State(), Event()

    def fail() -> None:
        reached.set()
        raise ValueError("a typeface went missing")

    with caplog.at_level(logging.ERROR), warmed(state, [fail]):
        assert reached.wait(10)

    assert state.warming is True
    assert "never ready" in caplog.text
    assert "went missing" in caplog.text


def test_at_the_end_what_is_left_is_left_out() -> None:
    state, begun, ended, taken = State(), Event(), Event(), []

    def slow() -> None:
        begun.set()
        ended.wait(0.2)

    with warmed(state, [slow, lambda: taken.append("late")]):
        assert begun.wait(10)

    assert taken == []
    assert state.warming is True
