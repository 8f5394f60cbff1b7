"""What the page without scripts says, in whose language, and that nothing asked is taken for markup."""

from html import unescape

import pytest

from captcha_stateless.protocols import scripts
from tests.protocols.test_nojs import Form, begin
from tests.support import Server


@pytest.mark.parametrize(
    ("header", "query", "language"),
    [
        ("de-AT,de;q=0.9", {}, "de"),
        ("ja", {"lang": "fr"}, "fr"),
        ("zh-Hant-TW", {}, "zh-TW"),
        ("zh", {}, "zh-CN"),
        ("nn-NO", {}, "nb"),
        ("tlh", {}, "en"),
        ("he", {"lang": "<b>"}, "he"),
    ],
)
def test_it_speaks_the_visitor_s_language(
    server: Server, header: str, query: dict[str, str], language: str
) -> None:
    params = {"sitekey": "dev-site", **query}
    page = server.visitor.get("/nojs", params=params, headers={"Accept-Language": header})

    direction = "rtl" if language == "he" else "ltr"
    assert f'<html lang="{language}" dir="{direction}">' in page.text
    assert scripts.words(language)["check"] in page.text


def test_what_is_asked_is_escaped(server: Server) -> None:
    page = begin(server, cdata='"><b>')

    assert '"><b>' not in page.text
    assert Form(page).hidden["cdata"] == '"><b>'


def test_every_language_has_its_further_words() -> None:
    said = scripts.further_words("nojs")

    assert sorted(said) == sorted(scripts.languages())
    assert all(list(words) == list(said["en"]) and all(words.values()) for words in said.values())
    assert all("#" in words["time"] for words in said.values())


@pytest.mark.parametrize("language", scripts.languages())
def test_the_widget_s_help_says_everything_in_every_language(server: Server, language: str) -> None:
    page = server.visitor.get("/widget/help", params={"lang": language}).text
    told = scripts.further_words("help")

    assert list(told[language]) == list(told["en"])
    assert scripts.words(language)["about"] in unescape(page)
    assert all(text in unescape(page) for text in told[language].values())
    assert f'lang="{language}"' in page
    assert 'href="../nojs.css"' in page
