"""Under a prefix: the examples of docs/prefix.md behind a real nginx, Caddy and Traefik."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from tests.edge import programs
from tests.edge.conftest import engine_of, settings_in
from tests.live import LiveServer, free_port, live_server
from tests.protocols.test_page import links

PAGE = (Path(__file__).parent.parent.parent / "docs" / "prefix.md").read_text(encoding="utf-8")
NGINX = re.findall(r"```nginx\n(.*?)```", PAGE, flags=re.DOTALL)
CADDY = re.findall(r"```caddy\n(.*?)```", PAGE, flags=re.DOTALL)
(TRAEFIK,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
ORIGIN = {"Origin": "http://localhost"}


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {**settings_in(tmp_path_factory.mktemp("prefix")), "CAPTCHA_SITEVERIFY_GET": "true"}


@pytest.fixture(scope="module")
def server(environ: dict[str, str]) -> Iterator[LiveServer]:
    """Started as the page says."""
    (words,) = re.findall(r"captcha-stateless serve (.*)\n", PAGE)
    with live_server(*words.split(), environ=environ) as server:
        yield server


@pytest.fixture(params=["nginx on", "nginx off", "caddy on", "caddy off", "traefik on", "traefik off"])
def edge(request: pytest.FixtureRequest, server: LiveServer, tmp_path: Path) -> Iterator[httpx.Client]:
    port, number = free_port(), int(request.param.endswith("off"))
    running: AbstractContextManager[str]
    if request.param.startswith("nginx"):
        example = NGINX[number].replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
        text = f"server {{ listen 127.0.0.1:{port}; {example} }}"
        running = programs.nginx(tmp_path / "nginx", text, port)
    elif request.param.startswith("traefik"):
        text = TRAEFIK if number else TRAEFIK.replace(", without-captcha]", "]")
        text = text.replace("Host(`shop.example`) && ", "").replace(
            "127.0.0.1:8000", f"127.0.0.1:{server.port}"
        )
        running = programs.traefik(tmp_path / "traefik", text, port, "/captcha/livez")
    else:
        example = CADDY[number].replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
        running = programs.caddy(tmp_path / "caddy", f":{port} {{\n\tbind 127.0.0.1\n{example}\n}}\n", port)
    with running as url, httpx.Client(base_url=url) as client:
        yield client


def test_all_of_it_is_found_under_the_prefix(edge: httpx.Client, environ: dict[str, str]) -> None:
    engine = engine_of(environ)

    statuses = [
        edge.get(f"/captcha{path}").status_code
        for path in ("/", "/captcha.js", "/widget/de.json", "/nojs", "/.well-known/jwks.json", "/readyz")
    ]
    reply = edge.post("/captcha/api/challenge", headers=ORIGIN).json()
    while "challenge" in reply:
        token = reply["challenge"]
        right = engine.tell(engine.look(token, "onecaptcha"))
        answered = edge.post(
            "/captcha/api/challenge", headers={"X-Captcha-Challenge": token}, json={"answer": right}
        )
        reply = answered.json()
    asked = {"secret": "dev-secret", "response": reply["flag"]}
    verdicts = [edge.get("/captcha/siteverify", params=asked).json()["success"] for _ in range(2)]

    assert statuses == [200] * 6
    assert verdicts == [True, False]


def test_urls_in_answers_are_under_the_prefix(edge: httpx.Client) -> None:
    headers = {"Host": "shop.example", "Origin": "http://localhost"}

    drawn = edge.get("/captcha/3.0/captcha", headers=headers).json()["captchaResponse"]
    page = edge.get("/captcha/", headers=headers)

    assert drawn["imageUrl"].startswith("http://shop.example/captcha/3.0/captcha/getImage/hash/")
    picture = edge.get(drawn["imageUrl"].removeprefix("http://shop.example"))
    assert picture.headers["content-type"] == "image/png"
    found = links(page)
    assert "/captcha/page.js" in found
    assert {edge.get(link).status_code for link in found} == {200}


@pytest.mark.parametrize("way", ["", "/captcha", "/captcha/captcha", "/captcha/", "/captcha//captcha"])
@pytest.mark.parametrize("name", ["metrics", "metrics/", "%6detrics", "metrics?x", "metrics%23x"])
def test_metrics_are_kept_from_the_public_under_any_prefix(edge: httpx.Client, way: str, name: str) -> None:
    """`/captcha/captcha/metrics` was shown where the edge took one prefix off and kept `/captcha/metrics` private."""
    assert b"captcha_" not in edge.get(f"{way}/{name}").content


def test_nothing_is_served_beside_the_prefix(edge: httpx.Client) -> None:
    assert edge.get("/siteverify").status_code in (200, 404)
    assert b"error-codes" not in edge.get("/siteverify").content
    assert edge.get("/captcha/captcha/captcha/readyz").status_code == 404


def test_the_page_needs_no_last_slash(environ: dict[str, str], server: LiveServer) -> None:
    assert [httpx.get(f"{server.url}{path}").status_code for path in ("/captcha", "/captcha/", "/")] == [
        200
    ] * 3


def test_where_the_prefix_is_taken_off_the_public_url_does_as_well(
    environ: dict[str, str], tmp_path: Path
) -> None:
    with live_server(environ={**environ, "CAPTCHA_PUBLIC_URL": "https://shop.example/captcha"}) as server:
        drawn = httpx.get(f"{server.url}/3.0/captcha", headers=ORIGIN).json()["captchaResponse"]

    assert drawn["imageUrl"].startswith("https://shop.example/captcha/3.0/captcha/getImage/hash/")
