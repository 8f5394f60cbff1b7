"""The tables of docs/threat-model.md and of the README, written between their marks from what was measured."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from doorprice import BLIND, SERVED, WRITTEN, doors, table
from price import CORE_HOUR, HASHES, HUMANS, PROXY_GIGABYTE, price
from score import bounds, run

from captcha_stateless.kinds.profiles import PROFILES

Results = Mapping[str, Any]
#: What was read by eye, written down by whoever read; everything else is measured by this tool.
READINGS = Path(__file__).parents[2] / "docs" / "readings.json"
#: What was tried before the default was settled on, and how it was read, by eye and by the best program.
TRIALS = READINGS.with_name("trials.json")
#: What `doctor` shows.
PRICES = Path(__file__).parents[2] / "captcha_stateless" / "cli" / "prices.json"
#: The default's bits of work in the table of prices.
WORK_BITS = 18


def write(document: Path, results: Results) -> None:
    """Replace what stands between the marks, and write what `doctor` shows."""
    PRICES.write_text(json.dumps(doors(results), indent=1) + "\n", encoding="utf-8")
    _replace(document, tables(results))
    _replace(document.parents[1] / "README.md", summaries(results))
    from plots import plots  # Matplotlib is in the optional group `attack`

    readings, trials = (json.loads(file.read_text(encoding="utf-8")) for file in (READINGS, TRIALS))
    plots(document.parent, {**results, "readings": readings, "trials": trials})


def summaries(results: Results) -> dict[str, list[str]]:
    """Make the README's tables."""
    return {"doors": [*table(doors(results))], "strength": [*summary(results)]}


def tables(results: Results) -> dict[str, list[str]]:
    """Make the threat model's tables."""
    made = {
        "doors": table(doors(results)),
        "texts": texts(results),
        "reach": reach(results),
        "readings": readings(),
        "trials": trials(),
        "sounds": sounds(results),
        "clarity": clarity(results),
        "floors": floors(results),
        "attackers": attackers(results),
        "runs": runs(results),
        "families": families(results),
        "protocol": protocol(results),
        "prices": prices(results),
    }
    return {name: [*rows] for name, rows in made.items()}


def _replace(document: Path, tables: Mapping[str, Iterable[str]]) -> None:
    text = document.read_text(encoding="utf-8")
    for name, rows in tables.items():
        marked = f"<!-- {name} -->\n" + "\n".join(rows) + f"\n<!-- /{name} -->"
        text = re.sub(
            f"<!-- {name} -->.*<!-- /{name} -->", lambda _, marked=marked: marked, text, flags=re.DOTALL
        )
    document.write_text(text, encoding="utf-8")


def texts(results: Results) -> Iterator[str]:
    """Tell what each reader reads of each sort of picture."""
    yield "| picture | reader | one try (99% bounds) | three tries | letters | CPU ms a try |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in results["text"].values():
        low, high = bounds(one["once"], one["asked"])
        yield (
            f"| {one['picture']} | {one['reader']} | {one['once'] / one['asked']:.1%} ({low:.1%} to {high:.1%}), "
            f"n = {one['asked']} | {'' if one['labels'] else format(one['thrice'] / one['asked'], '.1%')} "
            f"| {one['letters']:.0%} | {one['cpu_seconds'] / one['asked'] * 1000:.0f} |"
        )


def readings() -> Iterator[str]:
    """Tell how well the pictures were read by eye."""
    yield "| drawn | pictures | texts read | characters read (95% bounds) |"
    yield "| --- | --- | --- | --- |"
    for one in json.loads(READINGS.read_text(encoding="utf-8")):
        low, high = bounds(one["letters"], one["letters_asked"], 0.95)
        yield (
            f"| {one['drawn']} | {one['texts_asked']} | {one['texts']} ({one['texts'] / one['texts_asked']:.0%}) | "
            f"{one['letters']} of {one['letters_asked']}, {one['letters'] / one['letters_asked']:.1%} "
            f"({low:.1%} to {high:.1%}) |"
        )


def reach(results: Results) -> Iterator[str]:
    """Tell in a sentence what the best ready-made reader makes of the default."""
    reads = [one for one in results["text"].values() if one["picture"] in SERVED and not one["labels"]]
    once = max(reads, key=lambda one: one["once"] / one["asked"])
    thrice = max(reads, key=lambda one: one["thrice"] / one["asked"])
    low, high = bounds(once["once"], once["asked"])
    yield (
        f"The best of them reads {once['once'] / once['asked']:.1%} of one sort of the default's pictures in one try "
        f"({once['reader']}, of {once['picture'].removeprefix('default, ')}; 99% bounds {low:.1%} to {high:.1%}), and "
        f"{thrice['thrice'] / thrice['asked']:.1%} in three. What was wanted is 10% and 25% at most."
    )
    for one in results["text"].values():
        if one["labels"]:
            yield (
                f"{one['reader']}: {one['looks']:,} looks, {one['learned_cpu_seconds']} s of a core, "
                f"{one['letters']:.0%} of letters."
            )


def trials() -> Iterator[str]:
    """Tell how what was tried was read by eye, and by the best program."""
    yield (
        "| foreign contours | a tile | of a letter's size | neighbours lap | gaps a tile "
        "| by eye: texts | characters | best program |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for one in json.loads(TRIALS.read_text(encoding="utf-8")):
        yield (
            f"| {one['drawn']} | {one['each']} | {one['size']:.0%} | {one['laps']} | {one['gaps']} "
            f"| {one['texts']} of {one['texts_asked']} | {one['letters'] / one['letters_asked']:.1%} "
            f"| {one['read']} of {one['asked']} |"
        )


def sounds(results: Results) -> Iterator[str]:
    """Tell what each listener hears."""
    yield "| language | listener | six digits (99% bounds) | digits in their places | CPU ms |"
    yield "| --- | --- | --- | --- | --- |"
    for one in results["sound"].values():
        low, high = bounds(one["right"], one["asked"])
        yield (
            f"| `{one['language']}` | {one['listener']} | {one['right'] / one['asked']:.1%} "
            f"({low:.1%} to {high:.1%}), n = {one['asked']} | {one['digits']:.0%} "
            f"| {one['cpu_seconds'] / one['asked'] * 1000:.0f} |"
        )


def clarity(results: Results) -> Iterator[str]:
    """Tell how clear each voice is."""
    yield "| language | sounds | STOI, least | mean | CPU ms | most KB |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in results["clarity"].values():
        yield (
            f"| `{one['language']}` | {one['sounds']} | {one['stoi_least']:.2f} | {one['stoi_mean']:.2f} "
            f"| {one['milliseconds']:.1f} | {one['most_bytes'] / 1000:.0f} |"
        )


def summary(results: Results) -> Iterator[str]:
    """Tell the README the best of each sort of attacker."""
    yield "| attacker | a stage | a run of two |"
    yield "| --- | --- | --- |"
    for name, of in (
        ("guesses; file sizes, palettes", BLIND),
        ("off the shelf: programs that read, template banks, pixel and edge comparisons", None),
        ("scripts written for it, untrained", WRITTEN),
    ):
        found = [
            one
            for one in scores(results)
            if (one["name"] in of if of else not one["labels"] and one["name"] not in (*BLIND, *WRITTEN))
        ]
        if found:
            yield _row(name, max(found, key=lambda one: one["passed"] / one["stages"]))
    for one in scores(results):
        if one["labels"] and one["name"] not in BLIND:
            yield _row(f"trained: {one['name']}", one)


def _row(name: str, one: Mapping[str, Any]) -> str:
    stage = one["passed"] / one["stages"]
    return f"| {name} | {stage:.1%} | {run(stage, 2):.2%} |"


def floors(results: Results) -> Iterator[str]:
    """Tell each profile's blind floor."""
    yield "| profile | drawn | stages | a blind guess passes one run in |"
    yield "| --- | --- | --- | --- |"
    for name, preset in PROFILES.items():
        needed = preset.ladder.stages - preset.ladder.forgiven
        odds = 1 / float(preset.floor)
        yield (
            f"| `{name}` | {preset.family} | {needed} of {preset.ladder.stages} | {odds:,.0f} |"
            if odds < 1e12
            else (f"| `{name}` | {preset.family} | {needed} of {preset.ladder.stages} | {odds:.1e} |")
        )
    blind = results.get("blind", {}).get("guesses")
    if blind:
        expected = blind["stages"] / PROFILES["humane"].answers
        off = (blind["passed"] - expected) / expected**0.5
        yield ""
        yield (
            f"Measured blind: {blind['passed']} of {blind['stages']:,} stages, where {expected:.0f} are expected "
            f"({off:+.1f} standard deviations)."
        )


def scores(results: Results, family: str = "outline") -> list[dict[str, Any]]:
    """Return a family's scores, best attacker last."""
    found = [value for value in results.get(family, {}).values() if isinstance(value, dict)]
    return sorted(found, key=lambda one: (one["labels"], one["passed"] / one["stages"]))


def attackers(results: Results) -> Iterator[str]:
    """Tell every attacker's rates on the default."""
    yield "| attacker of the default (`outline`) | labels | a tile | a stage (99% bounds) | CPU ms a stage |"
    yield "| --- | --- | --- | --- | --- |"
    for one in scores(results):
        low, high = bounds(one["passed"], one["stages"])
        tile = one["tiles_right"] / (9 * one["stages"])
        yield (
            f"| {one['name']} | {one['labels'] or ''} | {tile:.1%} | {one['passed'] / one['stages']:.1%} "
            f"({low:.1%} to {high:.1%}), n = {one['stages']} | {one['cpu_seconds'] / one['stages'] * 1000:.0f} |"
        )


def runs(results: Results) -> Iterator[str]:
    """Tell what a stage's rate makes of a run."""
    yield "| attacker | 1 stage | 2 | 3 | 4 | 5 | 3 of 4 |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for one in scores(results):
        stage = one["passed"] / one["stages"]
        if stage > 0:
            cells = [*(run(stage, count) for count in range(1, 6)), run(stage, 4, 1)]
            yield f"| {one['name']} | " + " | ".join(f"{cell:.2%}" for cell in cells) + " |"


def families(results: Results) -> Iterator[str]:
    """Tell the rates a stage of each family."""
    drawn = [family for family in ("outline", "embossed", "mixed", "filled") if family in results]
    names = list(dict.fromkeys(one["name"] for family in drawn for one in scores(results, family)))
    yield "| attacker, share of stages | " + " | ".join(f"`{family}`" for family in drawn) + " |"
    yield "| --- |" + " --- |" * len(drawn)
    for name in names:
        cells = [results[family].get(name) for family in drawn]
        yield (
            f"| {name} | "
            + " | ".join(f"{one['passed'] / one['stages']:.1%}" if one else "" for one in cells)
            + " |"
        )
    yield (
        "| bytes of a stage, base64 | "
        + " | ".join(f"{results[family]['bytes']:,}" for family in drawn)
        + " |"
    )


def protocol(results: Results) -> Iterator[str]:
    """Tell what tokens withstood."""
    yield "| attack on a token | sent | accepted |"
    yield "| --- | --- | --- |"
    for one in results["protocol"].values():
        yield f"| {one['name']} | {one['sent']} | {one['accepted']} |"


def prices(results: Results) -> Iterator[str]:
    """Tell what a thousand passes of the default cost, with and without work before drawing."""
    yield f"| attacker | tries | CPU, $ | traffic, $ | work of 2^{WORK_BITS}, $ | total, $ |"
    yield "| --- | --- | --- | --- | --- | --- |"
    size = results["outline"]["bytes"]
    for one in scores(results):
        stage = one["passed"] / one["stages"]
        if stage > 0:
            cost = price(
                stage,
                run(stage, 2),
                2,
                milliseconds=one["cpu_seconds"] / one["stages"] * 1000,
                size=size,
                work_bits=WORK_BITS,
            )
            yield (
                f"| {one['name']} | {cost.tries:,.0f} | {cost.cpu:.4f} | {cost.traffic:.2f} | {cost.work:.4f} "
                f"| {cost.total:.2f} |"
            )
    yield f"| people, by price list | | | | | {HUMANS[0]:.2f} to {HUMANS[1]:.2f} |"
    yield ""
    yield (
        f"Assumed: ${CORE_HOUR} an hour of one core, ${PROXY_GIGABYTE:.0f} a gigabyte through proxies, "
        f"{HASHES / 1e6:.0f} million hashes a second."
    )
