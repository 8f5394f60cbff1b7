"""Networks: which verdict falls on an address, and which prefix it belongs to."""

from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captcha_stateless.errors import Misconfigured
from captcha_stateless.risk.networks import ALLOW, BLOCK, Address, Networks, load, parse, prefix

LIST = """
# who is who
block 203.0.113.0/24
allow 203.0.113.7        # the office
score 60 198.51.100.0/22
score 5 0.0.0.0/0
block 2001:db8:bad::/48
score 20 2001:db8::/32
"""


@pytest.fixture
def networks(tmp_path: Path) -> Networks:
    path = tmp_path / "networks.txt"
    path.write_text(LIST)
    return load(path)


def address(text: str) -> Address:
    found = parse(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("203.0.113.1", BLOCK),
        ("203.0.113.7", ALLOW),
        ("198.51.103.255", 60),
        ("192.0.2.1", 5),
        ("2001:db8:bad::1", BLOCK),
        ("2001:db8:900d::1", 20),
        ("2001:db9::1", None),
        ("::ffff:203.0.113.1", BLOCK),
    ],
)
def test_the_narrowest_network_decides(networks: Networks, text: str, verdict: int | None) -> None:
    assert networks.find(address(text)) == verdict


def test_an_empty_list_says_nothing() -> None:
    assert Networks().find(ip_address("192.0.2.1")) is None


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1.2.3.4:80", "[::1]", "testclient", "1.2.3.4 "])
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.9", True),
    ],
)
def test_a_prefix_is_a_24_or_a_64(one: str, other: str, equal: bool) -> None:
    assert (prefix(address(one)) == prefix(address(other))) is equal


@pytest.mark.parametrize(
    "line",
    [
        "192.0.2.0/24",
        "deny 192.0.2.0/24",
        "block here",
        "score 101 192.0.2.0/24",
        "score x 192.0.2.0/24",
        "block",
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "networks.txt"
    path.write_text(f"# first\n{line}\n")

    with pytest.raises(Misconfigured, match="line 2"):
        load(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot read"):
        load(tmp_path / "none.txt")


@given(
    text=st.one_of(st.ip_addresses().map(str), st.text("0123456789.:abf%", max_size=16), st.text(max_size=8))
)
def test_addresses_are_read_as_the_standard_library_reads_them(text: str) -> None:
    """Four numbers take a shorter way than the rest."""
    try:
        standard = ip_address(text)
    except ValueError:
        assert parse(text) is None
    else:
        assert parse(text) == (getattr(standard, "ipv4_mapped", None) or standard)


def test_a_network_in_ipv6_s_clothes_is_ipv4(tmp_path: Path) -> None:
    path = tmp_path / "networks.txt"
    path.write_bytes(b"\xef\xbb\xbfblock ::ffff:198.51.100.0/120\n")

    found = load(path)

    assert [found.find(address(text)) for text in ("198.51.100.7", "::ffff:198.51.100.7")] == [BLOCK] * 2
