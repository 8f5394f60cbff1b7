"""Devices: whoever brings the token that was asked for has solved the challenge, once; everybody else goes on as ever."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from captcha_stateless import create_app, sites
from captcha_stateless.devices import WINDOW_SECONDS, WINDOWS, Devices
from captcha_stateless.errors import BadToken
from captcha_stateless.sites import Site
from captcha_stateless.tokens.privatetokens import challenge
from tests.conftest import MakeServer
from tests.devices.issuing import HOST, brought, entry, offers, pin, serve, signed
from tests.protocols.test_onecaptcha import answer
from tests.support import NOW, Server, Visitor

ASK = "/api/challenge?device=ask"
LIFE_SECONDS = WINDOWS * WINDOW_SECONDS
THERE = "198.51.100.7"


def ask(server: Server, path: str = ASK, **headers: str) -> httpx.Response:
    return server.visitor.post(path, headers=headers)


def bring(server: Server, headers: dict[str, str], path: str = ASK, **more: str) -> httpx.Response:
    return server.visitor.post(path, headers={**headers, **more})


def earned(server: Server, reply: httpx.Response) -> bool:
    """Tell whether a reply is the end of a run, whose pass siteverify takes."""
    if reply.status_code != 200 or not reply.json().get("done"):
        return False
    data = {"secret": "dev-secret", "response": reply.json()["flag"]}
    return bool(server.visitor.post("/siteverify", data=data).json()["success"])


@pytest.fixture
def served(make_server: MakeServer, tmp_path: Path) -> Server:
    return serve(make_server, tmp_path, names=("dev", "other"))


def test_who_says_nothing_of_devices_is_answered_as_ever_and_asked_besides(served: Server) -> None:
    reply = ask(served, "/api/challenge")

    assert (reply.status_code, len(reply.json()["images"]), len(offers(reply))) == (200, 9, 1)


def test_who_can_take_it_is_told_401_with_the_same_challenge(served: Server) -> None:
    reply = ask(served)
    stage = reply.json()

    assert (reply.status_code, len(stage["images"]), len(offers(reply))) == (401, 9, 1)
    right = {"answer": served.answer(stage["challenge"], "onecaptcha")}
    assert answer(served, stage["challenge"], right).json()["stage"] == 1


def test_the_challenge_names_issuer_and_host_and_a_context(served: Server) -> None:
    ((asked, _),) = offers(ask(served))

    assert asked == challenge("issuer.example", asked[19:51], HOST)
    assert len(set(asked[19:51])) > 8


def test_the_same_request_with_the_token_ends_the_run(served: Server) -> None:
    reply = bring(served, brought(ask(served)))

    assert reply.json().keys() == {"done", "flag"}
    assert "www-authenticate" not in reply.headers
    shown = served.engine.passes.recognise(reply.json()["flag"], sites.load(served.settings.sites).all[0])  # type: ignore[arg-type]
    assert (shown.kind, shown.site, shown.score) == ("device", "dev-site", 0.7)
    assert earned(served, reply)


def test_the_pass_is_bound_to_what_the_request_says(served: Server) -> None:
    path = f"{ASK}&action=login&cdata=7"
    flag = bring(served, brought(ask(served, path)), path, origin=f"https://{HOST}").json()["flag"]

    told = served.visitor.post("/siteverify", data={"secret": "dev-secret", "response": flag}).json()

    assert (told["action"], told["cdata"], told["hostname"]) == ("login", "7", HOST)


def test_a_token_counts_once_and_then_everybody_s_challenge_is_shown(served: Server) -> None:
    token = brought(ask(served))
    bring(served, token)

    reply = bring(served, token)

    assert (reply.status_code, len(reply.json()["images"])) == (200, 9)
    assert "www-authenticate" not in reply.headers


def test_asked_at_one_replica_and_counted_once_by_all(make_server: MakeServer, tmp_path: Path) -> None:
    one, other = (serve(make_server, tmp_path, entropy=name) for name in ("a", "b"))
    token = brought(ask(one))

    assert [earned(server, bring(server, token)) for server in (other, one)] == [True, False]


def test_a_token_with_another_nonce_is_another_token(served: Server) -> None:
    reply = ask(served)

    assert [earned(served, bring(served, brought(reply, nonce=n * 32))) for n in (b"a", b"b")] == [True, True]


@pytest.mark.parametrize("seconds", [0, LIFE_SECONDS - 1 - NOW % WINDOW_SECONDS])
def test_what_was_asked_is_good_for_some_minutes(served: Server, seconds: int) -> None:
    token = brought(ask(served))
    served.clock.pass_(seconds)

    assert earned(served, bring(served, token))


def test_and_no_longer(served: Server) -> None:
    token = brought(ask(served))
    served.clock.pass_(LIFE_SECONDS - NOW % WINDOW_SECONDS)

    assert not earned(served, bring(served, token))


def test_what_a_filter_may_have_forgotten_counts_nothing(make_server: MakeServer, tmp_path: Path) -> None:
    """Of a window that was open when the filter began it cannot know what was spent."""
    served = serve(make_server, tmp_path, replay="memory")
    token = brought(ask(served))
    later = serve(make_server, tmp_path, replay="memory")
    later.clock.pass_(1)

    assert earned(served, bring(served, token))
    forgetful = create_app(later.settings, clock=later.clock)
    reply = Visitor(forgetful).post(ASK, headers=token)

    assert (reply.status_code, reply.json().get("done")) == (200, None)


def test_a_token_for_one_host_is_none_for_another(served: Server, tmp_path: Path) -> None:
    sites_file = tmp_path / "sites.toml"
    text = sites_file.read_text(encoding="utf-8").replace(f'["{HOST}"]', f'["{HOST}", "www.test"]')
    sites_file.write_text(text, encoding="utf-8")
    served = Server(tmp_path, sites=sites_file, device_issuers=tmp_path / "issuers.json")
    token = brought(ask(served))

    assert not earned(served, bring(served, token, host="www.test"))
    assert earned(served, bring(served, token))


def test_under_a_stranger_s_name_the_server_s_own_is_asked_for(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """So it is where a proxy hands on another Host than the visitor's."""
    served = serve(make_server, tmp_path, public_url="https://captcha.example")
    reply = ask(served, host="10.0.0.1:8000")

    assert offers(reply)[0][0].endswith(b"\x00\x0fcaptcha.example")
    assert earned(served, bring(served, brought(reply), host="10.0.0.1:8000"))
    assert offers(ask(served))[0][0].endswith(b"\x00\x0c" + HOST.encode())


@pytest.mark.parametrize("case", ["another site", "another network", "another host", "another issuer's key"])
def test_a_token_for_something_else_counts_nothing(served: Server, case: str) -> None:
    reply = ask(served)
    token, path, more = brought(reply), ASK, {}
    if case == "another site":
        path = f"{ASK}&sitekey=other-site"
    elif case == "another network":
        served.visitor.address = THERE
    elif case == "another host":
        more = {"host": "elsewhere.test"}
    else:
        token = brought(reply, "stranger")

    assert bring(served, token, path, **more).json().get("done") is None
    if case != "another issuer's key":
        served.visitor.address = "127.0.0.1"
        assert earned(served, bring(served, token))


def test_a_stranger_s_host_is_never_asked_for(served: Server) -> None:
    """Whoever runs another site could have its visitors' devices make tokens for ours."""
    reply = ask(served, host="evil.example")

    assert (reply.status_code, offers(reply)) == (200, [])


@pytest.mark.parametrize(
    "token",
    [
        signed(challenge("issuer.example", b"c" * 32, HOST), "issuer"),
        signed(challenge("issuer.example", b"", HOST), "issuer"),
        signed(challenge("issuer.example", b"", ""), "issuer"),
        "PrivateToken token=x",
        "PrivateToken ",
    ],
    ids=["another context", "no context", "no context and no host", "no token", "nothing"],
)
def test_a_token_that_answers_nothing_of_ours_counts_nothing(served: Server, token: str) -> None:
    reply = bring(served, {"Authorization": token})

    assert (reply.status_code, len(reply.json()["images"])) == (200, 9)


def test_a_token_of_another_type_counts_nothing(served: Server) -> None:
    ((asked, _),) = offers(ask(served))

    assert not earned(served, bring(served, {"Authorization": signed(asked, "issuer", kind=b"\0\1")}))


def test_another_scheme_s_credentials_are_none_of_ours(served: Server) -> None:
    assert ask(served, authorization="Basic eDp5").status_code == 401


def test_keys_count_in_their_time_and_the_first_of_them_is_asked_for(
    make_server: MakeServer, tmp_path: Path
) -> None:
    served = serve(make_server, tmp_path)
    old, new = brought(ask(served)), [entry("new", NOW + 60), entry("issuer", 0)]
    pin(tmp_path / "issuers.json", "issuer", issuer=new)
    served = serve(make_server, tmp_path)

    early = brought(ask(served), "new", b"e" * 32)
    assert not earned(served, bring(served, early))
    served.clock.pass_(60)
    assert earned(served, bring(served, early))
    assert offers(ask(served))[0][1] != offers(ask(serve(make_server, tmp_path)))[0][1]
    assert earned(served, bring(served, old))


def test_a_key_that_is_gone_from_the_file_counts_no_more(make_server: MakeServer, tmp_path: Path) -> None:
    token = brought(ask(serve(make_server, tmp_path)))
    pin(tmp_path / "issuers.json", "issuer", issuer=[entry("new")])
    served = serve(make_server, tmp_path)

    assert not earned(served, bring(served, token))


def test_each_issuer_is_offered_and_its_own_key_verifies(make_server: MakeServer, tmp_path: Path) -> None:
    serve(make_server, tmp_path)
    pin(tmp_path / "issuers.json", "issuer", "second", "empty", empty=[])
    served = serve(make_server, tmp_path)
    first, second = (asked for asked, _ in offers(ask(served)))

    assert earned(served, bring(served, {"Authorization": signed(second, "second")}))
    assert not earned(served, bring(served, {"Authorization": signed(second, "issuer")}))
    assert not earned(served, bring(served, {"Authorization": signed(first, "second")}))
    assert earned(served, bring(served, {"Authorization": signed(first, "issuer", b"f" * 32)}))


@pytest.mark.parametrize("kinds", [("grid",), ("grid", "text", "audio", "work")])
def test_where_devices_do_not_count_nobody_is_asked(
    make_server: MakeServer, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    counting = serve(make_server, tmp_path)
    token = brought(ask(counting))
    (tmp_path / "sites.toml").unlink()
    served = serve(make_server, tmp_path, kinds=kinds)

    assert (ask(served).status_code, offers(ask(served))) == (200, [])
    assert not earned(served, bring(served, token))


def test_where_no_issuer_is_pinned_nobody_is_asked(make_server: MakeServer, tmp_path: Path) -> None:
    served = serve(make_server, tmp_path, device_issuers=None)

    assert (ask(served).status_code, offers(ask(served))) == (200, [])


def test_a_run_of_no_site_asks_nobody(make_server: MakeServer, tmp_path: Path) -> None:
    served = serve(make_server, tmp_path)

    assert ask(served, origin="https://unknown.example").status_code == 200


def test_device_is_asked_for_in_one_way(served: Server) -> None:
    reply = ask(served, "/api/challenge?device=yes")

    assert (reply.status_code, reply.json()) == (400, {"error": "device must be ask"})


def test_whoever_must_work_first_is_asked_with_it(make_server: MakeServer, tmp_path: Path) -> None:
    options: dict[str, Any] = {"policy": "strict", "work_first": "all"}
    served = serve(make_server, tmp_path, **options)
    reply = ask(served, f"{ASK}&kind=grid")

    assert (reply.status_code, reply.json()["first"], len(offers(reply))) == (401, True, 1)
    assert earned(served, bring(served, brought(reply), f"{ASK}&kind=grid"))


def test_nobody_is_asked_by_what_was_made_for_tools() -> None:
    site = Site(name="s", key="s", secret_sha256=b"", hosts=(HOST,), kinds=("grid", "device"))

    assert Devices().ask(site, b"", HOST) == ""
    with pytest.raises(BadToken):
        Devices().recognise("", site, b"", HOST)


def test_a_site_without_hosts_is_asked_for_under_the_server_s_own_name_only() -> None:
    site = Site(name="s", key="s", secret_sha256=b"", kinds=("grid", "device"))

    assert Devices(host="captcha.example")._named(site, "shop.example") == "captcha.example"
    assert Devices()._named(site, "shop.example") == ""
