"""Caching through real nginx and Varnish: what is the same for everyone is kept, what is one visitor's never is."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from captcha_stateless.telemetry.reading import parse
from tests.edge import programs
from tests.edge.conftest import Fleet
from tests.edge.test_balancers import behind_nginx
from tests.live import free_port
from tests.support import solved

LOADS = 300


def nginx(folder: Path, fleet: Fleet) -> Iterator[str]:
    port = free_port()
    with programs.nginx(folder, behind_nginx(folder, fleet.ports, port), port) as url:
        yield url


def varnish(folder: Path, fleet: Fleet) -> Iterator[str]:
    """With the file that is handed out."""
    text = programs.placed("varnish.vcl", {'"8001"': f'"{fleet.ports[0]}"'})
    (folder / "captcha.vcl").write_text(text)
    port = free_port()
    with programs.varnish(folder / "v", port, "-f", str(folder / "captcha.vcl")) as url:
        yield url


def varnish_by_default(folder: Path, fleet: Fleet) -> Iterator[str]:
    """With no file at all: Varnish keeps a GET without Cache-Control for two minutes."""
    port = free_port()
    with programs.varnish(folder / "v", port, "-b", f"127.0.0.1:{fleet.ports[0]}") as url:
        yield url


@pytest.fixture(
    params=[nginx, varnish, varnish_by_default], ids=lambda run: str(run.__name__), scope="module"
)
def http(
    request: pytest.FixtureRequest, fleet: Fleet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    for url in request.param(tmp_path_factory.mktemp("cache"), fleet):
        with httpx.Client(base_url=url, timeout=20) as client:
            yield client


def renders(fleet: Fleet) -> float:
    texts = [httpx.get(f"{server.url}/metrics").text for server in fleet.servers]
    return sum(
        number
        for text in texts
        for labels, number in parse(text).get("captcha_work_seconds_count", {}).items()
        if dict(labels)["part"] == "render"
    )


def test_many_gets_of_a_sealed_picture_are_one_render(http: httpx.Client, fleet: Fleet) -> None:
    url = httpx.URL(http.get("/3.0/captcha").json()["captchaResponse"]["imageUrl"]).path
    before = renders(fleet)

    bodies = {http.get(url).content for _ in range(LOADS)}

    assert len(bodies) == 1
    assert renders(fleet) - before == 1


def test_two_pictures_are_two(http: httpx.Client) -> None:
    urls = [httpx.URL(http.get("/3.0/captcha").json()["captchaResponse"]["imageUrl"]).path for _ in range(2)]

    assert len({http.get(url).content for url in urls}) == 2


@pytest.mark.parametrize("path", ["/3.0/captcha", "/2.0/captcha", "/3.0/captcha/getCaptcha"])
def test_a_challenge_that_is_asked_for_by_get_is_never_another_visitor_s(
    http: httpx.Client, path: str
) -> None:
    replies = [http.get(path) for _ in range(5)]

    assert len({reply.text for reply in replies}) == 5
    assert len({reply.headers["x-request-id"] for reply in replies}) == 5


def test_a_proof_of_work_is_never_another_visitor_s(http: httpx.Client) -> None:
    tokens = {http.get("/v1/challenge", params={"siteKey": "dev-site"}).text for _ in range(5)}

    assert len(tokens) == 5


def test_clearance_is_never_another_visitor_s(http: httpx.Client, fleet: Fleet) -> None:
    claims = fleet.engine.issue("onecaptcha", "grid", site="dev-site", host="localhost").claims
    cookie = f"__Host-captcha-pass={fleet.engine.passes.vouch(solved(claims, claims.iat)).token}"

    statuses = [
        http.get("/auth", headers={"Cookie": given} if given else {}).status_code
        for given in (cookie, "", cookie, "__Host-captcha-pass=x.y.z")
    ]

    assert statuses == [204, 401, 204, 401]


def test_what_is_not_there_is_not_kept(http: httpx.Client) -> None:
    assert http.get("/3.0/captcha/getImage/hash/nonsense").headers["cache-control"] == "no-store"
    assert http.get("/nowhere").headers["cache-control"] == "no-store"


def test_a_spoken_challenge_is_kept_by_the_browser_alone(http: httpx.Client) -> None:
    token = http.get("/3.0/captcha").json()["captchaResponse"]["imageHash"]

    assert http.get("/api/audio", params={"token": token}).headers["cache-control"].startswith("private")


def test_scripts_are_kept_and_carry_no_id_of_a_request(http: httpx.Client) -> None:
    replies = [http.get("/captcha.js") for _ in range(3)]

    assert {reply.headers["cache-control"] for reply in replies} == {"public, max-age=3600"}
    assert not any("x-request-id" in reply.headers for reply in replies)


def test_our_longest_tokens_pass_with_room_to_spare(http: httpx.Client) -> None:
    """Tokens are at most 1.5 KB; twice that in a header is no trouble for a cache either."""
    reply = http.post("/api/challenge", headers={"X-Captcha-Challenge": "x" * 3_000})

    assert (reply.status_code, reply.json()["error"]) == (400, "Unable to parse challenge token")
