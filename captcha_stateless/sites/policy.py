"""The behaviour map: which risk leads to which challenge, and by how much load and failures raise its difficulty."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from captcha_stateless.errors import Blocked, Misconfigured
from captcha_stateless.model import Params
from captcha_stateless.puzzles import PUZZLES, only
from captcha_stateless.risk import MAX_SCORE
from captcha_stateless.sites import terms
from captcha_stateless.sites.difficulty import doublings
from captcha_stateless.sites.terms import MOST_WORK, TERMS, Terms, dearer

_POLICY_FIELDS: Mapping[str, tuple[type, ...]] = {
    "name": (str,),
    "rule": (list,),
    "load": (int, float),
    "failures": (int, float),
    "profile": (str,),
    "work": (int,),
    "most_work": (int,),
    "kinds": (dict,),
}
#: Less than this under load would not be worth the round trip.
_LEAST_WORK = 16


_NO_TERMS = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a range of scores leads to; no kind: a refusal.

    ``params`` are the kind's own. A difficulty among them rises, step by step, to ``most`` and never beyond, and never falls
    below what is written.
    """

    scores: range
    kind: str = ""
    params: Params = field(default_factory=dict)
    most: int = 0

    def suits(self, kinds: Collection[str], puzzles: Collection[str]) -> bool:
        """Tell whether it leads to one of the kinds; to work, where one of the puzzles is as hard as it says."""
        return self.kind in kinds and only(self.params) in ("", *puzzles)

    def harder(self, steps: int) -> "Rule":
        """Raise the difficulty by so many steps, as far as may be."""
        difficulty = self.params.get("difficulty")
        if steps <= 0 or not isinstance(difficulty, int) or difficulty >= self.most:
            return self
        return replace(self, params={**self.params, "difficulty": min(difficulty + steps, self.most)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One behaviour map.

    ``load`` is how many challenges a second of one site, on one process, raise the difficulty by a step; ``failures`` how
    many recent failures of one address prefix do; each doubling is one step more. ``profile`` is the grid's, of the
    deployment's own where it is empty. ``work`` is how many zero bits are asked before anything is drawn, 0: none as
    long as there are no steps; with these it rises, from 16 on, to ``most_work``. ``kinds`` are the terms of each kind.
    """

    name: str
    rules: tuple[Rule, ...]
    load: float = 200
    failures: float = 10
    profile: str = ""
    work: int = 0
    most_work: int = 0
    kinds: Mapping[str, Terms] = field(default_factory=lambda: TERMS)

    def __post_init__(self) -> None:
        covered = [score for rule in self.rules for score in rule.scores]
        if sorted(covered) != list(range(MAX_SCORE + 1)):
            raise Misconfigured(f"policy {self.name}: its rules must cover each score of 0 to 100 once")
        if self.load <= 0 or self.failures <= 0:
            raise Misconfigured(f"policy {self.name}: load and failures must be above 0")
        if not 0 <= self.work <= MOST_WORK or not 0 <= self.most_work <= MOST_WORK:
            raise Misconfigured(f"policy {self.name}: work and most_work are 0 to {MOST_WORK} bits")

    def choose(self, score: int, kinds: Collection[str], puzzles: Collection[str] = PUZZLES) -> Rule:
        """Find what a score leads to, among the kinds that the caller can be given, work being worded as one of the puzzles.

        Where the rule asks for another kind, the nearest rule above stands in, so that nobody gets off lighter, and only
        where there is none the nearest below. Where it asks for work that the puzzles cannot word, none below does: how work
        is worded is the visitor's choice.

        Raises:
            Blocked: when the score is refused, or no rule has such a kind.
        """
        rule = self.require(score)
        if rule.suits(kinds, puzzles):
            return rule
        above = [other for other in self.rules if other.scores.start > rule.scores.start]
        below = [other for other in reversed(self.rules) if other.scores.start < rule.scores.start]
        for candidate in above if rule.kind in kinds else [*above, *below]:
            if candidate.suits(kinds, puzzles):
                return candidate
        raise Blocked("the site's policy has no challenge of a kind that was asked for")

    def require(self, score: int) -> Rule:
        """Find what a score leads to.

        Raises:
            Blocked: when it is refused.
        """
        rule = next(rule for rule in self.rules if score in rule.scores)
        if not rule.kind:
            raise Blocked("the risk is refused by the site's policy")
        return rule

    @property
    def draws(self) -> bool:
        """Whether any score leads to something that is drawn."""
        return any(rule.kind not in ("", "work") for rule in self.rules)

    def terms(self, kind: str) -> Terms:
        """Tell the terms of a kind."""
        return self.kinds.get(kind, _NO_TERMS)

    def worth(self, kind: str, risk: int) -> float:
        """Tell what a pass for a kind is worth that somebody of such a risk has earned, 0 to 1."""
        return self.terms(kind).worth_at(risk)

    def first(self, steps: int, kind: str = "") -> Params:
        """Tell the work that is asked before a kind is drawn; empty: none."""
        least = max(self.work, self.terms(kind).work)
        pressed = max(least, _LEAST_WORK - 1) + steps if steps else least
        bits = min(pressed, max(least, self.most_work))
        return {"algorithm": "sha-256", "unit": "bits", "difficulty": bits} if bits else {}

    def steps(self, load: float, failures: float) -> int:
        """Tell by how many steps the present load and failures raise the difficulty."""
        return doublings(load, self.load) + doublings(failures, self.failures)


def _bits(low: int, high: int, difficulty: int, most: int) -> Rule:
    params: Params = {"algorithm": "sha-256", "unit": "bits", "difficulty": difficulty}
    return Rule(scores=range(low, high + 1), kind="work", params=params, most=most)


_REFUSED = Rule(scores=range(95, MAX_SCORE + 1))

#: What stands ready without a file: each asks one digit of RESTCaptcha's (four bits) more than the one before, and sets the
#: grid's profile, with it families and stages, and the work before a picture; 2^16 hashes take a browser 0.04 s.
PRESETS: dict[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy(
            name="lenient",
            rules=(_bits(0, 69, 12, 20), _bits(70, 100, 16, 24)),
            load=400,
            failures=20,
            profile="lenient",
        ),
        Policy(
            name="default",
            rules=(_bits(0, 39, 16, 24), _bits(40, 79, 18, 24), _bits(80, 100, 20, 24)),
            most_work=20,
            kinds=dearer(16),
        ),
        Policy(
            name="strict",
            rules=(_bits(0, 39, 20, 26), _bits(40, 94, 22, 26), _REFUSED),
            load=100,
            failures=5,
            profile="strict",
            work=18,
            most_work=22,
            kinds=dearer(20, rate=60),
        ),
    )
}


def parse(where: str, entries: Iterable[Mapping[str, Any]]) -> dict[str, Policy]:
    """Read policies from their TOML tables; one of a preset's name stands in its place.

    Raises:
        Misconfigured: when one is not of that form; ``where`` begins its sentence.
    """
    policies = [_policy(f"{where}, policy {number}", entry) for number, entry in enumerate(entries, 1)]
    return {**PRESETS, **{policy.name: policy for policy in policies}}


def _policy(where: str, entry: Mapping[str, Any]) -> Policy:
    for name, value in entry.items():
        if name not in _POLICY_FIELDS or type(value) not in _POLICY_FIELDS[name]:
            raise Misconfigured(f"{where}: {name} is unknown or of the wrong type")
    if not entry.get("name"):
        raise Misconfigured(f"{where}: a name is needed")
    rules = [_rule(f"{where}, rule {number}", rule) for number, rule in enumerate(entry.get("rule", []), 1)]
    rules.sort(key=lambda rule: rule.scores.start)
    rest = {name: value for name, value in entry.items() if name not in ("rule", "kinds")}
    kinds = terms.parse(where, entry.get("kinds", {}))
    return Policy(rules=tuple(rules), kinds=kinds, **rest)


def _rule(where: str, entry: object) -> Rule:
    if not isinstance(entry, dict):
        raise Misconfigured(f"{where} must be a table")
    params = dict(entry)
    scores, kind = _scores(where, params.pop("score", None)), params.pop("kind", "")
    if params.pop("block", False) is True:
        if params or kind:
            raise Misconfigured(f"{where}: what is blocked has no challenge")
        return Rule(scores=scores)
    if not (kind and isinstance(kind, str)):
        raise Misconfigured(f"{where}: kind, or block = true, is needed")
    most = params.pop("most", params.get("difficulty", 0))
    if not all(isinstance(value, str | int) for value in params.values()):
        raise Misconfigured(f"{where}: params are texts, whole numbers, true or false")
    difficulty = params.get("difficulty", 0)
    if type(difficulty) is not int or type(most) is not int or most < difficulty:
        raise Misconfigured(f"{where}: difficulty and most are whole numbers, most no less than difficulty")
    return Rule(scores=scores, kind=kind, params=params, most=most)


def _scores(where: str, value: object) -> range:
    if isinstance(value, list) and len(value) == 2 and all(type(score) is int for score in value):
        first, last = value
        if 0 <= first <= last <= MAX_SCORE:
            return range(first, last + 1)
    raise Misconfigured(f"{where}: score must be [first, last], of 0 to {MAX_SCORE}")
