"""Every door through which a challenge is had, walked with every rule: no door is weaker than the others."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from captcha_stateless import sites
from captcha_stateless.kinds import KINDS
from captcha_stateless.model import Claims
from captcha_stateless.protocols import wall_way
from captcha_stateless.protocols.wall_way import Way
from tests.conftest import MakeServer
from tests.support import Server

Headers = dict[str, str]
Door = Callable[[Server, Headers], httpx.Response]

THERE, BLOCKED = "198.51.100.7", "192.0.2.9"
REFUSALS = {400, 401, 403, 429}


def posted(path: str, **options: Any) -> Door:
    return lambda server, headers: server.visitor.post(path, headers=headers, **options)


def got(path: str) -> Door:
    return lambda server, headers: server.visitor.get(path, headers=headers)


def worked(path: str) -> Door:
    """Do the work that comes before what stands in for the grid, as the widget does."""

    def door(server: Server, headers: Headers) -> httpx.Response:
        first = server.visitor.post(path, headers=headers)
        if first.status_code != 200 or not first.json().get("first"):
            return first
        token = first.json()["challenge"]
        answer = {"answer": server.engine.tell(server.engine.inspect(token))}
        return server.visitor.post(path, headers={**headers, "X-Captcha-Challenge": token}, json=answer)

    return door


def walled(server: Server, headers: Headers) -> httpx.Response:
    """Ask as the wall's page without scripts does, on the site's own host."""
    way = wall_way.seal(wall_way.way_key(server.engine), "dev-site", "localhost", Way("/page"))
    asked = {"sitekey": "dev-site", "wall": way}
    return server.visitor.get("/nojs", params=asked, headers={**headers, "Host": "localhost"})


#: What asks for a new challenge, and the kind that it is of.
DOORS: dict[str, tuple[str, Door]] = {
    "1captcha": ("grid", posted("/api/challenge")),
    "1captcha, prefixed": ("grid", posted("/onecaptcha/api/challenge")),
    "1captcha, grid": ("grid", posted("/api/challenge?kind=grid")),
    "1captcha, text": ("text", worked("/api/challenge?kind=text")),
    "1captcha, audio": ("audio", worked("/api/challenge?kind=audio")),
    "1captcha, work": ("work", posted("/api/challenge?kind=work")),
    "1captcha, auto": ("work", posted("/api/challenge?kind=auto")),
    "nojs": ("grid", got("/nojs")),
    "nojs, text": ("text", got("/nojs?kind=text")),
    "nojs, in the wall": ("grid", walled),
    "minicap": ("text", posted("/api/captcha/generate/")),
    "relaysms": ("text", posted("/v1/new", json={"client_id": "dev-site"})),
    "tornevall": ("text", got("/3.0/captcha/")),
    "tornevall 2.0": ("text", got("/2.0/captcha/getCaptcha")),
    "restcaptcha": ("work", got("/v1/challenge?siteKey=dev-site")),
    "altcha 1": ("work", got("/altcha/v1/challenge?apiKey=dev-site")),
    "altcha 2": ("work", got("/altcha/v2/challenge?apiKey=dev-site")),
    "altcha 1, text": ("text", got("/altcha/v1/challenge?apiKey=dev-site&kind=text")),
    "altcha 2, text": ("text", got("/altcha/v2/challenge?apiKey=dev-site&kind=text")),
    "cap": ("work", posted("/dev-site/challenge")),
    "cap, prefixed": ("work", posted("/cap/dev-site/challenge")),
    "cap, second format": ("work", posted("/dev-site/format2/challenge")),
}


def heard(server: Server, headers: Headers) -> httpx.Response:
    return server.visitor.get("/api/audio", params={"token": headers.pop("token")}, headers=headers)


def extended(server: Server, headers: Headers) -> httpx.Response:
    return server.visitor.post(
        "/api/extend", headers={"X-Captcha-Challenge": headers.pop("token"), **headers}
    )


def redrawn(server: Server, headers: Headers) -> httpx.Response:
    return server.visitor.get(f"/3.0/captcha/getImage/hash/{headers.pop('token')}", headers=headers)


def opened(server: Server, headers: Headers) -> httpx.Response:
    return server.visitor.get("/nojs", params={"token": headers.pop("token")}, headers=headers)


#: What shows, says or prolongs a challenge once more, and the door that had it drawn.
AGAIN: dict[str, tuple[str, Door]] = {
    "audio": ("minicap", heard),
    "audio of altcha": ("altcha 2, text", heard),
    "extend": ("1captcha", extended),
    "tornevall's picture": ("tornevall", redrawn),
    "nojs, a page of a stage": ("nojs", opened),
}


def token_of(reply: httpx.Response) -> str:
    """Find the token in the reply of any door."""
    sealed = re.search(r"eyJ[\w-]+(\.[\w-]+){4}", reply.headers.get("captcha-id", "") + reply.text)
    assert sealed, reply.text
    return sealed[0]


def claims_of(server: Server, reply: httpx.Response) -> Claims:
    return server.engine.inspect(token_of(reply))


def walk(server: Server, door: str) -> httpx.Response:
    return DOORS[door][1](server, {})


def again(server: Server, door: str, address: str = THERE) -> httpx.Response:
    """Have a challenge, and then ask for it once more from an address."""
    before, once_more = AGAIN[door]
    token = token_of(walk(server, before))
    server.visitor.address = address
    return once_more(server, {"token": token})


@pytest.fixture
def guarded(make_server: MakeServer, tmp_path: Path) -> Server:
    networks = tmp_path / "networks.txt"
    networks.write_text("block 192.0.2.0/24\n", encoding="utf-8")
    server = make_server(risk_networks=networks, rate_limit=("3/hour",))
    server.visitor.address = THERE
    return server


@pytest.mark.parametrize("door", DOORS)
def test_every_door_opens(guarded: Server, door: str) -> None:
    claims = claims_of(guarded, walk(guarded, door))

    assert (claims.kind, bool(claims.who)) == (DOORS[door][0], True)


@pytest.mark.parametrize("door", AGAIN)
def test_every_door_opens_again(guarded: Server, door: str) -> None:
    assert again(guarded, door).status_code == 200


@pytest.mark.parametrize("door", DOORS)
def test_a_blocked_network_is_refused_at_every_door(guarded: Server, door: str) -> None:
    guarded.visitor.address = BLOCKED

    assert walk(guarded, door).status_code in REFUSALS


@pytest.mark.parametrize("door", AGAIN)
def test_a_blocked_network_sees_and_hears_nothing_again(guarded: Server, door: str) -> None:
    assert again(guarded, door, BLOCKED).status_code in REFUSALS


@pytest.mark.parametrize("door", DOORS)
def test_a_rate_is_counted_and_exhausted_at_every_door(guarded: Server, door: str) -> None:
    replies = [walk(guarded, door) for _ in range(3)]
    rest = [walk(guarded, other) for other in DOORS]

    assert [reply.status_code for reply in replies] == [200] * 3
    assert {reply.status_code for reply in rest} == {429}
    assert all(int(reply.headers["retry-after"]) > 0 for reply in rest)


@pytest.mark.parametrize("door", AGAIN)
def test_what_is_shown_again_is_counted(guarded: Server, door: str) -> None:
    again(guarded, door)
    again(guarded, door)

    assert walk(guarded, "minicap").status_code == 429


@pytest.fixture
def choosy(make_server: MakeServer, tmp_path: Path) -> Server:
    """Serve the development site, where grids alone count."""
    path = tmp_path / "sites.toml"
    sites.append(path, sites.make("Grids", "dev-site", "dev-secret", kinds=["grid"]))
    return make_server(sites=path)


@pytest.mark.parametrize("door", DOORS)
def test_a_kind_that_does_not_count_is_not_drawn_at_any_door(choosy: Server, door: str) -> None:
    # Where the policy leads to work alone and work does not count, `auto` is what does.
    allowed = DOORS[door][0] == "grid" or door == "1captcha, auto"

    assert (walk(choosy, door).status_code == 200) is allowed


def test_no_pass_is_made_for_a_kind_that_does_not_count_any_more(
    make_server: MakeServer, tmp_path: Path
) -> None:
    path = tmp_path / "sites.toml"
    sites.append(path, sites.make("Any", "dev-site", "dev-secret"))
    server = make_server(sites=path)
    token = walk(server, "minicap").headers["captcha-id"]
    answer = {"id": token, "text": server.answer(token, "minicap")}
    path.write_text(path.read_text(encoding="utf-8") + 'kinds = ["grid"]\n', encoding="utf-8")

    reply = make_server(sites=path).visitor.post("/api/captcha/validate/", json=answer)

    assert (reply.status_code, "x-captcha-pass" in reply.headers) == (400, False)


def test_a_pass_is_worth_what_the_policy_says_of_kind_and_risk(make_server: MakeServer) -> None:
    """Through the door: a text that a risky caller solved is worth less than a harmless one's."""
    server = make_server(risk_header="X-Risk", trusted_proxies=("*",))
    worth = []
    for risk in ("0", "50"):
        token = server.visitor.post("/api/captcha/generate/", headers={"X-Risk": risk}).headers["captcha-id"]
        answer = {"id": token, "text": server.answer(token, "minicap")}
        earned = server.visitor.post("/api/captcha/validate/", json=answer).headers["x-captcha-pass"]
        site = server.engine.passes
        worth.append(site.recognise(earned, sites.DEVELOPMENT).score)

    assert worth == [0.7, 0.5]


@pytest.mark.parametrize("origin", ["null", "https://", "x"])
@pytest.mark.parametrize("door", [door for door in DOORS if not door.startswith("nojs")])
def test_a_page_that_hides_where_it_is_gets_no_site_s_challenge(
    server: Server, door: str, origin: str
) -> None:
    """A sandboxed frame on another site (``Origin: null``) got the shop's challenge."""
    reply = DOORS[door][1](server, {"Origin": origin})

    assert reply.status_code in REFUSALS


@pytest.mark.parametrize("door", DOORS)
def test_a_host_is_its_own_in_capitals_and_with_a_trailing_dot(server: Server, door: str) -> None:
    reply = DOORS[door][1](server, {"Origin": "https://LocalHost.:8443"})

    nameless = door in ("nojs", "nojs, text")
    assert claims_of(server, reply).host == ("" if nameless else "localhost")


@pytest.mark.parametrize("door", [door for door in DOORS if not door.startswith("nojs")])
def test_a_site_may_ask_every_request_where_it_comes_from(
    make_server: MakeServer, tmp_path: Path, door: str
) -> None:
    path = tmp_path / "sites.toml"
    sites.append(path, sites.make("Pages", "dev-site", "dev-secret", kinds=[*KINDS], origin_required=True))
    server = make_server(sites=path)

    named = DOORS[door][1](server, {"Origin": "http://localhost"})
    nameless = walk(server, door)

    assert claims_of(server, named).site == "dev-site"
    assert nameless.status_code in REFUSALS or claims_of(server, nameless).site == ""
