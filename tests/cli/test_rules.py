"""`rules`: which rule decides is said in words, and what comes along is listed."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from captcha_stateless.cli import main
from captcha_stateless.wall.rules import sets

SITES = """
[[site]]
name = "Shop"
key = "shop"
secret_sha256 = "0000000000000000000000000000000000000000000000000000000000000001"
hosts = ["shop.example"]

[[site.rule]]
set = "search-engines"

[[site.rule]]
name = "office"
action = "allow"
network_file = "office.txt"

[[site.rule]]
name = "admin"
action = "deny"
path = ["/admin/**", "/wp-login.php"]

[[site.rule]]
name = "scripts"
action = "weigh"
weight = 30
no_header = "Accept-Language"

[[site.rule]]
name = "login"
action = "ask"
policy = "strict"
path = "/login"
method = ["GET", "POST"]

[[site]]
name = "Open"
key = "open"
secret_sha256 = "0000000000000000000000000000000000000000000000000000000000000002"
hosts = ["open.example"]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sites.toml").write_text(SITES)
    (tmp_path / "office.txt").write_text("192.0.2.0/24\n")
    (tmp_path / "crawlers.txt").write_text("googlebot 66.249.64.0/27\n")
    monkeypatch.setenv("CAPTCHA_SITES", str(tmp_path / "sites.toml"))
    monkeypatch.setenv("CAPTCHA_CRAWLERS", str(tmp_path / "crawlers.txt"))
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["rules", *words])


def told(*words: str) -> str:
    done = run("try", "--site", "shop", *words)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_rule_that_decides_is_said_and_why() -> None:
    assert told("--path", "/login?from=/", "--ip", "203.0.113.9", "--ua", "Firefox") == (
        "GET /login from 203.0.113.9, at site shop\n"
        "\n"
        "  1. search-engines: allow - does not hold\n"
        "       no   set search-engines\n"
        "  2. office: allow - does not hold\n"
        "       no   network_file office.txt, and here it is 203.0.113.9\n"
        "  3. admin: deny - does not hold\n"
        "       no   path /admin/** or /wp-login.php\n"
        "  4. scripts: weigh 30 - holds\n"
        "       yes  no_header Accept-Language\n"
        "  5. login: ask strict - holds\n"
        "       yes  method GET or POST\n"
        "       yes  path /login\n"
        "\n"
        "The visitor is asked, by the policy strict: the rule login is the first that holds.\n"
        "30 is added to the risk of 0 to 100.\n"
    )


def test_a_method_that_does_not_fit_is_named() -> None:
    assert "no   method GET or POST, and here it is PUT" in told("--path", "/login", "--method", "PUT")


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (["--path", "/admin/users"], "The visitor is denied: the rule admin is the first that holds."),
        (["--ip", "192.0.2.1"], "The visitor is let through: the rule office is the first that holds."),
        (
            ["--ip", "66.249.64.1"],
            "The visitor is let through: the rule search-engines is the first that holds.",
        ),
        (
            ["--crawler", "bingbot"],
            "The visitor is let through: the rule search-engines is the first that holds.",
        ),
        (
            ["--ua", "Googlebot", "--header", "Accept-Language: de"],
            "The visitor is asked: no rule holds that decides.",
        ),
    ],
)
def test_what_becomes_of_a_visitor_is_said_last(words: list[str], end: str) -> None:
    assert end in told(*words)


def test_a_path_that_is_read_in_several_ways_is_told_with_all_of_them() -> None:
    said = told("--path", "/public/..%2fadmin")

    assert "may be read as /admin, /public/..%2fadmin, /public/../admin: it is let through" in said
    assert "The visitor is denied" in said
    assert "can be read in too many ways" in told("--path", "/a;b/..%2f%2e%2e//%252fadmin#y\\z/%25252e")


def test_a_path_may_be_written_as_people_write_it() -> None:
    assert told("--path", "/über uns").startswith("GET /%C3%BCber%20uns from an unknown address")
    assert "may be read as //über, /über:" in told("--path", "//über")


def test_the_site_is_the_one_that_has_the_host() -> None:
    assert "at site shop" in run("try", "--host", "shop.example").output
    assert "The site has no rules." in run("try", "--host", "open.example").output
    assert "say which site, by --site KEY: shop, open" in run("try").output
    assert run("try", "--site", "none").exit_code == 1


def test_a_header_without_a_colon_is_told() -> None:
    assert "has no colon" in run("try", "--site", "shop", "--header", "Accept").output


def test_what_is_no_address_is_told() -> None:
    assert "banana is no address" in run("try", "--site", "shop", "--ip", "banana").output


def test_what_could_never_match_is_told_with_the_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPTCHA_CRAWLERS")

    assert "Warning: rule search-engines: none of its crawlers can be verified here" in told()


def test_a_rule_that_is_wrong_is_told_in_the_place_of_a_trial(folder: Path) -> None:
    (folder / "sites.toml").write_text(SITES.replace('path = "/login"', 'path = "login"'))

    done = run("try", "--site", "shop")

    assert done.exit_code == 1
    assert "site 1, rule 5: path login begins with no slash: write /login" in done.output


def test_every_set_that_comes_along_is_listed() -> None:
    lines = run("sets").output.splitlines()

    assert [line for line in lines if not line.startswith(" ")] == list(sets())
    assert any("path /**/feed or" in line and line.endswith("method GET or HEAD") for line in lines)


def test_rules_that_are_served_are_checked_as_sites_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CliRunner().invoke(main, ["sites", "check"]).exit_code == 0
    monkeypatch.delenv("CAPTCHA_CRAWLERS")

    done = CliRunner().invoke(main, ["sites", "check"])

    assert done.exit_code == 1
    assert "site shop, rule search-engines: none of its crawlers can be verified here" in done.output
