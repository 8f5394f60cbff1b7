"""URLs of a Redis: what is read out of them, and what is said where one cannot be meant."""

import pytest

from captcha_stateless.errors import Misconfigured
from captcha_stateless.stores.connect import connect
from captcha_stateless.stores.url import RedisUrl


@pytest.mark.parametrize(
    ("text", "topology", "plain", "hosts", "service"),
    [
        ("redis://one", "server", "redis://one", (("one", 6379),), ""),
        ("redis://u:p%40%23@one:1/2", "server", "redis://u:p%40%23@one:1/2", (("one", 1),), ""),
        ("rediss://[::1]:1/0?ssl_ca_certs=/ca.pem", "server", None, (("::1", 1),), ""),
        ("unix:///run/redis.sock?db=2", "server", None, (("localhost", 6379),), ""),
        (
            "redis+sentinel://one,two:1/main",
            "sentinel",
            "redis://one:26379/0",
            (("one", 26379), ("two", 1)),
            "main",
        ),
        (
            "rediss+sentinel://u:p@one/main/3?a=b",
            "sentinel",
            "rediss://u:p@one:26379/3?a=b",
            (("one", 26379),),
            "main",
        ),
        ("redis+cluster://:p@one:1,[::2]:3", "cluster", "redis://:p@one:1", (("one", 1), ("::2", 3)), ""),
    ],
)
def test_url_is_taken_apart(
    text: str, topology: str, plain: str | None, hosts: tuple[tuple[str, int], ...], service: str
) -> None:
    url = RedisUrl.parse(text)

    assert (url.topology, url.plain, url.hosts, url.service) == (topology, plain or text, hosts, service)


@pytest.mark.parametrize("password", ["p@ss", "p#ss", "p/ss", "p?ss", "p%ss", "p/s@s", "#@", "100%"])
@pytest.mark.parametrize("scheme", ["redis", "rediss+sentinel", "redis+cluster"])
def test_password_that_would_be_misread_is_told_what_to_write(scheme: str, password: str) -> None:
    with pytest.raises(Misconfigured, match="%40 for @, %23 for #") as told:
        RedisUrl.parse(f"{scheme}://user:{password}@host:6379/main")

    assert password not in str(told.value).replace("for @, %23 for #", "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://one", "must begin with redis://"),
        ("redis", "must begin with redis://"),
        ("redis://one:port", "host:6379"),
        ("redis://one:99999", "host:6379"),
        ("redis://::1:6379", r"\[ \]"),
        ("redis+sentinel://one:26379", "names the master"),
    ],
)
def test_other_mistakes_are_told(text: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        RedisUrl.parse(text)


@pytest.mark.parametrize(
    "text",
    ["redis://one?socket_timeout=soon", "redis+cluster://one?no_such=option", "redis+cluster://one/1"],
)
def test_option_that_does_not_work_is_told(text: str) -> None:
    with pytest.raises(Misconfigured, match="option"):
        connect(RedisUrl.parse(text), 1)
