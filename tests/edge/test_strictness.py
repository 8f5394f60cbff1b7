"""What a visitor cannot talk the proxies of deploy/ out of: limits by path, and his own word on his risk."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from tests.edge import programs
from tests.edge.conftest import Fleet, settings_in
from tests.edge.test_balancers import behind_caddy, behind_haproxy, behind_nginx
from tests.live import LiveServer, free_port, live_server

#: nginx with limits so low that a test meets them.
FEW = 5

#: Paths that look like a picture's to whoever reads a part of them only.
DISGUISED = [
    "/3.0/captcha/getCaptcha/getImage/x",
    "/3.0/captcha/getCaptcha/captcha.js",
    "/3.0/captcha/getCaptcha/%2e%2e/getImage/x",
    "/3.0/captcha/getCaptcha//getImage/x",
    "/3.0/captcha/getCaptcha?/getImage/x",
    "/3.0/captcha/getCaptcha?x=/captcha.js",
    "/3.0/captcha/getCaptcha/x/api.js",
    "/tornevall/2.0/captcha/getcaptcha/getimage/hash/x",
    "/3.0/captcha//getImage/x",
    "/3.0/captcha/getImage/%2e%2e",
    "/v1/challenge?siteKey=dev-site&x=/getimage/",
    "/nojs?x=/captcha.js",
]


@pytest.fixture(scope="module")
def limiting(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder, port = tmp_path_factory.mktemp("limiting"), free_port()
    text = behind_nginx(folder, fleet.ports, port).replace("rate=10000r/s", "rate=1r/m")
    text = text.replace("burst=100", f"burst={FEW}")
    with (
        programs.nginx(folder, text, port) as url,
        httpx.Client(base_url=url, timeout=20, headers={"Origin": "http://localhost"}) as client,
    ):
        yield client


def test_pictures_are_not_limited(limiting: httpx.Client) -> None:
    statuses = [limiting.get(f"/3.0/captcha/getImage/hash/x{number}").status_code for number in range(20)]

    assert statuses == [200] * 20


@pytest.mark.parametrize("path", DISGUISED)
def test_no_path_draws_more_than_the_limit(limiting: httpx.Client, path: str) -> None:
    """`getCaptcha/getImage/` drew a new picture every time, and was taken for an old one."""
    for _ in range(FEW + 1):
        limiting.get("/3.0/captcha")
    kinds = Counter(drawn(limiting.get(path)) for _ in range(10))

    assert kinds[True] == 0


@pytest.mark.parametrize("path", [path for path in DISGUISED if "//" not in path and "%2e" not in path])
def test_what_only_looks_like_a_picture_is_limited_by_the_edge_itself(
    limiting: httpx.Client, path: str
) -> None:
    for _ in range(FEW + 1):
        limiting.get("/3.0/captcha")

    assert limiting.get(path).status_code == 429


def drawn(reply: httpx.Response) -> bool:
    """Tell whether a challenge was drawn for it."""
    return reply.status_code == 200 and (
        "imageHash" in reply.text or "token" in reply.text or "<form" in reply.text
    )


BLOCKING = """
[[policy]]
name = "wary"
[[policy.rule]]
score = [0, 89]
kind = "work"
unit = "hex"
difficulty = 1
[[policy.rule]]
score = [90, 100]
block = true
"""


@pytest.fixture(scope="module")
def wary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveServer, Path]]:
    """A replica that refuses whom its proxy calls risky."""
    folder = tmp_path_factory.mktemp("wary")
    environ = {**settings_in(folder), "CAPTCHA_RISK_HEADER": "X-Risk-Score", "CAPTCHA_POLICY": "wary"}
    (folder / "sites.toml").write_text(
        f'{BLOCKING}\n[[site]]\nkey = "shop"\nname = "Shop"\nsecret_sha256 = "{"0" * 64}"\n'
        'hosts = ["localhost"]\nkinds = ["work"]\n'
    )
    with live_server(environ={**environ, "CAPTCHA_SITES": str(folder / "sites.toml")}) as server:
        yield server, folder


def status(url: str) -> int:
    """Ask for a challenge as somebody who calls himself risky."""
    asked = {"siteKey": "shop"}
    headers = {"Origin": "http://localhost", "X-Risk-Score": "100"}
    return httpx.get(f"{url}/v1/challenge", params=asked, headers=headers, timeout=20).status_code


def plain(file: str) -> Callable[[Path, list[int], int], str]:
    def text(_: Path, ports: list[int], port: int) -> str:
        return programs.placed(file, {**programs.replicas(ports), "127.0.0.1:8080": f"127.0.0.1:{port}"})

    return text


def varnish(folder: Path, text: str, port: int) -> AbstractContextManager[str]:
    folder.mkdir()
    (folder / "captcha.vcl").write_text(text)
    return programs.varnish(folder / "v", port, "-f", str(folder / "captcha.vcl"))


PROXIES = {
    "nginx": (programs.nginx, behind_nginx),
    "nginx by hash": (programs.nginx, plain("nginx-hash.conf")),
    "haproxy": (programs.haproxy, behind_haproxy),
    "caddy": (programs.caddy, behind_caddy),
    "varnish": (
        varnish,
        lambda _, ports, port: programs.placed("varnish.vcl", {'"8001"': f'"{ports[0]}"'}),
    ),
}


def test_the_replica_believes_its_proxy(wary: tuple[LiveServer, Path]) -> None:
    assert status(wary[0].url) == 403


@pytest.mark.parametrize("name", PROXIES)
def test_no_proxy_hands_on_a_visitor_s_own_risk(
    name: str, wary: tuple[LiveServer, Path], tmp_path: Path
) -> None:
    """Anybody could call himself harmless, or a whole network risky."""
    (run, words), (server, _), port = PROXIES[name], wary, free_port()

    with run(tmp_path / "edge", words(tmp_path, [server.port] * 2, port), port) as url:
        assert status(url) == 200
