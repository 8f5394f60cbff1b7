"""The documents: what they point at is there, and what they name is named so."""

import re
from pathlib import Path

import pytest

from captcha_stateless.settings import unknown
from tests.conftest import MakeServer

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))
#: Comes with the attacks that it weighs.
ELSEWHERE = {"threat-model.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(((?!http)[^)#]+)\)", page.read_text(encoding="utf-8")):
        assert link in ELSEWHERE or (DOCS / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_setting_is_one(page: Path) -> None:
    named = re.findall(r"\bCAPTCHA_[A-Z_]+", page.read_text(encoding="utf-8"))

    assert list(unknown(dict.fromkeys(named, ""))) == []


def test_the_table_of_metrics_is_what_is_exposed(make_server: MakeServer) -> None:
    table = (
        (DOCS / "operations.md").read_text(encoding="utf-8").partition("| metric |")[2].partition("\n\n")[0]
    )
    text = make_server(metrics=True).visitor.get("/metrics").text

    exposed = {name.removesuffix("_created") for name in re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)}

    assert set(re.findall(r"`(captcha_\w+)`", table)) == exposed
