"""The price of a pass by door: what the best attacker of each kind of challenge spends on a thousand passes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from price import CORE_HOUR, HASHES, PROXY_GIGABYTE, expected_stages
from score import bounds, run

Results = Mapping[str, Any]
#: Who sees no pixel, and who was made for the grid's drawing; the other untrained attackers are off the shelf.
BLIND = ("guess", "metadata: file sizes", "metadata: palettes", "metadata: learned")
WRITTEN = ("contour-template bank", "knows the recipe")
#: Bits of work that a challenge of the kind work asks by the default policy, and bytes of its replies.
WORK_BITS, WORK_BYTES = 16, 1_500
#: Bytes of a picture of text and of a sound, as they travel.
TEXT_BYTES, SOUND_BYTES = 14_000, 112_000
SERVED = (
    "default, 600x200, light",
    "default, 600x200, dark",
    "default, 350x100, light",
    "default, 350x100, dark",
)


@dataclass(frozen=True, slots=True)
class Door:
    """A thousand passes by one kind: tries, processor seconds and US dollars; ``bound``: nothing passed, so at least that."""

    kind: str
    trained: bool
    attacker: str
    passing: float
    tries: float
    seconds: float
    dollars: float
    bound: bool = False


def doors(results: Results) -> list[dict[str, Any]]:
    """Price every kind for the best attacker off the shelf, and for the best that was trained on it."""
    return [asdict(door) for door in (*_grid(results), *_text(results), *_audio(results), _work())]


def _grid(results: Results) -> Iterator[Door]:
    scores = [one for one in results["outline"].values() if isinstance(one, dict)]
    for trained in (False, True):
        sort = [
            one
            for one in scores
            if bool(one["labels"]) is trained and one["name"] not in (*BLIND, *(() if trained else WRITTEN))
        ]
        best = max(sort, key=lambda one: (one["passed"] / one["stages"], one["stages"]))
        stage, bound = _rate(best["passed"], best["stages"])
        each = expected_stages(stage, 2)
        yield _door(
            "grid",
            trained,
            best["name"],
            run(stage, 2),
            seconds=each * best["cpu_seconds"] / best["stages"],
            size=each * results["outline"]["bytes"],
            bound=bound,
        )


def _text(results: Results) -> Iterator[Door]:
    reads = [one for one in results["text"].values() if one["picture"] in SERVED]
    for trained in (False, True):
        # A network that never read one was not trained enough to tell what a trained one costs.
        sort = [one for one in reads if bool(one["labels"]) is trained and (one["thrice"] or not trained)]
        if sort:
            best = max(sort, key=lambda one: (one["thrice"] / one["asked"], one["asked"]))
            passing, bound = _rate(best["thrice"], best["asked"])
            seconds = (1 if trained else 3) * best["cpu_seconds"] / best["asked"]
            name = f"{best['reader']}, {'one try' if trained else 'three tries'}"
            yield _door("text", trained, name, passing, seconds=seconds, size=TEXT_BYTES, bound=bound)


def _audio(results: Results) -> Iterator[Door]:
    # Where none heard anything, the one that was asked most bounds best, and of those the one that takes least.
    best = max(
        results["sound"].values(), key=lambda one: (one["right"] / one["asked"], one["asked"], -_each(one))
    )
    passing, bound = _rate(best["right"], best["asked"])
    seconds = _each(best)
    yield _door("audio", False, best["listener"], passing, seconds=seconds, size=SOUND_BYTES, bound=bound)


def _each(one: Mapping[str, Any]) -> float:
    return float(one["cpu_seconds"] / one["asked"])


def _work() -> Door:
    seconds = 2**WORK_BITS / HASHES
    return _door(
        "work",
        False,
        f"any program, 2^{WORK_BITS} hashes",
        1.0,
        seconds=seconds,
        size=WORK_BYTES,
        bound=False,
    )


def _door(
    kind: str, trained: bool, attacker: str, passing: float, *, seconds: float, size: float, bound: bool
) -> Door:
    tries = 1000 / passing
    dollars = tries * (seconds / 3600 * CORE_HOUR + size / 1e9 * PROXY_GIGABYTE)
    return Door(
        kind, trained, attacker, passing, round(tries), round(tries * seconds), float(f"{dollars:.3g}"), bound
    )


def _rate(hits: int, asked: int) -> tuple[float, bool]:
    """Tell a rate; of what never passed the highest that explains it (99%)."""
    return (hits / asked, False) if hits else (bounds(0, asked)[1], True)


def table(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Write the table, weakest door first by what is off the shelf."""
    yield "| door | attacker | passes | tries for a thousand passes | seconds of a core | dollars |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for trained in (False, True):
        sort = sorted(
            (one for one in found if one["trained"] is trained), key=lambda one: float(one["dollars"])
        )
        for one in sort:
            least = "at least " if one["bound"] else ""
            most = "at most " if one["bound"] else ""
            kind = f"`{one['kind']}`" + (", trained" if trained else "")
            yield (
                f"| {kind} | {one['attacker']} | {most}{one['passing']:.2%} | {least}{one['tries']:,} "
                f"| {one['seconds']:,} | {least}{one['dollars']:,.4g} |"
            )
