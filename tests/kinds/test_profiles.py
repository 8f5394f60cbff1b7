"""Profiles: what is drawn exists, and the blind floor is what binomials say."""

from fractions import Fraction

import pytest

from captcha_stateless.kinds.profiles import PROFILES
from captcha_stateless.render import FAMILIES


def test_every_profile_draws_a_family_that_exists() -> None:
    assert {preset.family for preset in PROFILES.values()} <= set(FAMILIES)


def test_the_floor_of_two_stages_is_the_square_of_ones() -> None:
    assert PROFILES["humane"].answers == 456
    assert PROFILES["humane"].floor == Fraction(1, 456**2)


def test_a_forgiven_stage_counts_in_the_floor() -> None:
    stage = Fraction(1, 456)

    assert PROFILES["strict"].floor == 4 * stage**3 * (1 - stage) + stage**4


def test_the_classic_floor_is_the_originals() -> None:
    assert PROFILES["classic"].floor == Fraction(1, 512**20)


@pytest.mark.parametrize("name", PROFILES)
def test_whoever_passes_every_stage_passes_the_run(name: str) -> None:
    assert PROFILES[name].passing(Fraction(1)) == 1
    assert PROFILES[name].passing(Fraction(0)) == 0


def test_a_stricter_profile_has_a_lower_floor() -> None:
    assert PROFILES["lenient"].floor >= PROFILES["humane"].floor > PROFILES["strict"].floor
