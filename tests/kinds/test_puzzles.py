"""The puzzles of other people's widgets, each as the kind ``work`` asks it."""

import hashlib
from typing import ClassVar

import pytest

from captcha_stateless import Settings
from captcha_stateless.errors import BadAnswer, BadRequest
from captcha_stateless.kinds.base import Kind
from captcha_stateless.kinds.work import Work
from captcha_stateless.model import Params
from captcha_stateless.puzzles import PUZZLES, altcha2, cap
from tests.kinds.contract import KEY, SEEDS, KindContract


@pytest.fixture(scope="module")
def kind() -> Kind:
    return Work.from_settings(Settings(), b"secret")


#: Two texts of one hash, FNV-1a of 32 bits.
TWINS = ("12afe4beb692", "8890e21017b2")


class TestAltchaOne(KindContract):
    name: ClassVar[str] = "work"
    wanted: ClassVar = [{"puzzle": "altcha-1", "difficulty": 10}]
    unknown: ClassVar = {"puzzle": "altcha-1", "difficulty": 41}
    malformed: ClassVar = [None, True, "1", 1.0, -1, 2**53, [], (1, b"")]

    def test_the_number_is_spread_over_all_that_may_be(self, kind: Kind) -> None:
        params = kind.plan({"puzzle": "altcha-1", "difficulty": 1})
        numbers = [kind.draw(hashlib.sha256(b"%d" % n).digest()[:16], params).answers[0] for n in range(400)]

        assert {int(number) for number in numbers} == {0, 1, 2, 3}


class TestAltchaTwo(KindContract):
    name: ClassVar[str] = "work"
    wanted: ClassVar = [
        {"puzzle": "altcha-2", "difficulty": 8},
        {"puzzle": "altcha-2", "difficulty": 6, "deterministic": False},
        {"puzzle": "altcha-2", "difficulty": 8, "kdf": "SHA-512", "cost": 4},
        {"puzzle": "altcha-2", "difficulty": 8, "kdf": "PBKDF2/SHA-256", "cost": 8},
        {"puzzle": "altcha-2", "difficulty": 8, "kdf": "PBKDF2/SHA-384", "cost": 8, "deterministic": False},
        {
            "puzzle": "altcha-2",
            "difficulty": 8,
            "kdf": "SCRYPT",
            "cost": 16,
            "memory": 1,
            "deterministic": False,
        },
        {"puzzle": "altcha-2", "difficulty": 8, "kdf": "ARGON2ID", "memory": 16, "deterministic": False},
    ]
    unknown: ClassVar = {"puzzle": "altcha-2", "kdf": "MD5"}
    malformed: ClassVar = [
        None,
        1,
        "",
        (1,),
        (True, bytes(32)),
        (-1, bytes(32)),
        (2**32, bytes(32)),
        (1.0, bytes(32)),
        (1, bytes(31)),
        (1, "0" * 64),
    ]

    def test_the_key_of_another_counter_is_wrong(self, kind: Kind) -> None:
        for params in self.params(kind):
            claims = self.claims(kind, SEEDS[0], params)
            told = kind.tell(kind.draw(SEEDS[0], params))
            assert isinstance(told, tuple)
            counter, key = told

            assert kind.check(KEY, claims, kind.normal((counter, key), params))
            assert not kind.check(KEY, claims, kind.normal((counter + 1, key), params))

    def test_a_key_without_the_prefix_is_wrong(self, kind: Kind) -> None:
        """Several libraries derived the key again, and forgot to look at its prefix."""
        params = kind.plan({"puzzle": "altcha-2", "difficulty": 8, "deterministic": False})
        challenge, claims = kind.draw(SEEDS[0], params), self.claims(kind, SEEDS[0], params)
        nonce, salt, prefix = challenge.shown

        for counter in range(64):
            text = bytes.fromhex(salt) + altcha2.password(bytes.fromhex(nonce), counter)
            key = hashlib.sha256(text).digest()
            right = kind.check(KEY, claims, kind.normal((counter, key), params))
            assert right == key.hex().startswith(prefix)

    @pytest.mark.parametrize(
        "costs",
        [
            {"kdf": "SHA-256", "cost": 0},
            {"kdf": "SHA-256", "cost": 10_001},
            {"kdf": "SHA-256", "memory": 1},
            {"kdf": "PBKDF2/SHA-256", "cost": 200_001},
            {"kdf": "PBKDF2/SHA-256", "lanes": 1},
            {"kdf": "SCRYPT", "cost": 65_536},
            {"kdf": "SCRYPT", "cost": 1_000},
            {"kdf": "SCRYPT", "memory": 17},
            {"kdf": "SCRYPT", "cost": 1, "memory": 1},
            {"kdf": "SCRYPT", "lanes": 0},
            {"kdf": "SCRYPT", "cost": 32_768, "memory": 16, "lanes": 2},
            {"kdf": "ARGON2ID", "cost": 5},
            {"kdf": "ARGON2ID", "memory": 65_537},
            {"kdf": "ARGON2ID", "memory": 7},
            {"kdf": "ARGON2ID", "memory": "x"},
            {"kdf": "ARGON2ID", "deterministic": True},
            {"kdf": "PBKDF2/SHA-256", "cost": 5_000, "deterministic": True},
            {"seconds": 0},
            {"unit": "bytes"},
        ],
    )
    def test_costs_that_no_server_should_pay_are_refused(self, kind: Kind, costs: Params) -> None:
        with pytest.raises(BadRequest):
            kind.plan({"puzzle": "altcha-2", **costs})

    def test_what_takes_milliseconds_is_slow_and_derives_nothing_beforehand(self, kind: Kind) -> None:
        quick = kind.plan({"puzzle": "altcha-2"})
        slow = [
            kind.plan({"puzzle": "altcha-2", "kdf": name, **costs})
            for name, costs in (("PBKDF2/SHA-256", {"cost": 5_000}), ("SCRYPT", {}), ("ARGON2ID", {}))
        ]

        assert (kind.price(quick), quick["deterministic"]) == (1, True)
        assert (
            kind.price(kind.plan({"puzzle": "altcha-2", "kdf": "SCRYPT", "cost": 32_768, "memory": 16})) == 54
        )
        assert [(kind.price(params) > 1, params["deterministic"]) for params in slow] == [(True, False)] * 3

    def test_the_deterministic_counter_is_spread_over_twice_the_tries(self, kind: Kind) -> None:
        params = kind.plan({"puzzle": "altcha-2", "difficulty": 2})
        seeds = [hashlib.sha256(b"%d" % number).digest()[:16] for number in range(400)]
        counters = {int.from_bytes(kind.draw(seed, params).answers[0][:4], "big") for seed in seeds}

        assert counters == set(range(8))


class TestTimeLock(KindContract):
    name: ClassVar[str] = "work"
    wanted: ClassVar = [{"puzzle": "time-lock", "difficulty": 1}]
    unknown: ClassVar = {"puzzle": "time-lock", "difficulty": 0}
    malformed: ClassVar = [None, 1, "", "x", b"1"]

    def test_it_costs_more(self, kind: Kind) -> None:
        assert kind.price(kind.plan({"puzzle": "time-lock"})) == 2


class TestCap:
    """No contract: what is asked comes of the token's text, so that nothing can be told or judged without it."""

    def planned(self, kind: Kind, **wanted: str | int) -> Params:
        return kind.plan({"puzzle": "cap", "difficulty": 6, **wanted})

    def test_solutions_are_of_the_token(self, kind: Kind) -> None:
        params = self.planned(kind)
        claims = KindContract.claims(TestAltchaOne(), kind, SEEDS[0], params)
        solutions = cap.solve("token", params)

        assert kind.check(KEY, claims, kind.normal(("token", solutions), params))
        assert not kind.check(KEY, claims, kind.normal(("tokem", solutions), params))
        assert not kind.check(KEY, claims, kind.normal(("token", [*solutions[:-1], 0]), params))
        assert kind.price(params) == 1

    @pytest.mark.parametrize(
        ("difficulty", "size"),
        [
            (1, (1, 1)),
            (5, (2, 1)),
            (12, (16, 2)),
            (16, (16, 3)),
            (19, (128, 3)),
            (20, (16, 4)),
            (40, (16, 9)),
        ],
    )
    def test_salts_and_targets_make_up_the_difficulty(
        self, kind: Kind, difficulty: int, size: tuple[int, int]
    ) -> None:
        assert cap.size(self.planned(kind, difficulty=difficulty)) == (size[0], 32, size[1])

    @pytest.mark.parametrize(
        "answer",
        [
            None,
            [1, 2, 3, 4],
            ("token",),
            (1, [1, 2, 3, 4]),
            ("token", (1, 2, 3, 4)),
            ("token", [1, 2, 3]),
            ("token", [1, 2, 3, 4, 5]),
            ("token", [1, 2, 3, True]),
            ("token", [1, 2, 3, -1]),
            ("token", [1, 2, 3, 2**53]),
            ("token", [1, 2, 3, "4"]),
        ],
    )
    def test_what_are_no_solutions_is_a_bad_answer(self, kind: Kind, answer: object) -> None:
        with pytest.raises(BadAnswer):
            kind.normal(answer, self.planned(kind))

    def test_the_second_format_tells_two_tokens_apart_that_are_one_to_the_first(self, kind: Kind) -> None:
        """Clients of the first format see 32 bits of a token: who had solved one of these had solved both."""
        first, second = (self.planned(kind, format=number) for number in (1, 2))

        assert cap.scatter(TWINS[0]) == cap.scatter(TWINS[1])
        for params, alike in ((first, True), (second, False)):
            answers = [kind.normal((token, [1] * 4), params) for token in TWINS]
            asked = [cap.pairs(cap.stem(token, params), params) for token in TWINS]
            assert (answers[0] == answers[1], asked[0] == asked[1]) == (alike, alike)
            assert [(len(salt), len(target)) for salt, target in asked[0]] == [(32, 1)] * 4

    def test_solutions_of_the_second_format_are_of_the_token(self, kind: Kind) -> None:
        params = self.planned(kind, format=2)
        claims = KindContract.claims(TestAltchaOne(), kind, SEEDS[0], params)
        solutions = cap.solve("token", params)

        assert kind.check(KEY, claims, kind.normal(("token", solutions), params))
        assert not kind.check(KEY, claims, kind.normal(("tokem", solutions), params))

    def test_there_are_two_formats(self, kind: Kind) -> None:
        params = self.planned(kind, format=2)

        assert kind.plan(params) == params
        with pytest.raises(BadRequest):
            self.planned(kind, format=3)

    def test_nothing_is_told_without_the_token(self, kind: Kind) -> None:
        with pytest.raises(BadRequest):
            kind.tell(kind.draw(SEEDS[0], self.planned(kind)))


@pytest.mark.parametrize("name", [name for name in PUZZLES if name not in ("time-lock", "cap")])
def test_what_would_take_long_is_not_searched(kind: Kind, name: str) -> None:
    hard = kind.plan({"puzzle": name, "difficulty": 25})

    with pytest.raises(BadRequest):
        kind.tell(kind.draw(SEEDS[0], hard))


def test_there_is_no_puzzle_of_another_name(kind: Kind) -> None:
    with pytest.raises(BadRequest):
        kind.plan({"puzzle": "riddle"})
