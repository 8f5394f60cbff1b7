"""The playground's own paths: what they tell, and whom they tell nothing."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from PIL import Image

from captcha_stateless.protocols.demo import FILES, SAMPLES, SHEETS, Demo
from tests.conftest import MakeServer
from tests.protocols.contract import AdapterContract
from tests.support import Server

PATHS = [*FILES, "/demo/config.json", "/demo/samples/{name}.png", "/demo/inspect"]


class TestAdapter(AdapterContract):
    adapter: ClassVar = Demo
    paths: ClassVar[Sequence[str]] = PATHS
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", "/demo/inspect")]

    def is_worded(self, response: httpx.Response) -> bool:
        return list(response.json()) == ["error"]


@pytest.mark.parametrize("option", ["production", "page", "sites"])
def test_it_is_off_in_production_and_where_there_are_sites(
    make_server: MakeServer, tmp_path: Path, option: str
) -> None:
    path = tmp_path / "sites.toml"
    path.write_text(f"[[site]]\nname = 'Shop'\nkey = 'shop'\nsecret_sha256 = '{'00' * 32}'\n")
    server = make_server(**{option: {"production": True, "page": False, "sites": path}[option]})

    assert server.visitor.get("/demo").status_code == 404
    assert "/demo" not in server.visitor.get("/openapi.json").json()["paths"]


def test_its_policy_lets_in_the_other_replica_and_nothing_else(make_server: MakeServer) -> None:
    alone, paired = make_server(), make_server(demo_replica="http://127.0.0.1:8001")

    policies = [server.visitor.get("/demo").headers["content-security-policy"] for server in (alone, paired)]

    assert "connect-src 'self';" in policies[0]
    assert "connect-src 'self' http://127.0.0.1:8001;" in policies[1]
    assert all(
        policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';") for policy in policies
    )


def test_the_page_is_told_whose_site_it_tries(server: Server) -> None:
    told = server.visitor.get("/demo/config.json").json()

    assert (told["sitekey"], told["secret"], told["replica"]) == ("dev-site", "dev-secret", "")


@pytest.mark.parametrize("name", list(SAMPLES))
def test_a_sample_is_a_sheet(server: Server, name: str) -> None:
    reply = server.visitor.get(f"/demo/samples/{name}.png")

    assert Image.open(BytesIO(reply.content)).format == "PNG"


def test_a_sheet_is_drawn_once_and_there_are_few(server: Server) -> None:
    """Each request once drew challenges of its own, for a third of a second."""
    paths = [f"/demo/samples/text.png?sheet={at % SHEETS}" for at in range(3 * SHEETS)]

    sheets = [server.visitor.get(path).content for path in paths]

    assert len(set(sheets)) == SHEETS
    assert sheets[:SHEETS] == sheets[-SHEETS:]


@pytest.mark.parametrize("path", ["none.png", "grid.png?sheet=4", "grid.png?sheet=-1", "grid.png?sheet="])
def test_another_sample_is_refused(server: Server, path: str) -> None:
    assert server.visitor.get(f"/demo/samples/{path}").status_code == 400


def test_a_token_is_looked_into_but_neither_its_seed_nor_its_answer_is_told(server: Server) -> None:
    token = server.visitor.post("/api/challenge?sitekey=dev-site&action=login").json()["challenge"]
    claims = server.engine.look(token, "onecaptcha")

    reply = server.visitor.post("/demo/inspect", json={"token": token})

    told = reply.json()
    assert (told["purpose"], told["kind"], told["action"], told["digests"]) == (
        "onecaptcha",
        "grid",
        "login",
        1,
    )
    assert claims.seed.hex() not in reply.text
    assert claims.digests[0].hex() not in reply.text


@pytest.mark.parametrize("token", ["", "x.y.z", "eyJ0eXAiOjF9....", "a" * 5_000])
def test_what_is_no_token_is_refused(server: Server, token: str) -> None:
    reply = server.visitor.post("/demo/inspect", json={"token": token})

    assert (reply.status_code, reply.json()) == (400, {"error": "Not a token of this server"})
