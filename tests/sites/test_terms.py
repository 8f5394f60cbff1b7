"""Terms: what a policy asks of one kind, and what a pass for it is worth."""

from typing import Any

import pytest

from captcha_stateless.errors import Misconfigured
from captcha_stateless.kinds import KINDS
from captcha_stateless.sites.policy import PRESETS
from captcha_stateless.sites.policy import parse as parse_policies
from captcha_stateless.sites.terms import DEVICE, TERMS, parse

RULE = {"score": [0, 100], "kind": "grid"}


def test_every_kind_has_terms() -> None:
    assert set(TERMS) == {*KINDS, DEVICE}


def test_a_pass_is_worth_what_its_kind_and_the_risk_say() -> None:
    policy = PRESETS["default"]

    assert [policy.worth("grid", risk) for risk in (0, 39, 40, 79, 80, 100)] == [0.9, 0.9, 0.7, 0.7, 0.3, 0.3]
    assert [policy.worth(kind, 0) for kind in ("grid", "text", "audio", "work")] == [0.9, 0.7, 0.6, 0.3]


@pytest.mark.parametrize("risk", range(0, 101, 10))
def test_no_pass_is_worth_more_for_a_riskier_caller(risk: int) -> None:
    for terms in TERMS.values():
        assert terms.worth_at(min(risk + 10, 100)) <= terms.worth_at(risk)


def test_a_kind_that_no_policy_knows_is_worth_a_solved_run() -> None:
    assert PRESETS["default"].worth("another", 50) == 1.0


def test_a_policy_changes_what_it_names_and_keeps_the_rest() -> None:
    kinds = {"text": {"work": 18, "rate": 30}, "grid": {"worth": [[0, 1], [50, 0.25]]}}
    policy = parse_policies("sites.toml", [{"name": "shop", "rule": [RULE], "kinds": kinds}])["shop"]

    assert (policy.terms("text").work, policy.terms("text").rate) == (18, 30)
    assert policy.worth("text", 0) == 0.7
    assert (policy.worth("grid", 49), policy.worth("grid", 50)) == (1.0, 0.25)


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        (7, "kinds must be tables"),
        ({"hologram": {}}, "choose from grid, text, audio, work"),
        ({"text": 7}, "it has work, rate and worth"),
        ({"text": {"speed": 1}}, "it has work, rate and worth"),
        ({"text": {"work": 25}}, "work is 0 to 24"),
        ({"text": {"work": -1}}, "work is 0 to 24"),
        ({"text": {"rate": True}}, "rate is 0 to"),
        ({"text": {"worth": 0.5}}, "worth is"),
        ({"text": {"worth": []}}, "worth is"),
        ({"text": {"worth": [[1, 0.5]]}}, "worth is"),
        ({"text": {"worth": [[0, 1.5]]}}, "worth is"),
        ({"text": {"worth": [[0, 0.5], [0, 0.4]]}}, "worth is"),
        ({"text": {"worth": [[0, 0.5], [101, 0.4]]}}, "worth is"),
        ({"text": {"worth": [[0, 0.5], 40]}}, "worth is"),
        ({"text": {"worth": [[0, "much"]]}}, "worth is"),
    ],
)
def test_what_are_no_terms_is_told(tables: Any, problem: str) -> None:
    with pytest.raises(Misconfigured, match=problem):
        parse("policy shop", tables)


def test_a_dearer_kind_asks_more_work_before_it_is_drawn() -> None:
    policy = PRESETS["default"]

    assert policy.first(0, "grid") == {}
    assert policy.first(0, "text")["difficulty"] == 16
    assert policy.first(2, "text")["difficulty"] == 18
    assert policy.first(99, "text")["difficulty"] == 20
    assert PRESETS["strict"].first(0, "audio")["difficulty"] == 20
