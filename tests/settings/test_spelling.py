"""What could never match is told, with the spelling that does."""

from collections.abc import Callable

import pytest

from captcha_stateless import Settings
from captcha_stateless.errors import Misconfigured
from captcha_stateless.settings import spelling


@pytest.mark.parametrize(
    ("read", "good"),
    [
        (spelling.proxy, ["unix", "127.0.0.1", "10.0.0.0/8", "2001:db8::1", "2001:db8::/32"]),
        (
            spelling.host,
            [
                "shop.example",
                "*.shop.example",
                "localhost",
                "my_host",
                "127.0.0.1",
                "::1",
                "xn--bcher-kva.example",
            ],
        ),
        (
            spelling.origin,
            [
                "*",
                "https://shop.example",
                "http://shop.example:8080",
                "http://[::1]:8000",
                "capacitor://localhost",
            ],
        ),
        (spelling.header, ["", "X-Risk-Score", "cf_bot"]),
    ],
)
def test_what_can_match_is_taken_as_it_is(read: Callable[[str], str], good: list[str]) -> None:
    assert [read(text) for text in good] == good


@pytest.mark.parametrize(
    ("read", "text", "right"),
    [
        (spelling.proxy, "nginx", "a network such as 172.18.0.0/16"),
        (spelling.proxy, "localhost", "write 127.0.0.1"),
        (spelling.proxy, "172.18.0.1/16", "write 172.18.0.0/16"),
        (spelling.proxy, "2001:db8::1/32", "write 2001:db8::/32"),
        (spelling.proxy, "::ffff:10.0.0.1/104", "write 10.0.0.0/8"),
        (spelling.proxy, "10.0.0.*", "write 10.0.0.0/24"),
        (spelling.proxy, "10.*.*.*", "write 10.0.0.0/8"),
        (spelling.proxy, "10.*", "write 10.0.0.0/8"),
        (spelling.proxy, "10.0.0.1:8080", "write 10.0.0.1"),
        (spelling.proxy, "[::1]", "write ::1"),
        (spelling.proxy, "http://10.0.0.1", "write 10.0.0.1"),
        (spelling.proxy, "*", "alone"),
        (spelling.host, "https://shop.example", "write shop.example"),
        (spelling.host, "shop.example:8443", "write shop.example"),
        (spelling.host, "https://shop.example:8443/x", "write shop.example"),
        (spelling.host, "Shop.example", "write shop.example"),
        (spelling.host, "shop.example.", "write shop.example"),
        (spelling.host, "bücher.example", "write xn--bcher-kva.example"),
        (spelling.host, "*.straße.example", "write *.xn--strae-oqa.example"),
        (spelling.host, "[::1]:80", "write ::1"),
        (spelling.host, "0:0:0:0:0:0:0:1", "write ::1"),
        (spelling.host, "127.1", "write 127.0.0.1"),
        (spelling.host, "*", "name no hosts"),
        (spelling.host, "shop.*", "*.shop.example"),
        (spelling.host, "999.1.1.1", "write shop.example"),
        (spelling.host, "a b", "write shop.example"),
        (spelling.host, "", "write shop.example"),
        (spelling.origin, "https://shop.example/", "write https://shop.example"),
        (spelling.origin, "shop.example", "write https://shop.example"),
        (spelling.origin, "HTTPS://Shop.example", "write https://shop.example"),
        (spelling.origin, "https://shop.example:443", "write https://shop.example"),
        (spelling.origin, "https://bücher.example", "write https://xn--bcher-kva.example"),
        (spelling.origin, "https://*.shop.example", "write https://shop.example"),
        (spelling.origin, "https://shop.example:99999", "write https://shop.example"),
        (spelling.origin, "null", "write https://shop.example"),
        (spelling.header, "X Risk", "write X-Risk"),
        (spelling.header, "X-Risk:", "write X-Risk"),
        (spelling.header, "é", "write X-Risk-Score"),
    ],
)
def test_what_can_never_match_is_told_with_the_right_spelling(
    read: Callable[[str], str], text: str, right: str
) -> None:
    with pytest.raises(ValueError) as caught:
        read(text)

    assert right in str(caught.value)


def test_mapped_addresses_are_ipv4() -> None:
    texts = ("::ffff:127.0.0.1", "::ffff:10.0.0.0/104")

    assert [spelling.proxy(text) for text in texts] == ["127.0.0.1", "10.0.0.0/8"]


@pytest.mark.parametrize(
    ("name", "text", "right"),
    [
        ("TRUSTED_PROXIES", "10.0.0.1,nginx", "nginx"),
        ("TRUSTED_PROXIES", "*,10.0.0.1", "alone"),
        ("HEALTH_NETWORKS", "10.0.0.*", "10.0.0.0/24"),
        ("RISK_HEADER", "X Risk", "X-Risk"),
        ("CORS_ORIGINS", "https://shop.example/", "https://shop.example"),
        ("DNSBL_ZONE", "https://zen.spamhaus.org/", "zen.spamhaus.org"),
    ],
)
def test_a_setting_that_can_never_match_is_a_mistake(name: str, text: str, right: str) -> None:
    with pytest.raises(Misconfigured, match=f"CAPTCHA_{name}: ") as caught:
        Settings.load({f"CAPTCHA_{name}": text})

    assert right in str(caught.value)
