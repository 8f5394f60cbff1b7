"""The time-lock: the shorter way leads to the same number, and the factors are primes that every replica finds."""

import pytest

from captcha_stateless.errors import BadAnswer
from captcha_stateless.puzzles import timelock
from captcha_stateless.puzzles.timelock import TimeLock, is_prime, prime

SEED = b"s" * 16


@pytest.fixture(scope="module")
def lock() -> TimeLock:
    return TimeLock(b"secret")


def test_the_shorter_way_leads_where_the_squarings_do(lock: TimeLock) -> None:
    params = lock.plan({"difficulty": 1})
    (modulus, base), answers = lock.draw(SEED, params)
    power, n = int(base, 16), int(modulus, 16)

    for _ in range(timelock.LEAST_SQUARINGS):
        power = power * power % n

    assert answers == ()
    assert f"{power:x}" == lock.tell(SEED, params)
    assert lock.right(SEED, params, lock.normal(f"{power:x}", params))
    assert not lock.right(SEED, params, lock.normal(f"{power + 1:x}", params))


def test_zeros_and_capitals_change_no_number(lock: TimeLock) -> None:
    params = lock.plan({"difficulty": 1})
    told = str(lock.tell(SEED, params))

    assert lock.right(SEED, params, lock.normal("00" + told.upper(), params))


@pytest.mark.parametrize("answer", [None, 1, "", "0x1", "g", " 1", "1_0", "1" * 600, b"1", ["1"]])
def test_what_is_no_number_is_a_bad_answer(lock: TimeLock, answer: object) -> None:
    with pytest.raises(BadAnswer):
        lock.normal(answer, lock.plan({}))


@pytest.mark.parametrize(
    ("difficulty", "squarings"), [(1, 10_000), (14, 16_384), (18, 262_144), (40, 300_000)]
)
def test_squarings_are_within_what_clients_take(difficulty: int, squarings: int) -> None:
    assert timelock.squarings({"difficulty": difficulty}) == squarings


def test_the_same_secret_makes_the_same_modulus_of_full_length(lock: TimeLock) -> None:
    assert lock.modulus.bit_length() == 2 * timelock.FACTOR_BITS
    assert TimeLock(b"secret").modulus == lock.modulus


def test_another_secret_or_label_makes_another_prime() -> None:
    assert len({prime(secret, label, 128) for secret in (b"one", b"two") for label in "pq"}) == 4


def test_primes_are_told_from_composites() -> None:
    primes = {n for n in range(5, 2_000, 2) if all(n % d for d in range(3, n, 2))}

    assert {n for n in range(5, 2_000, 2) if is_prime(n, b"chance")} == primes


@pytest.mark.parametrize(
    "number", [561, 41_041, 825_265, 321_197_185, 3_215_031_751, 3_825_123_056_546_413_051]
)
def test_what_fools_lesser_tests_is_composite(number: int) -> None:
    """Carmichael's numbers, and pseudoprimes to the bases 2, 3, 5 and 7 (OEIS A014233)."""
    assert not is_prime(number, b"chance")


@pytest.mark.parametrize("number", [2**61 - 1, 2**89 - 1, 2**127 - 1])
def test_mersenne_s_are_prime(number: int) -> None:
    assert is_prime(number, b"chance")
