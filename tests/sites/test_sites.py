"""Sites: found by key or secret, bound to their hosts, read from a file."""

import stat
from pathlib import Path

import pytest

from captcha_stateless import sites
from captcha_stateless.errors import Misconfigured, UnknownSite, WeakKind, WrongHost, WrongSecret
from captcha_stateless.sites import Site, Sites
from captcha_stateless.tokens.digests import fingerprint

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


def test_a_kind_that_a_site_does_not_name_is_refused() -> None:
    grids = Site(name="Grids", key="grids", secret_sha256=fingerprint("g"), kinds=("grid",))

    grids.require_kind("grid")
    OPEN.require_kind("text")
    with pytest.raises(WeakKind):
        grids.require_kind("text")


@pytest.mark.parametrize(
    "name", ["Shop", 'She said "hi"', "C:\\new", "tab\there", "line\nbreak", "del\x7f", "Größe 🛒"]
)
def test_what_is_made_and_appended_is_read_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / "new" / "sites.toml"
    site = sites.make(
        name, "k", "s", hosts=["*.shop.example"], kinds=["text"], profile="classic", policy="strict"
    )

    sites.append(path, site)

    assert sites.load(path).all == (site,)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_appending_leaves_the_rest_of_the_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "sites.toml"
    path.write_text(f"# Ours\n{GOOD}")
    path.chmod(0o640)

    sites.append(path, sites.make("Forum", "forum", "secret of the forum"))

    assert path.read_text().startswith(f"# Ours\n{GOOD.rstrip()}\n\n[[site]]\n")
    assert [site.key for site in sites.load(path).all] == ["shop", "forum"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(("key", "secret"), [("shop", "another"), ("another", "s3cret")])
def test_a_key_or_secret_is_not_appended_twice(tmp_path: Path, key: str, secret: str) -> None:
    path = tmp_path / "sites.toml"
    path.write_text(GOOD)

    with pytest.raises(Misconfigured, match="share a key or a secret"):
        sites.append(path, sites.make("Again", key, secret))

    assert path.read_text() == GOOD


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot write"):
        sites.append(Path("/proc/none/sites.toml"), sites.make("Shop", "shop", "secret"))


@pytest.mark.parametrize("key", ["", "x" * 65, "é", "a\nb"])
def test_a_key_that_clients_could_not_send_is_not_made(key: str) -> None:
    with pytest.raises(Misconfigured):
        sites.make("Shop", key, "secret")


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


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "sites.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())

    sites.append(path, sites.make("Forum", "forum", "secret of the forum"))

    assert [site.key for site in sites.load(path).all] == ["shop", "forum"]


def test_a_site_is_appended_where_another_names_a_policy_of_the_file(tmp_path: Path) -> None:
    """The file's own policies were not looked at, and nothing could be added any more."""
    path = tmp_path / "sites.toml"
    path.write_text(GOOD + 'policy = "shop"\n' + POLICY)

    sites.append(path, sites.make("Forum", "forum", "secret of the forum", policy="shop"))

    assert sites.load(path).find("forum").policy == "shop"
