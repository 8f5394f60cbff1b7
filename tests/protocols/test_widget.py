"""The files of the widget: their names, how long they may be kept, how much there is to load, and what they never do."""

import gzip
import hashlib
import json
import re
import subprocess
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from captcha_stateless.protocols import scripts
from captcha_stateless.protocols.widget import PATH, PINNED, Widget, tag
from tests.needs import need, program
from tests.protocols.contract import AdapterContract
from tests.support import Server

#: What a page loads before anybody touches the widget, and what one language adds: gzipped bytes.
MOST_BYTES = 10_000
MOST_DIALOG_BYTES = 2_000
MOST_LANGUAGE_BYTES = 700

JOINING = Path(__file__).parents[1] / "web" / "frontends" / "widget.mjs"

WANTED = [
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "pl",
    "cs",
    "sv",
    "da",
    "fi",
    "nb",
    "ru",
    "uk",
    "tr",
    "ar",
    "he",
    "fa",
    "hi",
    "zh-CN",
    "zh-TW",
    "ja",
    "ko",
]


class TestAdapter(AdapterContract):
    adapter: ClassVar = Widget
    paths: ClassVar[Sequence[str]] = [
        PATH,
        PINNED,
        "/work.js",
        "/widget/dialog.json",
        "/widget/{language}.json",
    ]

    def is_worded(self, response: httpx.Response) -> bool:
        return response.text == "Method not allowed"


def pinned() -> str:
    return PINNED.format(digest=scripts.digest(scripts.element()))


def test_the_script_is_kept_for_an_hour_under_its_name_and_for_ever_under_its_digest(server: Server) -> None:
    named, fixed = server.visitor.get(PATH), server.visitor.get(pinned())

    assert named.content == fixed.content
    assert named.headers["cache-control"] == "public, max-age=3600"
    assert fixed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert fixed.headers["cross-origin-resource-policy"] == "cross-origin"
    assert fixed.headers["content-type"] == "text/javascript; charset=utf-8"


def test_another_digest_is_another_version(server: Server) -> None:
    assert server.visitor.get(PINNED.format(digest="0" * 16)).status_code == 404


def test_the_core_is_small(server: Server) -> None:
    reply = server.visitor.get(PATH, headers={"Accept-Encoding": "gzip"})

    assert reply.headers["content-encoding"] == "gzip"
    assert int(reply.headers["content-length"]) <= MOST_BYTES


def test_the_script_is_made_of_the_widget_s_files_as_they_are_now(tmp_path: Path) -> None:
    need((JOINING.parent / "node_modules" / "esbuild").exists(), "esbuild (npm ci in tests/web/frontends)")

    subprocess.run([program("node"), JOINING, tmp_path / "joined.js"], check=True, timeout=60)

    assert (tmp_path / "joined.js").read_text("utf-8") == scripts.source("widget.min.js")
    assert scripts.source("widget.min.js").splitlines()[1] in scripts.element().decode()


def test_what_a_dialog_needs_besides_is_small_and_no_code(server: Server) -> None:
    reply = server.visitor.get("/widget/dialog.json", headers={"Accept-Encoding": "gzip"})

    assert int(reply.headers["content-length"]) <= MOST_DIALOG_BYTES
    assert list(reply.json()) == ["looks", "icons", "words"]
    assert "url(" not in reply.json()["looks"]


def test_who_does_not_take_gzip_gets_the_script_as_it_is(server: Server) -> None:
    reply = server.visitor.get(PATH, headers={"Accept-Encoding": "identity"})

    assert len(reply.content) == int(reply.headers["content-length"])
    assert "content-encoding" not in reply.headers
    assert "Accept-Encoding" in reply.headers["vary"]


def test_the_tag_s_integrity_is_the_script_s(server: Server) -> None:
    written = tag("https://captcha.example", pinned=True)

    (digest,) = re.findall(r'integrity="sha384-([^"]+)"', written)
    (path,) = re.findall(r'src="https://captcha\.example([^"]+)"', written)
    assert b64decode(digest) == hashlib.sha384(server.visitor.get(path).content).digest()
    assert 'crossorigin="anonymous"' in written


def test_the_plain_tag_names_the_script_that_changes() -> None:
    assert tag("", pinned=False) == '<script src="/widget.js" async></script>'


def test_it_writes_no_markup_runs_no_text_and_asks_nobody_else(server: Server) -> None:
    text = server.visitor.get(PATH).text

    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert sink not in text
    assert ".style" not in text
    assert "https://" not in text


def test_it_speaks_these_languages() -> None:
    assert sorted(scripts.languages()) == sorted(WANTED)


@pytest.mark.parametrize("language", WANTED)
def test_a_language_says_everything_and_is_small(server: Server, language: str) -> None:
    reply = server.visitor.get(f"/widget/{language}.json")
    said, english = reply.json(), scripts.words("en")

    assert list(said) == list(english)
    assert all(said.values())
    for name, text in english.items():
        assert {mark: said[name].count(mark) for mark in "#%"} == {mark: text.count(mark) for mark in "#%"}
    assert len(gzip.compress(reply.content)) <= MOST_LANGUAGE_BYTES


def test_a_language_that_it_does_not_speak_is_404(server: Server) -> None:
    reply = server.visitor.get("/widget/tlh.json")

    assert (reply.status_code, reply.text) == (404, "Not found")


def test_english_comes_with_the_script() -> None:
    assert json.dumps(scripts.words("en")["human"]) in scripts.element().decode()
