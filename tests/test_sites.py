"""Sites: found by key or secret, bound to their hosts, read from a file."""

from pathlib import Path

import pytest

from captcha_stateless import sites
from captcha_stateless.digests import fingerprint
from captcha_stateless.errors import Misconfigured, UnknownSite, WrongHost, WrongSecret
from captcha_stateless.sites import Site, Sites

SHOP = Site(
    name="Shop", key="shop", secret_sha256=fingerprint("s3cret"), hosts=("shop.example", "*.shop.example")
)
OPEN = Site(name="Open", key="open", secret_sha256=fingerprint("other"))

GOOD = f"""
[[site]]
name = "Shop"
key = "shop"
secret_sha256 = "{fingerprint("s3cret").hex()}"
hosts = ["shop.example", "*.Shop.example"]
"""


def test_a_site_is_found_by_its_key() -> None:
    assert Sites([SHOP, OPEN]).find("open") is OPEN


def test_an_unknown_key_is_told() -> None:
    with pytest.raises(UnknownSite):
        Sites([SHOP]).find("other")


def test_a_site_is_found_by_its_secret() -> None:
    assert Sites([SHOP, OPEN]).authenticate("s3cret") is SHOP


@pytest.mark.parametrize("secret", ["", "S3cret", "s3cret ", "\ud800"])
def test_a_secret_of_nobody_is_refused(secret: str) -> None:
    with pytest.raises(WrongSecret):
        Sites([SHOP, OPEN]).authenticate(secret)


def test_a_site_knows_its_own_secret() -> None:
    SHOP.require_secret("s3cret")
    with pytest.raises(WrongSecret):
        SHOP.require_secret("other")


@pytest.mark.parametrize(
    "host", ["shop.example", "SHOP.example", "shop.example.", "a.shop.example", "a.b.shop.example"]
)
def test_a_host_of_the_site_is_allowed(host: str) -> None:
    SHOP.require_host(host)


@pytest.mark.parametrize(
    "host", ["", "example", "myshop.example", "shop.example.evil.example", "*.shop.example.org"]
)
def test_another_host_is_refused(host: str) -> None:
    with pytest.raises(WrongHost):
        SHOP.require_host(host)


def test_a_site_without_hosts_allows_every_host() -> None:
    OPEN.require_host("anything.example")


def test_a_site_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "sites.toml"
    path.write_text(GOOD)

    assert sites.load(path).all == (SHOP,)


@pytest.mark.parametrize(
    "text",
    [
        "x = ",
        "x = 1",
        "site = 1",
        GOOD + GOOD,
        GOOD.replace("key =", "ky ="),
        GOOD.replace('"shop"', '""'),
        GOOD.replace('"shop"', "1"),
        GOOD.replace(fingerprint("s3cret").hex(), "abcd"),
        GOOD.replace(fingerprint("s3cret").hex(), "secret"),
        GOOD.replace('["shop.example", "*.Shop.example"]', "[1]"),
    ],
)
def test_a_bad_file_is_refused_without_its_secrets(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sites.toml"
    path.write_text(text)

    with pytest.raises(Misconfigured) as caught:
        sites.load(path)

    assert fingerprint("s3cret").hex() not in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot read"):
        sites.load(tmp_path / "none.toml")


POLICY = """
[[policy]]
name = "shop"
[[policy.rule]]
score = [0, 100]
kind = "work"
difficulty = 12
"""


def test_a_site_has_its_own_policy_or_the_deployment_s(tmp_path: Path) -> None:
    path = tmp_path / "sites.toml"
    path.write_text(GOOD + 'policy = "shop"\n' + POLICY)

    served = sites.load(path)

    assert served.policy(served.find("shop"), "default").name == "shop"
    assert served.policy(OPEN, "strict").name == "strict"


def test_a_policy_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "sites.toml"
    path.write_text(GOOD + 'policy = "shop"\n')

    with pytest.raises(Misconfigured, match="no policy is named shop"):
        sites.load(path)


@pytest.mark.parametrize("text", ["policy = 5", "site = 5", "site = [5]", "[policy]\nname = 'x'"])
def test_what_is_no_table_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sites.toml"
    path.write_text(text)

    with pytest.raises(Misconfigured):
        sites.load(path)
