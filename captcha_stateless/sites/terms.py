"""Terms: what a policy asks of one kind of challenge, and what a pass for it is worth, by the risk of who earned it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from captcha_stateless.errors import Misconfigured
from captcha_stateless.risk import MAX_SCORE

#: More would keep a phone busy for minutes, before its owner has seen anything.
MOST_WORK = 24
_MOST_RATE = 1_000_000
#: What counts without being drawn: a device that an issuer vouches for. It proves a device, not a person.
DEVICE = "device"

#: What a pass is worth from a risk on, lowest risk first: 0 as a bot's, 1 as a person's.
Worth = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Terms of one kind.

    ``work`` is how many zero bits are asked before it is drawn, ``rate`` how many challenges of it a network may ask of a
    site in a minute (0: any number), ``worth`` what a pass for it is worth.
    """

    work: int = 0
    rate: int = 0
    worth: Worth = ((0, 1.0),)

    def worth_at(self, risk: int) -> float:
        """Tell what a pass is worth that somebody of such a risk has earned."""
        return next(worth for least, worth in reversed(self.worth) if risk >= least)


#: Where a policy says nothing else. Of all kinds the best attacker that needs no training is what decides, then how well a
#: trained one does (docs/threat-model.md); work is done by any program.
TERMS: Mapping[str, Terms] = MappingProxyType(
    {
        "grid": Terms(worth=((0, 0.9), (40, 0.7), (80, 0.3))),
        "text": Terms(worth=((0, 0.7), (40, 0.5), (80, 0.2))),
        "audio": Terms(worth=((0, 0.6), (40, 0.4), (80, 0.2))),
        "work": Terms(worth=((0, 0.3), (40, 0.2), (80, 0.1))),
        DEVICE: Terms(worth=((0, 0.7), (40, 0.5), (80, 0.2))),
    }
)


def dearer(work: int, rate: int = 0) -> Mapping[str, Terms]:
    """Let the kinds that stand in for the grid cost so many bits of work more than it does."""
    more = {kind: replace(TERMS[kind], work=work, rate=rate) for kind in ("text", "audio")}
    return MappingProxyType({**TERMS, **more})


def parse(where: str, tables: object) -> Mapping[str, Terms]:
    """Read terms from their TOML tables, one a kind; what a table does not name stays as it is.

    Raises:
        Misconfigured: when one is not of that form; ``where`` begins its sentence.
    """
    if not isinstance(tables, dict):
        raise Misconfigured(f"{where}: kinds must be tables")
    return MappingProxyType({**TERMS, **{kind: _terms(where, kind, table) for kind, table in tables.items()}})


def _terms(where: str, kind: str, table: object) -> Terms:
    where = f"{where}, kind {kind}"
    if kind not in TERMS:
        raise Misconfigured(f"{where}: choose from {', '.join(TERMS)}")
    if not isinstance(table, dict) or not set(table) <= {"work", "rate", "worth"}:
        raise Misconfigured(f"{where}: it has work, rate and worth")
    given: dict[str, Any] = {
        name: _whole(where, name, table[name], most)
        for name, most in (("work", MOST_WORK), ("rate", _MOST_RATE))
        if name in table
    }
    if "worth" in table:
        given["worth"] = _worth(where, table["worth"])
    return replace(TERMS[kind], **given)


def _whole(where: str, name: str, value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise Misconfigured(f"{where}: {name} is 0 to {most}")
    return value


def _worth(where: str, value: object) -> Worth:
    steps = value if isinstance(value, list) else []
    pairs = [(step[0], step[1]) for step in steps if isinstance(step, list) and len(step) == 2]
    risks = [
        risk for risk, worth in pairs if type(risk) is int and type(worth) in (int, float) and 0 <= worth <= 1
    ]
    ordered = risks == sorted(set(risks)) and risks[:1] == [0] and risks[-1] <= MAX_SCORE
    if not (ordered and len(risks) == len(steps)):
        raise Misconfigured(
            f"{where}: worth is [[0, 0.9], [40, 0.5]]: from a risk on, from 0 on, what a pass is worth"
        )
    return tuple((risk, round(float(worth), 2)) for risk, worth in pairs)
