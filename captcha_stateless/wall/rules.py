"""Rules: an ordered list of conditions on a visit, each with what becomes of visits that meet it."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast, get_args

from captcha_stateless.errors import Misconfigured
from captcha_stateless.risk import MAX_SCORE
from captcha_stateless.wall import conditions
from captcha_stateless.wall.asked import POLICY_NAME
from captcha_stateless.wall.conditions import Condition, Place, Seen
from captcha_stateless.wall.visit import Visit

Action = Literal["allow", "deny", "ask"]
#: What a rule says; the last one decides nothing, and goes on.
Says = Literal["allow", "deny", "ask", "weigh"]

#: Conditions on what is to be found out of a visitor before the rules are asked.
FOUND = ("agent", "crawler")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")
#: What a rule that lets through reads more narrowly than others do.
_READ_TWICE = ("path", "set")
_OTHERS = ("name", "action", "policy", "weight", "set")


class Decision(NamedTuple):
    """What becomes of a visit.

    ``rule`` names the rule that decided, empty: none did; ``policy`` the policy that it asks by, empty: the site's own;
    ``weight`` is what is added to the visitor's risk, 0 to 100.
    """

    action: Action
    rule: str = ""
    policy: str = ""
    weight: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: a visit that meets all of its conditions gets what it says."""

    name: str
    says: Says
    conditions: tuple[Condition, ...]
    policy: str = ""
    weight: int = 0

    def covers(self, other: "Rule") -> bool:
        """Tell whether no visit meets the other rule without meeting this one, as far as can be told from their words."""
        asked = {condition.name: set(condition.values) for condition in other.conditions}
        return all(
            condition.name in asked
            and asked[condition.name] <= set(condition.values)
            and not (condition.name in _READ_TWICE and self.says == "allow" != other.says)
            for condition in self.conditions
        )


class Looked(NamedTuple):
    """A rule that was looked at, which of its conditions a visit meets, and whether it meets all."""

    rule: Rule
    met: tuple[bool, ...]

    @property
    def holds(self) -> bool:
        """Whether the visit meets the whole rule."""
        return all(self.met)


class Rules:
    """The rules of a site, compiled once; the first that matches decides, where it does not merely weigh."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.all = tuple(rules)
        self._compiled = [(rule, tuple(each.test for each in rule.conditions)) for rule in rules]
        self._looks = frozenset(_names(rules))
        #: What must be found out of a visitor before :meth:`decide`, for a rule asks for it: of ``agent`` and ``crawler``.
        self.needs = self._looks.intersection(FOUND)
        #: The policies that rules ask by.
        self.policies = frozenset(rule.policy for rule in rules if rule.policy)

    def decide(self, visit: Visit) -> Decision:
        """Tell what becomes of a visit; where no rule matches it is asked."""
        seen, weight = Seen(visit, self._looks), 0
        for rule, tests in self._compiled:
            for test in tests:
                if not test(seen):
                    break
            else:
                if rule.says != "weigh":
                    return Decision(rule.says, rule.name, rule.policy, min(weight, MAX_SCORE))
                weight += rule.weight
        return Decision("ask", weight=min(weight, MAX_SCORE))

    def explain(self, visit: Visit) -> Iterator[Looked]:
        """Tell of each rule, up to the one that decides, which of its conditions a visit meets."""
        seen = Seen(visit, self._looks)
        for rule in self.all:
            looked = Looked(rule, tuple(each.test(seen) for each in rule.conditions))
            yield looked
            if looked.holds and rule.says != "weigh":
                return


def parse(where: str, entries: Iterable[Mapping[str, Any]], folder: Path) -> Rules:
    """Read rules from their TOML tables.

    Args:
        where: begins the sentence about a mistake.
        entries: the tables, in order.
        folder: where files that they name are.

    Raises:
        Misconfigured: with one line for each mistake: a rule that is not of that form, or could never match.
    """
    found: list[Rule] = []
    problems: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            rule = _rule(number, entry, folder)
            _require_reachable(rule, found)
            found.append(rule)
        except (ValueError, Misconfigured) as error:
            problems.append(f"{where}, rule {number}: {error}")
    if problems:
        raise Misconfigured("\n".join(problems))
    return Rules(found)


@cache
def sets() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The sets that come along, by name: each is tables of conditions, of which a visit must meet one."""
    text = files("captcha_stateless.wall").joinpath("sets.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _rule(number: int, entry: Mapping[str, Any], folder: Path) -> Rule:
    for field in entry:
        if field not in (*_OTHERS, *conditions.NAMES):
            raise ValueError(f"there is no {field}: {conditions.near(field, (*_OTHERS, *conditions.NAMES))}")
    for field in ("name", "action", "policy", "set"):
        if not isinstance(entry.get(field, ""), str):
            raise ValueError(f"{field} must be a text")
    chosen, says = entry.get("set", ""), entry.get("action", "allow" if entry.get("set") else "")
    if says not in get_args(Says):
        raise ValueError(
            f"action is {', '.join(get_args(Says)[:-1])} or weigh" + (f", not {says}" if says else "")
        )
    name = entry.get("name", chosen or f"rule {number}")
    if not _NAME.fullmatch(name):
        raise ValueError("name is up to 40 letters, digits, spaces, dots, dashes and underscores")
    place = Place(folder, says == "allow")
    asked = [_set(chosen, place)] if "set" in entry else []
    asked += _conditions(entry, place)
    return Rule(
        name=name,
        says=cast(Says, says),
        conditions=tuple(asked),
        policy=_policy(entry, says),
        weight=_weight(entry, says),
    )


def _conditions(entry: Mapping[str, Any], place: Place) -> list[Condition]:
    found = []
    for name in conditions.NAMES:
        if name in entry:
            try:
                found.append(conditions.read(name, entry[name], place))
            except ValueError as error:
                raise ValueError(f"{name} {error}") from None
    return found


def _set(name: str, place: Place) -> Condition:
    if name not in sets():
        raise ValueError(f"there is no set {name}: {conditions.near(name, sets())}")
    ways = [[each.test for each in _conditions(table, place)] for table in sets()[name]]

    def meets(seen: Seen) -> bool:
        for way in ways:  # every visit comes by here: generators take thrice the time
            for test in way:
                if not test(seen):
                    break
            else:
                return True
        return False

    return Condition("set", (name,), meets)


def _only(entry: Mapping[str, Any], field: str, right: bool, who: str) -> Any:
    if field in entry and not right:
        raise ValueError(f"only {who} has a {field}")
    return entry.get(field, "")


def _policy(entry: Mapping[str, Any], says: str) -> str:
    policy = _only(entry, "policy", says == "ask", "a rule that asks")
    if policy and not POLICY_NAME.fullmatch(policy):
        raise ValueError("policy is up to 20 letters, digits, dashes and underscores: call the policy so")
    return str(policy)


def _weight(entry: Mapping[str, Any], says: str) -> int:
    weight = _only(entry, "weight", says == "weigh", "a rule that weighs")
    if says == "weigh" and not (type(weight) is int and 0 < weight <= MAX_SCORE):
        raise ValueError(f"weight is 1 to {MAX_SCORE}: what is added to the visitor's risk")
    return weight or 0


def _require_reachable(rule: Rule, earlier: Iterable[Rule]) -> None:
    for other in earlier:
        if other.name == rule.name:
            raise ValueError(f"there is a rule {rule.name} already: give each a name of its own")
        if other.says != "weigh" and other.covers(rule):
            raise ValueError(
                f"it can never match, for the rule {other.name} before it matches all that it does: put it before that one"
            )


def _names(rules: Iterable[Rule]) -> Iterator[str]:
    """Name every condition that the rules ask for, those of sets too."""
    for rule in rules:
        for condition in rule.conditions:
            yield condition.name
            if condition.name == "set":
                yield from (name for table in sets()[condition.values[0]] for name in table)


#: Everybody is asked.
NO_RULES = Rules()
