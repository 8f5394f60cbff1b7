"""Round robin over replicas, by nginx and HAProxy with the files that are handed out: every step elsewhere."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from captcha_stateless.engine import Engine
from captcha_stateless.telemetry.reading import parse
from tests.edge import programs
from tests.edge.conftest import Fleet
from tests.edge.flows import FLOWS
from tests.live import free_port


def behind_nginx(folder: Path, ports: list[int], listening: int) -> str:
    places = {
        **programs.replicas(ports),
        "127.0.0.1:8080": f"127.0.0.1:{listening}",
        "/var/cache/nginx/captcha": str(folder / "cache"),
        "rate=10r/s": "rate=10000r/s",
    }
    text = programs.placed("nginx.conf", places)
    # Two servers with one address would be a third of the requests for one, and two for the other.
    return text.replace(f"    server 127.0.0.1:{ports[-1]} max_fails=1 fail_timeout=2s;\n", "", 1)


def behind_haproxy(_: Path, ports: list[int], listening: int) -> str:
    places = {
        **programs.replicas(ports),
        "127.0.0.1:8080": f"127.0.0.1:{listening}",
        "gt 100": "gt 100000",
    }
    whole = programs.without_server(programs.placed("haproxy.cfg", places), "server three")
    return whole.partition("# A site that lets in")[0]


BALANCERS = {"nginx": (programs.nginx, behind_nginx), "haproxy": (programs.haproxy, behind_haproxy)}


@pytest.fixture(params=list(BALANCERS), scope="module")
def http(
    request: pytest.FixtureRequest, fleet: Fleet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    run, words = BALANCERS[request.param]
    folder, listening = tmp_path_factory.mktemp(request.param), free_port()
    with (
        run(folder, words(folder, fleet.ports, listening), listening) as url,
        httpx.Client(base_url=url, timeout=20) as client,
    ):
        yield client


def answered(fleet: Fleet) -> list[float]:
    """How many requests of protocols each replica has answered."""
    texts = [httpx.get(f"{server.url}/metrics").text for server in fleet.servers]
    return [
        sum(
            number
            for labels, number in parse(text).get("captcha_response_seconds_count", {}).items()
            if dict(labels)["protocol"] not in ("health", "metrics", "none")
        )
        for text in texts
    ]


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: str(flow.__name__))
def test_a_whole_run_is_right_with_its_steps_on_both_replicas(
    http: httpx.Client, fleet: Fleet, flow: Callable[[httpx.Client, Engine], bool]
) -> None:
    before = answered(fleet)

    assert flow(http, fleet.engine)

    first, second = (new - old for new, old in zip(answered(fleet), before, strict=True))
    assert min(first, second) >= 1
    assert abs(first - second) <= 1  # turn by turn


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz"])
def test_what_operators_read_is_kept_from_the_public(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 404


def test_urls_in_answers_name_the_public_host(http: httpx.Client) -> None:
    drawn = http.get("/3.0/captcha", headers={"Host": "captcha.example:8443"}).json()

    assert drawn["captchaResponse"]["imageUrl"].startswith(
        "http://captcha.example:8443/3.0/captcha/getImage/"
    )


def test_a_request_s_id_is_the_balancer_s(http: httpx.Client) -> None:
    forged = http.post("/api/challenge", headers={"X-Request-Id": "forged"}).headers["x-request-id"]

    assert forged != "forged"
    assert len(forged) >= 16


def test_our_longest_tokens_pass_with_room_to_spare(http: httpx.Client) -> None:
    """Tokens are at most 1.5 KB; twice that in a header is no trouble for any hop."""
    reply = http.post("/api/challenge", headers={"X-Captcha-Challenge": "x" * 3_000})

    assert (reply.status_code, reply.json()["error"]) == (400, "Unable to parse challenge token")
