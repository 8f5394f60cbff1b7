"""The composed server: its page, its manners, and what it says when something breaks."""

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from captcha_stateless import Settings, create_app
from captcha_stateless.app import _served
from captcha_stateless.errors import Misconfigured, Unavailable
from captcha_stateless.http.routing import Paths
from captcha_stateless.replay.factory import shared_folder
from captcha_stateless.replay.memory import MemoryReplay
from tests.conftest import MakeServer
from tests.support import NOW, Server, Visitor


def test_the_page_is_served_under_a_strict_policy(server: Server) -> None:
    page = server.visitor.get("/")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "<script" in page.text


@pytest.mark.parametrize("path", ["/page.css", "/page.js"])
def test_the_page_s_files_are_there(server: Server, path: str) -> None:
    assert server.visitor.get(path).status_code == 200


def test_the_page_names_no_third_party(server: Server) -> None:
    for path in ("/", "/page.css", "/page.js", "/widget.js", "/work.js"):
        text = server.visitor.get(path).text.replace(
            "http://www.w3.org/2000/svg", ""
        )  # a name, which nobody asks
        assert "//" not in text.replace("// ", "").replace("//\n", "")


def test_the_page_can_be_switched_off(make_server: MakeServer) -> None:
    assert make_server(page=False).visitor.get("/").status_code == 404


def test_an_unknown_path_is_404_in_json(server: Server) -> None:
    reply = server.visitor.get("/nowhere")

    assert (reply.status_code, reply.json()) == (404, {"error": "Not Found"})
    assert reply.headers["cache-control"] == "no-store"


def test_the_page_takes_get_and_head_only(server: Server) -> None:
    assert server.visitor.request("HEAD", "/").status_code == 200
    reply = server.visitor.post("/")
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD")


def test_a_fault_of_ours_is_a_mute_500(server: Server) -> None:
    server.engine._seal = None  # type: ignore[assignment]  # any fault will do
    transport = httpx.ASGITransport(app=server.app, raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://captcha.test") as client:
            return await client.post("/api/challenge")

    reply = anyio.run(ask)
    assert (reply.status_code, reply.json()) == (500, {"error": "Internal server error"})
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-request-id"]


def test_a_websocket_is_closed_on_a_path_of_ours_as_on_any_other(server: Server) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(dict(message))

    for path in ("/api/challenge", "/nowhere"):
        scope: dict[str, Any] = {"type": "websocket", "path": path, "headers": [], "query_string": b""}
        anyio.run(server.app, scope, receive, send)

    assert [message["type"] for message in sent] == ["websocket.close"] * 2


class Down(MemoryReplay):
    """A filter that can be taken down."""

    down = True

    async def spend(self, namespace: str, jti: bytes, **options: Any) -> int:
        if self.down:
            raise Unavailable("down", retry_after_seconds=3)
        return await super().spend(namespace, jti, **options)


def test_while_the_filter_is_down_an_answer_is_503_and_its_token_stays_unspent(server: Server) -> None:
    replay = Down(key=bytes(16), now=NOW, horizon_seconds=2_520, spends_per_second=10)
    visitor = Visitor(create_app(server.settings, replay=replay, clock=server.clock))
    token = visitor.post("/api/challenge").json()["challenge"]
    right = {"answer": server.answer(token, "onecaptcha")}

    refused = visitor.post("/api/challenge", headers={"X-Captcha-Challenge": token}, json=right)
    replay.down = False
    accepted = visitor.post("/api/challenge", headers={"X-Captcha-Challenge": token}, json=right)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "3")
    assert refused.json() == {"error": "Temporarily unavailable"}
    assert accepted.status_code == 200


def test_settings_come_from_the_environment_when_none_are_given(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CAPTCHA_KEYS", str(server.settings.keys))
    monkeypatch.setenv("CAPTCHA_PROFILE", "classic")
    monkeypatch.setenv("CAPTCHA_PROFIL", "x")

    app = create_app()

    assert Visitor(app).post("/api/challenge").json()["stages"] == 20
    assert "did you mean CAPTCHA_PROFILE?" in caplog.text


def test_without_keys_nothing_starts(
    make_server: MakeServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.raises(Misconfigured, match="keys init"):
        create_app(Settings(keys=tmp_path_factory.mktemp("empty") / "none.json"))


@pytest.mark.parametrize(
    "rule", ['kind = "riddle"', 'kind = "work"\ndifficulty = 41', 'kind = "grid"\nprofile = "other"']
)
def test_a_policy_that_asks_for_what_no_kind_draws_is_refused_at_start(
    make_server: MakeServer, tmp_path: Path, rule: str
) -> None:
    path = tmp_path / "sites.toml"
    path.write_text(f'[[policy]]\nname = "shop"\n[[policy.rule]]\nscore = [0, 100]\n{rule}\n')

    with pytest.raises(Misconfigured, match="policy shop"):
        make_server(sites=path)


def test_a_default_policy_that_is_not_there_is_refused_at_start(make_server: MakeServer) -> None:
    with pytest.raises(Misconfigured, match="CAPTCHA_POLICY"):
        make_server(policy="other")


def test_the_shared_filter_s_folder_never_changes_its_name() -> None:
    """Under another name, workers after an update would honour what those before it have spent."""
    assert shared_folder(b"k" * 32).name == f"captcha-stateless-{os.getuid()}-5efe51f6b96e"


def test_no_answer_sends_a_client_elsewhere_for_a_slash(server: Server) -> None:
    """A redirect was made of the request's own scheme: behind TLS, a secret followed it in clear."""
    paths = {path for paths in server.app.routes if isinstance(paths, Paths) for path in paths.by_path}
    slashed = sorted((path.rstrip("/") if path.endswith("/") else f"{path}/") for path in paths - {"/"})

    replies = {path: server.visitor.post(path, content=b"secret=s").status_code for path in slashed}

    assert "/siteverify/" in replies
    assert replies["/siteverify/"] == 404
    assert [path for path, status in replies.items() if 300 <= status < 400] == []


SHOP = f'[[site]]\nname = "Shop"\nkey = "shop"\nsecret_sha256 = "{"00" * 32}"\n'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('hosts = ["https://shop.example"]', "write shop.example"),
        ('hosts = ["bücher.example"]', "write xn--bcher-kva.example"),
        ('kinds = ["tetx"]', "no kind tetx"),
    ],
)
def test_what_can_never_match_is_told_on_reload_and_the_old_stays(
    make_server: MakeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, line: str, told: str
) -> None:
    """The file is edited by hand while the server runs."""
    path = tmp_path / "sites.toml"
    path.write_text(SHOP)
    server = make_server(sites=path)
    served = _served(server.settings, server.engine)
    assert served is not None
    path.write_text(SHOP + line + "\n", "utf-8")

    served.reload()

    assert served.value.find("shop").hosts == ()
    assert told in caplog.text
    assert "the old one stays in force" in caplog.text
