"""The attackers' own tools: were they wrong, an attack that works would look like one that does not."""

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from captcha_stateless.settings import Settings

FOLDER = Path(__file__).parent.parent / "benchmarks" / "attack"
MODULES = (
    "api",
    "score",
    "cheap",
    "bank",
    "recipe",
    "network",
    "metadata",
    "protocol",
    "price",
    "reading",
    "pictures",
    "doorprice",
    "report",
    "ocr",
    "kept",
    "grids",
)


@pytest.fixture(scope="module")
def attack() -> Iterator[dict[str, Any]]:
    """Import the folder as its scripts do, and forget it again."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in MODULES}
    finally:
        sys.path.remove(str(FOLDER))
        for name in MODULES:
            sys.modules.pop(name, None)


def test_the_likeliest_permitted_answer_is_given(attack: dict[str, Any]) -> None:
    decide = attack["score"].decide

    assert decide(np.array([3.0, -1, 2, -1, 1, -2, -3, -1, -1])) == (
        True,
        False,
        True,
        False,
        True,
        *[False] * 4,
    )
    assert sum(decide(np.full(9, -5.0))) == 2
    assert sum(decide(np.full(9, 5.0))) == 6


def test_a_run_is_worth_what_binomials_say(attack: dict[str, Any]) -> None:
    run = attack["score"].run

    assert run(0.5, 2) == 0.25
    assert run(0.5, 4, 1) == pytest.approx(5 / 16)
    assert run(0.84**9, 3) == pytest.approx(0.009, abs=1e-3)
    assert run(0.84**9, 4, 1) == pytest.approx(0.03, abs=0.005)


def test_bounds_are_those_of_clopper_and_pearson(attack: dict[str, Any]) -> None:
    """Against a textbook's: 95% for 4 of 20 is 5.7% to 43.7%."""
    low, high = attack["score"].bounds(4, 20, 0.95)

    assert (round(low, 3), round(high, 3)) == (0.057, 0.437)
    assert attack["score"].bounds(0, 20)[0] == 0
    assert attack["score"].bounds(20, 20)[1] == 1


def test_more_hits_than_a_ceiling_explains_are_few(attack: dict[str, Any]) -> None:
    assert attack["score"].most(200, 0.05) == 18
    assert attack["score"].most(200, 0.0) == 0


def test_an_attacker_sees_what_the_api_returns(attack: dict[str, Any]) -> None:
    with attack["api"].service() as served:
        stage = served.stages(1)[0]

    assert len(stage.nine) == 9
    assert all(png.startswith(b"\x89PNG") for png in (stage.reference, *stage.nine))
    assert stage.truth == tuple(glyph == stage.glyphs[0] for glyph in stage.glyphs[1:])


def test_the_template_bank_reads_filled_glyphs(attack: dict[str, Any]) -> None:
    """An attacker that reads nothing at all would prove nothing about the outlines that it cannot read."""
    with attack["api"].service(family="filled") as served:
        stages = served.stages(6)

    score = attack["score"].score(attack["bank"].TemplateBank(), stages)

    assert score.tile > 0.9


def test_the_network_learns_what_it_is_shown(attack: dict[str, Any]) -> None:
    random = np.random.default_rng(0)
    classes = random.integers(0, len(Settings().alphabet), 600)
    inputs = np.eye(len(Settings().alphabet))[classes] + random.normal(size=(600, 12)) * 0.2

    model = attack["network"].Softmax(32, epochs=80).fit(inputs, classes.tolist())

    read = [int(np.argmax(row)) for row in model.log_probabilities(inputs)]
    assert np.mean(np.array(read) == classes) > 0.95


def test_regions_are_those_that_lines_enclose(attack: dict[str, Any]) -> None:
    free = np.ones((32, 32), bool)
    free[4:28, 4:28] = False
    free[6:26, 6:26] = True

    found = attack["recipe"].regions(free)

    assert [int(region.sum()) for region in found] == [400]


@pytest.mark.parametrize(
    "name",
    [
        "blind_search",
        "twice",
        "after_a_wrong_one",
        "repeated_late",
        "double_submit",
        "two_workers",
        "swapped_parts",
        "another_purpose",
        "expired",
    ],
)
def test_no_attack_on_a_token_is_accepted(attack: dict[str, Any], name: str) -> None:
    finding = attack["protocol"].ATTACKS[name]()

    assert finding.sent > 0
    assert finding.accepted == 0


def test_a_token_of_another_deployment_is_not_accepted(attack: dict[str, Any]) -> None:
    assert attack["protocol"].another_deployment().accepted == 0


def test_a_thousand_passes_cost_more_for_whoever_fails_more(attack: dict[str, Any]) -> None:
    price = attack["price"].price
    good = price(0.9, 0.81, 2, milliseconds=10, size=20_000, work_bits=18)
    poor = price(0.05, 0.0025, 2, milliseconds=10, size=20_000, work_bits=18)

    assert good.tries == pytest.approx(1000 / 0.81)
    assert poor.total > 100 * good.total


RESULTS = FOLDER.parents[1] / "docs" / "attack.json"


@pytest.mark.parametrize(("page", "of"), [("README.md", "summaries"), ("docs/threat-model.md", "tables")])
def test_every_table_says_what_was_measured(attack: dict[str, Any], page: str, of: str) -> None:
    text = (FOLDER.parents[1] / page).read_text(encoding="utf-8")
    made = getattr(attack["report"], of)(json.loads(RESULTS.read_text(encoding="utf-8")))

    shown = {name: re.findall(f"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", text, re.DOTALL) for name in made}

    assert shown == {name: ["\n".join(rows)] for name, rows in made.items()}


def test_the_doctor_shows_what_was_measured(attack: dict[str, Any]) -> None:
    doors = attack["doorprice"].doors(json.loads(RESULTS.read_text(encoding="utf-8")))

    assert json.loads(attack["report"].PRICES.read_text(encoding="utf-8")) == doors
    assert {door["kind"] for door in doors} == {"grid", "text", "audio", "work"}


def test_what_never_passed_is_priced_by_its_bound(attack: dict[str, Any]) -> None:
    rate, bound = attack["doorprice"]._rate(0, 100)

    assert (round(rate, 3), bound) == (0.052, True)
    assert attack["doorprice"]._rate(5, 100) == (0.05, False)


def test_a_plot_of_each_is_there_for_light_pages_and_dark_ones() -> None:
    for name in ("strength", "doors", "legibility"):
        for theme in ("light", "dark"):
            assert "<svg" in (RESULTS.parent / f"plot-{name}-{theme}.svg").read_text(encoding="utf-8")


def test_letters_are_counted_by_the_edits_that_are_needed(attack: dict[str, Any]) -> None:
    alike = attack["reading"].alike

    assert [alike("CAKE", seen) for seen in ("CAKE", "CKE", "CXKE", "SCAKE", "", "TRUNKS")] == [
        1.0,
        0.75,
        0.75,
        0.75,
        0.0,
        0.0,
    ]


def test_three_tries_are_the_best_three_of_four_ways(
    attack: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = attack["reading"]
    ways = tuple(lambda png, way=way: png + way for way in (b"0", b"1", b"2", b"3"))
    monkeypatch.setattr(reading, "PREPARATIONS", ways)
    reads = {b"a0", b"b0", b"c1", b"d2", b"e3"}

    found = reading.attacked(
        "some",
        [(name, "CAKE") for name in (b"a", b"b", b"c", b"d", b"e")],
        "one",
        lambda png: "cake" if png in reads else "",
    )

    assert (found.asked, found.once, found.thrice) == (5, 2, 4)


def test_a_cell_is_measured_once_of_each_drawing(attack: dict[str, Any], tmp_path: Path) -> None:
    kept, file = attack["kept"], tmp_path / "attack.json"
    runs: list[str] = []
    for drawn in ("one", "one", "other"):
        cell = kept.Cell("text", "a/b", lambda: {"asked": len(runs)}, lambda drawn=drawn: drawn)
        kept.measure(file, [kept.Cell("text", "c", lambda: {"asked": 9}), cell], again=False)
        runs.append(kept.state(cell, kept.measured(file)))

    found = kept.measured(file)["text"]

    assert [found["a/b"][name] for name in ("asked", "drawn")] == [2, "other"]
    assert found["c"]["asked"] == 9
    assert set(runs) == {found["c"]["measured"]}


def test_a_cell_whose_program_is_missing_costs_no_other(attack: dict[str, Any], tmp_path: Path) -> None:
    kept, file = attack["kept"], tmp_path / "attack.json"

    def missing() -> None:
        raise ModuleNotFoundError("no torch", name="torch")

    kept.measure(
        file, [kept.Cell("text", "a", missing), kept.Cell("text", "b", lambda: {"asked": 1})], again=False
    )

    assert [*kept.measured(file)["text"]] == ["b"]


def test_what_was_measured_is_told_with_its_drawing(attack: dict[str, Any]) -> None:
    """Each row's own count and bounds stand in the table; a row without its day could not be told from a stale one."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    served = [one for one in results["text"].values() if one["picture"] in attack["doorprice"].SERVED]

    assert len(served) >= 16
    assert all(one["drawn"] and one["measured"] for one in served)
    assert len({one["drawn"] for one in served}) == len({one["picture"] for one in served})


def test_ink_is_found_in_either_theme(attack: dict[str, Any]) -> None:
    """A preparation that lost the text would let every reader fail."""
    reading, pictures = attack["reading"], attack["pictures"]
    for theme in ("light", "dark"):
        draw = pictures.ours({"width": 350, "height": 100, "theme": theme, "background": False}, b"secret")
        ink = reading.inked(draw("CAKE", b"seed"))

        assert 0.02 < ink.mean() < 0.3
        assert reading.cropped(draw("CAKE", b"seed")).startswith(b"\x89PNG")
