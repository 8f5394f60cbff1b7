"""1Captcha's requests for other kinds than a grid."""

from pathlib import Path

import httpx
import pytest

from captcha_stateless.kinds import KINDS
from captcha_stateless.tokens.passes import Verifier
from tests.conftest import MakeServer
from tests.protocols.test_onecaptcha import PATH, solve
from tests.support import Server


def ask(server: Server, kind: str) -> httpx.Response:
    """Ask for a kind, and do what work comes before it."""
    query = {"sitekey": "dev-site", "kind": kind}
    reply = server.visitor.post(PATH, params=query)
    if not reply.is_success or "first" not in reply.json():
        return reply
    token = reply.json()["challenge"]
    solution = {"answer": server.engine.tell(server.engine.inspect(token))}
    return server.visitor.post(PATH, params=query, headers={"X-Captcha-Challenge": token}, json=solution)


@pytest.mark.parametrize("kind", ["text", "audio", "work"])
def test_a_run_of_another_kind_earns_a_pass_of_that_kind(server: Server, kind: str) -> None:
    challenge = ask(server, kind).json()

    reply = solve(server, challenge["challenge"]).json()

    assert challenge["kind"] == kind
    assert Verifier(server.engine.passes.published(), "captcha-stateless").verify(reply["flag"]).kind == kind


def test_what_names_a_kind_is_told_which_count(make_server: MakeServer, tmp_path: Path) -> None:
    sites_file(tmp_path, kinds='["text", "work"]')
    server = make_server(sites=tmp_path / "sites.toml")

    reply = server.visitor.post("/api/challenge?sitekey=shop&kind=text").json()
    refused = server.visitor.post("/api/challenge?sitekey=shop&kind=grid")

    assert reply["kinds"] == ["text", "work"]
    assert (refused.status_code, refused.json()) == (403, {"error": "Kind not allowed"})


def test_who_names_no_kind_is_answered_as_ever(server: Server) -> None:
    reply = server.visitor.post("/api/challenge?sitekey=dev-site").json()

    assert sorted(reply) == ["challenge", "expected", "images", "stage", "stages", "time"]


def test_auto_and_work_are_as_hard_as_the_policy_wants(make_server: MakeServer, tmp_path: Path) -> None:
    rule = "[[policy.rule]]\nscore = [0, 100]\nkind = 'work'\ndifficulty = 5\nunit = 'bits'\n"
    sites_file(tmp_path, policy='"soft"', kinds='["grid", "work"]', more=f"[[policy]]\nname = 'soft'\n{rule}")
    server = make_server(sites=tmp_path / "sites.toml")

    works = [
        server.visitor.post(f"/api/challenge?sitekey=shop&kind={kind}").json() for kind in ("auto", "work")
    ]

    assert [work["work"]["difficulty"] for work in works] == [5, 5]


def test_a_policy_may_ask_for_a_grid(make_server: MakeServer, tmp_path: Path) -> None:
    rule = "[[policy.rule]]\nscore = [0, 100]\nkind = 'grid'\nprofile = 'classic'\n"
    sites_file(tmp_path, policy='"seen"', more=f"[[policy]]\nname = 'seen'\n{rule}")
    server = make_server(sites=tmp_path / "sites.toml")

    assert server.visitor.post("/api/challenge?sitekey=shop&kind=auto").json()["stages"] == 20


def test_a_kind_that_is_not_there_is_refused(server: Server) -> None:
    reply = ask(server, "riddle")

    assert reply.status_code == 400
    assert reply.json() == {"error": f"kind must be one of {', '.join(KINDS)}, auto"}


def test_work_is_not_given_where_no_site_s_policy_says_how_hard(
    make_server: MakeServer, tmp_path: Path
) -> None:
    sites_file(tmp_path, hosts='["shop.example"]')
    server = make_server(sites=tmp_path / "sites.toml")

    reply = server.visitor.post("/api/challenge?kind=work", headers={"Origin": "https://elsewhere.example"})

    assert reply.status_code == 403


def test_text_of_a_run_can_be_heard_too(server: Server) -> None:
    token = ask(server, "text").json()["challenge"]

    assert server.visitor.get("/api/audio", params={"token": token}).headers["content-type"] == "audio/wav"


def test_a_grid_cannot_be_heard(server: Server) -> None:
    token = ask(server, "grid").json()["challenge"]

    assert server.visitor.get("/api/audio", params={"token": token}).status_code == 400


def sites_file(folder: Path, *, more: str = "", **options: str) -> None:
    lines = [f"{name} = {value}\n" for name, value in options.items()]
    head = f"[[site]]\nname = 'Shop'\nkey = 'shop'\nsecret_sha256 = '{'00' * 32}'\n"
    (folder / "sites.toml").write_text(head + "".join(lines) + more)
