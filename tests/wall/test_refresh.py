"""Fresh lists of crawlers: fetched from a real server, read strictly, and never worse than the old ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from captcha_stateless.cli import main
from captcha_stateless.errors import Unavailable
from captcha_stateless.stores.fetched import _Secure
from captcha_stateless.wall import crawlers
from captcha_stateless.wall.refresh import Fetched, networks, refresh
from tests.cli.publishing import publishing

#: In the form in which each operator publishes; the networks are short of theirs.
PUBLISHED: dict[str, Any] = {
    "/common-crawlers.json": {
        "creationTime": "2026-03-31T15:00:09.000000",
        "prefixes": [{"ipv6Prefix": "2001:4860:4801:10::/64"}, {"ipv4Prefix": "66.249.64.0/27"}],
    },
    "/bingbot.json": {
        "creationTime": "2026-01-03T10:00:00.121331",
        "prefixes": [{"ipv4Prefix": "157.55.39.0/24"}, {"ipv4Prefix": "40.77.167.0/24"}],
    },
    "/applebot.json": {"creationTime": "2025-12-01T00:00:00", "prefixes": [{"ipv4Prefix": "17.22.237.0/24"}]},
    "/duckduckbot.json": {"creationTime": "2025-12-01", "prefixes": [{"ipv4Prefix": "57.152.72.128/32"}]},
    "/gptbot.json": {"creationTime": "2025-12-01", "prefixes": [{"ipv4Prefix": "132.196.86.0/24"}]},
    "/strings.json": {"prefixes": ["20.171.206.0/24", "20.171.206.0/24"]},
    "/everybody.json": {"prefixes": [{"ipv4Prefix": "66.249.64.0/27"}, {"ipv4Prefix": "0.0.0.0/0"}]},
    "/private.json": {"prefixes": [{"ipv4Prefix": "10.0.0.0/16"}]},
    "/empty.json": {"prefixes": []},
    "/other.json": {"networks": ["66.249.64.0/27"]},
    "/names.json": {"prefixes": [{"ipv4Prefix": "crawl.googlebot.com"}]},
    "/page.json": "<!doctype html><title>Sign in</title>",
}


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Publish all of these; `/moved.json` leads to another."""
    with publishing(tmp_path) as (published, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        for path, document in PUBLISHED.items():
            text = document if isinstance(document, str) else json.dumps(document)
            published.documents[path] = (200, "application/json", text.encode())
        published.documents["/endless.json"] = (200, "application/json", b"[" * 300_000)
        published.documents["/moved.json"] = (302, "text/html", b"")
        published.documents["/elsewhere"] = published.documents["/bingbot.json"]
        yield f"https://{published.name}"


def sources(publisher: str, **names: str) -> dict[str, str]:
    return {name: f"{publisher}/{file}.json" for name, file in names.items()}


def test_lists_in_the_form_that_is_published_are_written_and_read_again(
    publisher: str, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "crawlers.txt"
    wanted = sources(publisher, googlebot="common-crawlers", bingbot="bingbot", applebot="applebot")
    wanted |= sources(publisher, duckduckbot="duckduckbot", gptbot="gptbot", other="strings")

    told = refresh(path, wanted)

    assert told == [
        Fetched("googlebot", 2),
        Fetched("bingbot", 2),
        Fetched("applebot", 1),
        Fetched("duckduckbot", 1),
        Fetched("gptbot", 1),
        Fetched("other", 1),
    ]
    assert crawlers.load(path).names == tuple(wanted)
    assert [(name, str(network)) for name, network in crawlers.read(path)][:2] == [
        ("googlebot", "2001:4860:4801:10::/64"),
        ("googlebot", "66.249.64.0/27"),
    ]


def test_a_list_that_fails_leaves_the_old_one_and_names_of_the_operators_own_stay(
    publisher: str, tmp_path: Path
) -> None:
    path = tmp_path / "crawlers.txt"
    path.write_text("googlebot 192.0.2.0/24\nbingbot 198.51.100.0/24\nmonitor 203.0.113.7\n")

    told = refresh(path, sources(publisher, googlebot="everybody", bingbot="bingbot"))

    assert [(each.name, each.count) for each in told] == [("googlebot", 0), ("bingbot", 2)]
    assert [(name, str(network)) for name, network in crawlers.read(path)] == [
        ("bingbot", "157.55.39.0/24"),
        ("bingbot", "40.77.167.0/24"),
        ("googlebot", "192.0.2.0/24"),
        ("monitor", "203.0.113.7/32"),
    ]


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("everybody", "it holds 0.0.0.0/0, which is no crawler's"),
        ("private", "it holds 10.0.0.0/16, which is no crawler's"),
        ("empty", "it holds no network"),
        ("other", "it is no list of prefixes"),
        ("names", "it is no list of prefixes"),
        ("page", "it is no list of prefixes"),
        ("endless", "it is too long"),
        ("missing", "it cannot be fetched: HTTP Error 404: Not Found"),
    ],
)
def test_what_is_no_list_is_not_used_and_says_why(
    publisher: str, tmp_path: Path, file: str, problem: str
) -> None:
    path = tmp_path / "crawlers.txt"

    assert refresh(path, sources(publisher, googlebot=file)) == [Fetched("googlebot", 0, problem)]
    assert not path.exists()


def test_a_list_that_has_moved_is_followed_over_https_only(publisher: str, tmp_path: Path) -> None:
    path = tmp_path / "crawlers.txt"

    assert refresh(path, sources(publisher, bingbot="moved")) == [Fetched("bingbot", 2)]
    (plain,) = refresh(path, {"bingbot": publisher.replace("https", "http") + "/bingbot.json"})
    assert plain == Fetched("bingbot", 0, "it is not fetched without HTTPS")
    assert _Secure().redirect_request(Request(publisher), None, 302, "", {}, "http://localhost/") is None


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(
        lambda value: json.dumps({"prefixes": value}).encode()
    )
)
def test_whatever_a_publisher_sends_is_read_or_refused(content: bytes) -> None:
    try:
        found = networks(content)
    except Unavailable:
        return
    assert found


def test_the_command_fetches_and_says_what_became_of_each(publisher: str, tmp_path: Path) -> None:
    path = tmp_path / "crawlers.txt"
    words = ["rules", "refresh", "--to", str(path), "--source", f"googlebot={publisher}/common-crawlers.json"]

    good = CliRunner().invoke(main, words)
    bad = CliRunner().invoke(main, [*words, "--source", f"partner={publisher}/page.json"])

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert good.output.splitlines()[0] == "googlebot: 2 networks"
    assert "partner: it is no list of prefixes" in bad.output
    assert "not refreshed: partner" in bad.output
    assert crawlers.load(path).names == ("googlebot",)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["goglebot"], "no list is published of goglebot: choose from googlebot"),
        (["yandexbot"], "no list is published of yandexbot"),
        (["--source", "partner"], "--source is NAME=URL"),
        (["--source", "partner=file:///etc/passwd"], "--source is NAME=URL"),
        (["--source", "partner=http://partner.example/"], "--source is NAME=URL"),
        (["--source", "a b=https://partner.example/"], "a crawler's name is one word"),
    ],
)
def test_the_command_says_what_is_wrong_before_it_fetches(
    tmp_path: Path, words: list[str], told: str
) -> None:
    done = CliRunner().invoke(main, ["rules", "refresh", "--to", str(tmp_path / "crawlers.txt"), *words])

    assert done.exit_code == 1
    assert told in done.output


def test_the_command_needs_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPTCHA_CRAWLERS", raising=False)

    done = CliRunner().invoke(main, ["rules", "refresh"])

    assert "CAPTCHA_CRAWLERS names no file" in done.output
