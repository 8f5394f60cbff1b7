"""The behaviour map: scores lead to what is written, and difficulty moves between its bounds."""

from typing import Any

import pytest

from captcha_stateless.errors import Blocked, Misconfigured
from captcha_stateless.sites.policy import PRESETS, Policy, Rule, parse

MAP: dict[str, Any] = {
    "name": "shop",
    "load": 100,
    "failures": 4,
    "rule": [
        {"score": [0, 39], "kind": "work", "unit": "hex", "difficulty": 3, "most": 5},
        {"score": [40, 79], "kind": "grid", "profile": "humane"},
        {"score": [80, 89], "kind": "work", "unit": "hex", "difficulty": 5},
        {"score": [90, 100], "block": True},
    ],
}
BOTH = ("work", "grid")


def shop(**changes: Any) -> Policy:
    return parse("sites.toml", [{**MAP, **changes}])["shop"]


@pytest.mark.parametrize(
    ("score", "kind", "params"),
    [
        (0, "work", {"unit": "hex", "difficulty": 3}),
        (39, "work", {"unit": "hex", "difficulty": 3}),
        (40, "grid", {"profile": "humane"}),
        (79, "grid", {"profile": "humane"}),
        (80, "work", {"unit": "hex", "difficulty": 5}),
        (89, "work", {"unit": "hex", "difficulty": 5}),
    ],
)
def test_a_score_leads_to_the_rule_of_its_range(score: int, kind: str, params: dict[str, Any]) -> None:
    rule = shop().choose(score, BOTH)

    assert (rule.kind, rule.params) == (kind, params)


@pytest.mark.parametrize("score", [90, 100])
def test_a_blocked_score_is_refused(score: int) -> None:
    with pytest.raises(Blocked):
        shop().choose(score, BOTH)


def test_a_protocol_without_the_kind_takes_the_stricter_neighbour() -> None:
    assert shop().choose(50, ["work"]).params["difficulty"] == 5


def test_without_a_stricter_neighbour_the_nearest_below_is_taken() -> None:
    assert shop().choose(85, ["grid"]).kind == "grid"


def test_no_kind_in_common_is_a_refusal() -> None:
    with pytest.raises(Blocked):
        shop().choose(0, ["text"])


@pytest.mark.parametrize(
    ("dear", "puzzle"),
    [({"kdf": "SCRYPT"}, "altcha-2"), ({"kdf": "ARGON2ID"}, "altcha-2"), ({"time_lock": True}, "time-lock")],
)
def test_work_that_one_wording_alone_makes_hard_has_no_cheaper_stand_in(
    dear: dict[str, Any], puzzle: str
) -> None:
    """How work is worded is the visitor's choice: whoever asked for plain hashes got off with them."""
    lenient = {"score": [0, 39], "kind": "work", "difficulty": 10}
    strict = {"score": [80, 100], "kind": "work", "difficulty": 20}
    rule = {"score": [40, 79], "kind": "work", "difficulty": 12, **dear}
    policy = shop(rule=[lenient, rule, strict])
    alone = shop(rule=[{**lenient, "score": [0, 39]}, {**rule, "score": [40, 100]}])

    assert policy.choose(50, BOTH, [puzzle]).params["difficulty"] == 12
    assert policy.choose(50, BOTH, ["zeros"]).params["difficulty"] == 20
    with pytest.raises(Blocked):
        alone.choose(50, BOTH, ["zeros", "altcha-1", "cap"])


def test_hashes_are_the_same_work_in_every_wording() -> None:
    rule = {"score": [0, 100], "kind": "work", "difficulty": 12, "kdf": "PBKDF2/SHA-256", "cost": 100}

    assert shop(rule=[rule]).choose(50, BOTH, ["zeros"]).params["difficulty"] == 12


@pytest.mark.parametrize(("steps", "difficulty"), [(-1, 3), (0, 3), (1, 4), (2, 5), (3, 5), (100, 5)])
def test_difficulty_rises_in_steps_up_to_its_bound(steps: int, difficulty: int) -> None:
    assert shop().choose(0, BOTH).harder(steps).params["difficulty"] == difficulty


def test_what_has_no_difficulty_cannot_be_harder() -> None:
    rule = Rule(scores=range(101), kind="grid", params={"profile": "humane"})

    assert rule.harder(3) == rule


@pytest.mark.parametrize(
    ("load", "failures", "steps"),
    [
        (0, 0, 0),
        (99, 3.9, 0),
        (100, 0, 1),
        (200, 0, 2),
        (399, 0, 2),
        (400, 0, 3),
        (0, 4, 1),
        (0, 8, 2),
        (100, 4, 2),
    ],
)
def test_each_doubling_of_load_or_failures_is_a_step(load: float, failures: float, steps: int) -> None:
    assert shop().steps(load, failures) == steps


@pytest.mark.parametrize(
    ("name", "bits"), [("lenient", [0, 0, 0]), ("default", [0, 16, 20]), ("strict", [18, 19, 22])]
)
def test_the_work_before_a_picture_rises_with_load_as_far_as_may_be(name: str, bits: list[int]) -> None:
    asked = [PRESETS[name].first(steps) for steps in (0, 1, 40)]

    assert [work.get("difficulty", 0) for work in asked] == bits


@pytest.mark.parametrize("name", ["lenient", "default", "strict"])
def test_the_presets_cover_every_score(name: str) -> None:
    for score in range(95):
        assert PRESETS[name].choose(score, ["work"]).kind == "work"


def test_a_policy_of_a_preset_s_name_stands_in_its_place() -> None:
    assert parse("sites.toml", [{**MAP, "name": "default"}])["default"].load == 100


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": 5},
        {"load": 0},
        {"failures": -1},
        {"load": True},
        {"work": -1},
        {"work": 25},
        {"most_work": 25},
        {"work": "16"},
        {"profile": 5},
        {"colour": "red"},
        {"rule": []},
        {"rule": "all"},
        {"rule": ["all"]},
        {"rule": [{"score": [0, 99], "kind": "work"}]},
        {"rule": [{"score": [0, 60], "kind": "work"}, {"score": [60, 100], "block": True}]},
        {"rule": [{"score": [0, 101], "kind": "work"}]},
        {"rule": [{"score": [100, 0], "kind": "work"}]},
        {"rule": [{"score": 50, "kind": "work"}]},
        {"rule": [{"score": [0, 100]}]},
        {"rule": [{"score": [0, 100], "kind": 5}]},
        {"rule": [{"score": [0, 100], "block": False}]},
        {"rule": [{"score": [0, 100], "block": True, "difficulty": 5}]},
        {"rule": [{"score": [0, 100], "kind": "work", "difficulty": "5"}]},
        {"rule": [{"score": [0, 100], "kind": "work", "difficulty": 5, "most": 4}]},
        {"rule": [{"score": [0, 100], "kind": "work", "difficulty": 5, "most": "6"}]},
        {"rule": [{"score": [0, 100], "kind": "work", "x": [1]}]},
    ],
)
def test_a_map_that_cannot_be_meant_is_told(changes: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        shop(**changes)
