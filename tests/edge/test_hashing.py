"""The recipe without Redis: the balancer hashes on the token, and each replica has a filter of its own."""

import asyncio
import itertools
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from captcha_stateless.engine import Engine
from captcha_stateless.model import Sealed
from tests.edge import programs
from tests.edge.conftest import Fleet, engine_of, settings_in
from tests.edge.flows import FLOWS
from tests.live import free_port, live_server
from tests.support import jti_of, last_stage

TOKENS, AT_ONCE = 30, 4


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Fleet]]:
    """Three replicas that share nothing but the keys, behind nginx."""
    folder, port = tmp_path_factory.mktemp("apart"), free_port()
    environ = {**settings_in(folder), "CAPTCHA_EXTENSIONS": "0"}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(live_server(environ={**environ, "CAPTCHA_REPLAY_DIR": str(folder / name)}))
            for name in ("one", "two", "three")
        ]
        ports = [server.port for server in servers]
        places = {**programs.replicas(ports), "127.0.0.1:8080": f"127.0.0.1:{port}"}
        text = programs.placed("nginx-hash.conf", places)
        text = text.replace("proxy_next_upstream off;", "add_header X-Replica $upstream_addr always;")
        url = stack.enter_context(programs.nginx(folder / "nginx", text, port))
        client = stack.enter_context(httpx.Client(base_url=url, timeout=20))
        yield client, Fleet(servers, environ, engine_of(environ))


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: str(flow.__name__))
def test_a_whole_run_is_right_and_right_once(
    apart: tuple[httpx.Client, Fleet], flow: Callable[[httpx.Client, Engine], bool]
) -> None:
    http, fleet = apart

    assert all(flow(http, fleet.engine) for _ in range(4))


def test_a_token_is_honoured_once_however_often_it_comes(apart: tuple[httpx.Client, Fleet]) -> None:
    http, fleet = apart
    sealed = [last_stage(fleet.engine) for _ in range(TOKENS)]

    counts = asyncio.run(race(str(http.base_url), fleet.engine, sealed))

    # Two replicas would each have a first answer of its own.
    passes = [count.keys() - {"Incorrect", "Challenge already answered"} for count in counts]
    assert all(len(each) + count["Incorrect"] == 1 for each, count in zip(passes, counts, strict=True))
    assert len(set().union(*passes)) == sum(map(len, passes))


def test_the_tokens_are_spread_over_the_replicas(apart: tuple[httpx.Client, Fleet]) -> None:
    """Asked directly, each replica has the tokens that it judged, and not the other's."""
    http, fleet = apart
    spread: Counter[int] = Counter()
    for _ in range(TOKENS):
        last = last_stage(fleet.engine)
        headers, right = {"X-Captcha-Challenge": last.token}, fleet.engine.tell(last.claims)
        assert isinstance(right, list)
        http.post("/api/challenge", headers=headers, json={"answer": right})
        wrong = {"answer": [not tile for tile in right]}
        told = [
            httpx.post(f"{server.url}/api/challenge", headers=headers, json=wrong).json()["error"]
            for server in fleet.servers
        ]
        assert sorted(told) == ["Challenge already answered", "Incorrect", "Incorrect"]
        spread[told.index("Challenge already answered")] += 1

    assert min(spread[number] for number in range(3)) >= 1


def test_a_second_header_cannot_lead_a_token_astray(apart: tuple[httpx.Client, Fleet]) -> None:
    """Some releases of nginx join headers of one name with commas: what is hashed must be what is judged."""
    http, fleet = apart
    last = last_stage(fleet.engine)
    right = fleet.engine.tell(last.claims)
    assert isinstance(right, list)
    wrong = {"answer": [not tile for tile in right]}
    first = http.post("/api/challenge", headers={"X-Captcha-Challenge": last.token}, json=wrong)
    statuses: Counter[int] = Counter()
    for number in range(8):
        for names in ((last.token, f"x{number}"), (f"x{number}", last.token), (last.token, last.token)):
            headers = [("X-Captcha-Challenge", name) for name in names]
            statuses[http.post("/api/challenge", headers=headers, json={"answer": right}).status_code] += 1

    assert first.json() == {"error": "Incorrect"}
    assert statuses == {400: 24}


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: str(flow.__name__))
def test_a_made_up_header_leads_no_other_token_astray(
    apart: tuple[httpx.Client, Fleet], flow: Callable[[httpx.Client, Engine], bool]
) -> None:
    """The header chose the replica on every path: one token in a body made three passes."""
    http, fleet = apart

    def make_up(request: httpx.Request) -> None:
        if not request.url.path.endswith("/api/challenge"):
            request.headers["X-Captcha-Challenge"] = secrets.token_hex(8)

    with httpx.Client(base_url=http.base_url, timeout=20, event_hooks={"request": [make_up]}) as client:
        assert all(flow(client, fleet.engine) for _ in range(6))


#: What may be asked of any replica, but for files: it begins or looks, and spends nothing.
ANYWHERE = {
    ("post", "/api/work"),
    ("post", "/api/captcha/generate"),
    ("post", "/v1/new"),
    ("get", "/v1/challenge"),
    ("get", "/altcha/v1/challenge"),
    ("get", "/altcha/v2/challenge"),
    ("post", "/x/challenge"),
    ("post", "/x/format2/challenge"),
    *(
        ("get", f"/{version}/captcha{rest}")
        for version in ("2.0", "3.0")
        for rest in ("", "/getCaptcha", "/getImage/hash/x")
    ),
    ("get", "/api/audio"),
    ("get", "/api/audio/languages"),
    ("get", "/auth"),
    ("get", "/nojs"),
    ("get", "/wall"),
}
#: On these the header is what is judged.
BY_HEADER = {("post", "/api/challenge"), ("post", "/api/extend")}
TORNEVALL = (
    "getCaptcha",
    "getImage/hash/x",
    "testCaptcha",
    "TESTcaptcha/hash/x/response/y",
    "testCaptcha/getImage/x",
)


def described(http: httpx.Client) -> Iterator[tuple[str, str]]:
    """Name every method and path that is served, by itself and under its protocol's name."""
    for path, methods in http.get("/openapi.json").json()["paths"].items():
        rests = TORNEVALL if "{rest}" in path else ("",)
        for rest, method, prefix in itertools.product(rests, methods, PREFIXES):
            yield method, prefix + re.sub(r"\{\w+\}", "x", path.replace("{rest}", rest))


PREFIXES = (
    "",
    *(f"/{name}" for name in ("onecaptcha", "minicap", "relaysms", "tornevall", "siteverify", "nojs", "cap")),
)


def test_only_what_spends_nothing_goes_anywhere(apart: tuple[httpx.Client, Fleet]) -> None:
    """Also under a header that another path would judge, and for whatever protocol comes next."""
    http, _ = apart
    spread = set()
    for method, path in set(described(http)):
        replies = [
            http.request(method, path, headers={"X-Captcha-Challenge": secrets.token_hex(8)})
            for _ in range(4)
        ]
        replicas = {reply.headers.get("x-replica", "nginx itself") for reply in replies}
        plain = re.sub(f"^({'|'.join(PREFIXES[1:])})(?=/)", "", path).removesuffix("/")
        if len(replicas) > 1 and not path.endswith((".js", ".css", ".json")):
            spread.add((method, plain))

    assert spread <= ANYWHERE | BY_HEADER
    assert len(spread) > 6


async def race(url: str, engine: Engine, sealed: list[Sealed]) -> list[Counter[str]]:
    """Send the right answer and a wrong one several times at once; count the passes' jtis, and the words of refusals."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:

        async def once(last: Sealed, *, wrong: bool) -> str:
            right = engine.tell(last.claims)
            assert isinstance(right, list)
            body = {"answer": [tile != wrong for tile in right]}
            headers = {"X-Captcha-Challenge": last.token}
            reply = (await client.post("/api/challenge", headers=headers, json=body)).json()
            return jti_of(reply["flag"]) if "flag" in reply else str(reply["error"])

        return [
            Counter(await asyncio.gather(*(once(last, wrong=bool(n % 2)) for n in range(AT_ONCE))))
            for last in sealed
        ]
