"""The language is the visitor's where it is offered."""

import pytest

from captcha_stateless.http.languages import choose

OFFERED = ("en", "de", "fr")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE-ch", "de"),
        ("ja, de;q=0.8, fr;q=0.9", "fr"),
        ("de;q=0", "en"),
        ("*", "en"),
        ("fr;q=0.2, *;q=0.5", "en"),
        ("de;q=nan, fr;q=0.1", "fr"),
        ("de;q=2, fr;q=0.1", "fr"),
        ("de;level=1, fr;q=0.1", "fr"),
        (";;;,,,=", "en"),
        ("x," * 10_000 + "de", "en"),
    ],
)
def test_the_best_offered_language_is_chosen(header: str, language: str) -> None:
    assert choose(header, OFFERED, "en") == language
