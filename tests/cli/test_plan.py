"""The plan: what it reckons with, and that what it says is enough."""

import re
import secrets
import time

import anyio
import pytest
from click.testing import CliRunner

from captcha_stateless.cli import main
from captcha_stateless.cli.plan import Run, measured, reckoned
from captcha_stateless.errors import Unavailable
from captcha_stateless.replay.factory import HORIZON_SECONDS
from captcha_stateless.replay.memory import MemoryReplay
from captcha_stateless.settings import Settings
from tests.replay.drive import finish

RUN = Run(stages=2, seconds=0.003, bytes=34_000, lives=(1_320, 1_320, 300))


def test_a_thousand_challenges_a_second() -> None:
    needs = reckoned(RUN, 1_000)

    assert needs.cores == pytest.approx(3)
    assert needs.replicas == 4  # 3 cores at 60% are 5, in pairs, and one pair to spare
    assert needs.marks == 6_000
    assert needs.exact_bytes == 1_000 * 2_940 * 226
    assert needs.bits == 1_000 * 34_000 * 8


@pytest.mark.parametrize("challenges", [2, 7.5])
def test_the_rate_that_it_names_is_enough_and_hardly_more(challenges: float) -> None:
    rate = reckoned(RUN, challenges).rate

    assert refused(rate, challenges) == 0
    assert refused(rate - 2, challenges) > 0


def refused(rate: int, challenges: float) -> int:
    """Leave the marks of one bucket's time; tell how many had no room."""
    replay = MemoryReplay(key=bytes(16), now=0, spends_per_second=rate, horizon_seconds=HORIZON_SECONDS)
    refusals = 0
    for namespace, marks in (("onecaptcha", 4), ("pass", 2)):
        for _ in range(int(challenges * marks * 210)):
            try:
                finish(replay.spend(namespace, secrets.token_bytes(16), iat=1, exp=430, now=1))
            except Unavailable:
                refusals += 1
    return refusals


def test_a_run_is_played_with_the_settings_as_they_are() -> None:
    short = anyio.run(lambda: measured(Settings(family="filled", extensions=0), seconds=0.01))
    long = anyio.run(lambda: measured(Settings(profile="strict", family="filled"), seconds=0.01))

    assert (short.stages, short.lives) == (2, (120, 120, 300))
    assert (long.stages, long.lives[0]) == (3, 120 * 11)
    assert short.bytes > 10_000
    assert 0 < short.seconds < time.process_time()


def test_it_is_told_as_a_table() -> None:
    said = CliRunner().invoke(main, ["plan", "--challenges", "1000"], env={"CAPTCHA_FAMILY": "filled"})

    assert said.exit_code == 0, said.output
    assert said.output.startswith("| for 1,000 challenges a second | |\n| --- | --- |\n")
    assert len(re.findall(r"^\| [^|]+ \| [^|]+ \|$", said.output, re.MULTILINE)) == 10
    assert "| marks a second | 6,000 |" in said.output
