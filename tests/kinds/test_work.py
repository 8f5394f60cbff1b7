"""Proof of work: what is asked, and what counts as a solution."""

import hashlib
from itertools import count
from typing import ClassVar

import pytest

from captcha_stateless.errors import BadAnswer, BadRequest
from captcha_stateless.kinds.base import Kind
from captcha_stateless.model import Params
from captcha_stateless.puzzles.zeros import MAX_SOLUTION_CHARACTERS, NOT_A_TEXT, WRONG_LENGTH
from tests.kinds.contract import KEY, SEEDS, KindContract


def search(nonce: str, algorithm: str, zeros: str) -> str:
    """Find a solution by hexadecimal text, as RESTCaptcha's widget does; nothing here is the package's own."""
    for number in count():
        if hashlib.new(algorithm, f"{nonce}:{number}".encode()).hexdigest().startswith(zeros):
            return str(number)
    raise AssertionError


class TestWork(KindContract):
    name: ClassVar[str] = "work"
    wanted: ClassVar = [
        {"unit": "bits", "difficulty": 9},
        {"unit": "hex", "difficulty": 2},
        {"unit": "hex", "difficulty": 2, "algorithm": "sha-384"},
        {"unit": "bits", "difficulty": 7, "algorithm": "sha-512"},
    ]
    unknown: ClassVar = {"algorithm": "md5"}
    malformed: ClassVar = [None, 1, True, [], {}, "", "x" * (MAX_SOLUTION_CHARACTERS + 1), "\ud800"]

    @pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512"])
    def test_a_solution_found_by_others_is_right(self, kind: Kind, algorithm: str) -> None:
        params = kind.plan({"unit": "hex", "difficulty": 2, "algorithm": algorithm})

        solution = search(SEEDS[0].hex(), algorithm.replace("-", ""), "00")

        assert kind.check(KEY, self.claims(kind, SEEDS[0], params), kind.normal(solution, params))

    def test_one_zero_digit_short_is_wrong(self, kind: Kind) -> None:
        asked, easier = kind.plan({"unit": "hex", "difficulty": 3}), "00"
        for seed in SEEDS:
            solution = search(seed.hex(), "sha256", easier)
            digits = hashlib.sha256(f"{seed.hex()}:{solution}".encode()).hexdigest()
            right = kind.check(KEY, self.claims(kind, seed, asked), solution.encode())
            assert right == digits.startswith("000")

    def test_one_zero_bit_short_is_wrong(self, kind: Kind) -> None:
        params = kind.plan({"unit": "bits", "difficulty": 6})
        numbers = range(2_000)
        digests = [hashlib.sha256(f"{SEEDS[0].hex()}:{n}".encode()).digest() for n in numbers]

        exact = next(n for n in numbers if f"{int.from_bytes(digests[n], 'big'):0256b}".find("1") == 6)
        short = next(n for n in numbers if f"{int.from_bytes(digests[n], 'big'):0256b}".find("1") == 5)

        claims = self.claims(kind, SEEDS[0], params)
        assert kind.check(KEY, claims, str(exact).encode())
        assert not kind.check(KEY, claims, str(short).encode())

    def test_the_nonce_is_32_lower_case_hexadecimal_digits(self, kind: Kind) -> None:
        (nonce,) = kind.draw(bytes(range(240, 256)), kind.plan({})).shown

        assert nonce == "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"

    def test_no_digest_of_an_answer_travels(self, kind: Kind) -> None:
        assert kind.digests(KEY, b"jti", kind.draw(SEEDS[0], kind.plan({}))) == ()

    @pytest.mark.parametrize(
        "wanted",
        [
            {"unit": "octal"},
            {"difficulty": 0},
            {"difficulty": -1},
            {"difficulty": 41},
            {"unit": "hex", "difficulty": 11},
            {"difficulty": "many"},
            {"seconds": 0},
            {"seconds": 1_801},
        ],
    )
    def test_work_that_nobody_can_mean_is_a_bad_request(self, kind: Kind, wanted: Params) -> None:
        with pytest.raises(BadRequest):
            kind.plan(wanted)

    def test_what_the_command_line_hands_on_as_text_is_understood(self, kind: Kind) -> None:
        assert kind.plan({"difficulty": "12"})["difficulty"] == 12

    def test_what_work_does_not_know_is_not_sealed(self, kind: Kind) -> None:
        assert "profile" not in kind.plan({"profile": "humane"})

    @pytest.mark.parametrize(
        ("answer", "problem"), [(1, NOT_A_TEXT), ("", WRONG_LENGTH), ("\ud800", NOT_A_TEXT)]
    )
    def test_a_malformed_solution_is_named(self, kind: Kind, answer: object, problem: str) -> None:
        with pytest.raises(BadAnswer, match=problem):
            kind.normal(answer, kind.plan({}))

    def test_hard_work_is_not_searched_by_the_server(self, kind: Kind) -> None:
        with pytest.raises(BadRequest):
            kind.tell(kind.draw(SEEDS[0], kind.plan({"difficulty": 25})))

    def test_work_is_no_waiting_for_a_visitor_so_its_time_is_not_extended(self, kind: Kind) -> None:
        ladder = kind.ladder(kind.plan({}))

        assert (ladder.seconds, ladder.extendable) == ((1_800,), False)
