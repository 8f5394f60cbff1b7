"""Work before anything is drawn: who is asked for it, what it is good for, and what it is not."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from captcha_stateless.errors import Misconfigured
from tests.conftest import MakeServer
from tests.support import Server

PATH = "/api/challenge"
KINDS = "kinds = ['grid', 'text', 'audio', 'work']\n"
RULE = "[[policy.rule]]\nscore = [0, 100]\nkind = 'work'\ndifficulty = 4\n"


def serve(make_server: MakeServer, folder: Path, policy: str = "work = 4", **options: Any) -> Server:
    site = f"[[site]]\nname = 'Shop'\nkey = 'shop'\nsecret_sha256 = '{'00' * 32}'\npolicy = 'test'\n{KINDS}"
    other = (
        f"[[site]]\nname = 'Other'\nkey = 'other'\nsecret_sha256 = '{'11' * 32}'\npolicy = 'test'\n{KINDS}"
    )
    (folder / "sites.toml").write_text(f"{site}{other}[[policy]]\nname = 'test'\n{policy}\n{RULE}")
    return make_server(sites=folder / "sites.toml", **options)


def ask(server: Server, query: str = "sitekey=shop&kind=grid", path: str = PATH) -> dict[str, Any]:
    reply: dict[str, Any] = server.visitor.post(f"{path}?{query}").json()
    return reply


def bring(server: Server, work: dict[str, Any], query: str = "sitekey=shop&kind=grid") -> httpx.Response:
    token = work["challenge"]
    solution = server.engine.tell(server.engine.look(token, "onecaptcha-first"))
    headers = {"X-Captcha-Challenge": token}
    return server.visitor.post(f"{PATH}?{query}", headers=headers, json={"answer": solution})


def test_a_grid_is_drawn_after_the_work_and_not_before(make_server: MakeServer, tmp_path: Path) -> None:
    server = serve(make_server, tmp_path)

    work = ask(server)
    grid = bring(server, work).json()

    assert (work["first"], work["kind"], work["work"]["difficulty"]) == (True, "work", 4)
    assert "images" not in work
    assert len(grid["images"]) == 9
    assert grid["kinds"] == work["kinds"]


def test_the_run_is_bound_to_what_the_request_says_that_brings_the_work(
    make_server: MakeServer, tmp_path: Path
) -> None:
    server = serve(make_server, tmp_path)

    grid = bring(server, ask(server), "sitekey=shop&kind=grid&action=login").json()

    claims = server.engine.look(grid["challenge"], "onecaptcha")
    assert (claims.site, claims.action, claims.kind) == ("shop", "login", "grid")


@pytest.mark.parametrize("kind", ["text", "audio"])
def test_text_and_sound_come_after_the_work_too(make_server: MakeServer, tmp_path: Path, kind: str) -> None:
    server = serve(make_server, tmp_path)
    query = f"sitekey=shop&kind={kind}"

    work = ask(server, query)

    assert work["first"]
    assert bring(server, work, query).json()["kind"] == kind


@pytest.mark.parametrize("kind", ["work", "auto"])
def test_nobody_works_twice(make_server: MakeServer, tmp_path: Path, kind: str) -> None:
    reply = ask(serve(make_server, tmp_path), f"sitekey=shop&kind={kind}")

    assert reply["kind"] == "work"
    assert "first" not in reply


def test_work_is_good_for_one_picture(make_server: MakeServer, tmp_path: Path) -> None:
    server = serve(make_server, tmp_path)
    work = ask(server)
    grid = bring(server, work)

    again = bring(server, work)

    assert again.content == grid.content


@pytest.mark.parametrize("query", ["kind=text", "kind=auto", "kind=grid&action=login", "kind=grid&cdata=2"])
def test_work_that_was_brought_draws_nothing_else(
    make_server: MakeServer, tmp_path: Path, query: str
) -> None:
    """One work would open as many runs as there are words to ask for one."""
    server = serve(make_server, tmp_path)
    work = ask(server)
    bring(server, work)

    again = bring(server, work, f"sitekey=shop&{query}")

    assert (again.status_code, again.json()) == (400, {"error": "Challenge already answered"})


def test_wrong_work_draws_nothing(make_server: MakeServer, tmp_path: Path) -> None:
    server = serve(make_server, tmp_path, "work = 24")
    headers = {"X-Captcha-Challenge": ask(server)["challenge"]}

    reply = server.visitor.post(f"{PATH}?sitekey=shop&kind=grid", headers=headers, json={"answer": "0"})

    assert (reply.status_code, reply.json()) == (400, {"error": "Incorrect"})


def test_work_for_another_site_is_refused_and_not_spent(make_server: MakeServer, tmp_path: Path) -> None:
    server = serve(make_server, tmp_path)
    work = ask(server)

    refused = bring(server, work, "sitekey=other&kind=grid")

    assert refused.json() == {"error": "Unable to parse challenge token"}
    assert bring(server, work).status_code == 200


@pytest.mark.parametrize("query", ["sitekey=shop&kind=none", "sitekey=none&kind=grid"])
def test_a_request_that_cannot_be_meant_spends_no_work(
    make_server: MakeServer, tmp_path: Path, query: str
) -> None:
    server = serve(make_server, tmp_path)
    work = ask(server)

    assert bring(server, work, query).status_code in (400, 403)
    assert bring(server, work).status_code == 200


def test_work_is_no_stage_and_earns_no_pass(make_server: MakeServer, tmp_path: Path) -> None:
    server = serve(make_server, tmp_path)
    work = ask(server)

    extended = server.visitor.post("/api/extend", headers={"X-Captcha-Challenge": work["challenge"]})

    assert extended.json() == {"error": "Unable to parse challenge token"}
    assert "flag" not in bring(server, work).json()


def test_a_page_may_ask_for_the_work_beforehand(make_server: MakeServer, tmp_path: Path) -> None:
    server = serve(make_server, tmp_path)

    work = ask(server, "sitekey=shop", "/api/work")

    assert (work["first"], work["time"]) == (True, 120)
    assert len(bring(server, work).json()["images"]) == 9


def test_where_there_is_none_to_do_a_page_is_told_so(server: Server) -> None:
    assert ask(server, "sitekey=dev-site", "/api/work") == {"work": None}


def test_asking_beforehand_is_no_load(make_server: MakeServer, tmp_path: Path) -> None:
    server = serve(make_server, tmp_path, "load = 0.2\nmost_work = 16")

    told = [ask(server, "sitekey=shop", "/api/work") for _ in range(9)]

    assert told == [{"work": None}] * 9


def test_under_load_work_is_asked_where_there_was_none(make_server: MakeServer, tmp_path: Path) -> None:
    server = serve(make_server, tmp_path, "load = 0.2\nmost_work = 17")

    replies = [ask(server) for _ in range(9)]
    server.clock.pass_(600)

    assert "first" not in replies[0]
    assert {reply["work"]["difficulty"] for reply in replies if "first" in reply} == {17}
    assert "first" not in ask(server)


def test_who_names_no_kind_is_drawn_for_unless_all_must_work(make_server: MakeServer, tmp_path: Path) -> None:
    """1Captcha's own clients know no work."""
    plain = ask(serve(make_server, tmp_path), "sitekey=shop")
    everyone = ask(serve(make_server, tmp_path, work_first="all"), "sitekey=shop")
    nobody = ask(serve(make_server, tmp_path, work_first="none"))

    assert len(plain["images"]) == len(nobody["images"]) == 9
    assert everyone["first"] is True


def test_a_policy_s_profile_is_what_its_sites_show(make_server: MakeServer, tmp_path: Path) -> None:
    server = serve(make_server, tmp_path, "profile = 'strict'")

    assert ask(server, "sitekey=shop")["stages"] == ask(server)["stages"] == 4


def test_a_profile_that_there_is_not_is_told_at_the_start(make_server: MakeServer, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="policy test"):
        serve(make_server, tmp_path, "profile = 'none'")


def test_work_done_for_a_cheap_kind_does_not_pay_for_a_dear_one(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Text costs six bits and the grid four: whoever worked for the grid cannot have a text drawn."""
    server = serve(make_server, tmp_path, "work = 4\nkinds = {text = {work = 6}}")
    grid, text = (ask(server, f"sitekey=shop&kind={kind}") for kind in ("grid", "text"))

    cheap = bring(server, grid, "sitekey=shop&kind=text")
    dear = bring(server, text, "sitekey=shop&kind=text")

    assert (grid["work"]["difficulty"], text["work"]["difficulty"]) == (4, 6)
    assert (cheap.status_code, dear.json()["kind"]) == (400, "text")


@pytest.mark.parametrize(
    ("kinds", "rule"),
    [("text", RULE), ("text", RULE.replace("'work'\ndifficulty = 4", "'text'")), ("grid', 'text", RULE)],
)
def test_auto_asks_the_price_of_the_dearest_that_it_may_lead_to(
    make_server: MakeServer, tmp_path: Path, kinds: str, rule: str
) -> None:
    """Where no rule led to a kind that counts, the fallback was drawn without any work."""
    terms = "[policy.kinds.text]\nwork = 6\n[policy.kinds.grid]\nwork = 6\n"
    site = f"[[site]]\nname = 'Shop'\nkey = 'shop'\nsecret_sha256 = '{'00' * 32}'\npolicy = 'test'\n"
    policy = f"[[policy]]\nname = 'test'\nwork = 3\n{terms}{rule}"
    (tmp_path / "sites.toml").write_text(f"{site}kinds = ['{kinds}']\n{policy}")
    server = make_server(sites=tmp_path / "sites.toml")

    assert ask(server, "sitekey=shop&kind=auto")["work"]["difficulty"] == 6


def test_work_is_no_good_for_another_network(make_server: MakeServer, tmp_path: Path) -> None:
    """One clean address worked for all that were asked for more."""
    server = serve(make_server, tmp_path)
    server.visitor.address = "198.51.100.7"
    work = ask(server)
    server.visitor.address = "192.0.2.9"

    assert bring(server, work).json() == {"error": "Challenge expired"}
    server.visitor.address = "198.51.100.8"
    assert len(bring(server, work).json()["images"]) == 9
