"""ALTCHA's code challenge: a code to type besides a moment's work."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from captcha_stateless import sites
from captcha_stateless.errors import BadToken
from captcha_stateless.formats import altcha as forms
from captcha_stateless.protocols.altcha import LIGHT_BITS
from captcha_stateless.sites import DEVELOPMENT_SITES
from tests.conftest import MakeServer
from tests.protocols.altcha.conftest import BOTH, challenge, policed
from tests.support import Server
from tests.widgets import V1, V2, packed, solved_1, solved_2, unpacked, verify


@BOTH
def test_a_code_is_asked_besides_a_moment_s_work(server: Server, path: str) -> None:
    document = challenge(server, path, "apiKey=dev-site&kind=text")

    code = document["codeChallenge"]
    assert code["image"].startswith("data:image/png;base64,iVBOR")
    assert code["length"] == 6
    assert urlsplit(code["audio"]).path == "/api/audio"
    if path == V1:
        assert document["maxNumber"] == 2 ** (LIGHT_BITS + 1) - 1


def coded(server: Server, path: str) -> tuple[str, str, str]:
    """Have a code challenge: the payload, what its picture reads and what its sound says."""
    document = challenge(server, path, "apiKey=dev-site&kind=text")
    token = parse_qs(urlsplit(document["codeChallenge"]["audio"]).query)["token"][0]
    claims = server.engine.look(token, "altcha")
    solution = (solved_1 if path == V1 else solved_2)(document)
    return solution, str(server.engine.tell(claims)), "".join(server.engine.renderer.draw(claims).spoken)


@BOTH
@pytest.mark.parametrize("heard", [False, True])
def test_the_right_code_earns_a_pass_of_its_kind_once(server: Server, path: str, heard: bool) -> None:
    solution, seen, said = coded(server, path)

    replies = [verify(server, solution, path, code=said if heard else seen) for _ in range(2)]

    assert [reply["verified"] for reply in replies] == [True, False]
    data = parse_qs(unpacked(replies[0]["payload"])["verificationData"])
    assert data["kind"] == ["text"]


@BOTH
def test_a_wrong_code_spends_the_try(server: Server, path: str) -> None:
    solution, seen, _ = coded(server, path)

    replies = [verify(server, solution, path, code=code)["reason"] for code in ("wrong", seen)]

    assert replies == ["INVALID_SOLUTION", "PAYLOAD_ALREADY_USED"]


@BOTH
@pytest.mark.parametrize("code", [None, "", "  ", "x" * 65])
def test_no_code_or_one_that_nobody_types_spends_nothing(server: Server, path: str, code: str | None) -> None:
    solution, seen, _ = coded(server, path)

    assert not verify(server, solution, path, code=code).get("verified")
    assert verify(server, solution, path, code=seen)["verified"]


@BOTH
def test_the_moment_s_work_before_a_code_is_no_solution_offline(server: Server, path: str) -> None:
    """Back ends that verify solutions by themselves took it for the whole, though no code was typed."""
    solution, _, _ = coded(server, path)
    document = unpacked(solution)
    site = DEVELOPMENT_SITES.all[0]

    with pytest.raises(BadToken):
        forms.solution(forms.keys(server.engine.share_key, site.key, site.secret_sha256), packed(document))


@BOTH
def test_a_code_without_the_work_is_not_looked_at(server: Server, path: str) -> None:
    solution, seen, _ = coded(server, path)
    lazy = unpacked(solution)
    if path == V1:
        lazy["number"] += 1
    else:
        lazy["solution"]["counter"] += 1

    assert verify(server, packed(lazy), path, code=seen) == {"error": "the work is not done"}
    assert verify(server, solution, path, code=seen)["verified"]


@BOTH
def test_a_policy_may_ask_for_a_code(make_server: MakeServer, tmp_path: Path, path: str) -> None:
    server = make_server(sites=policed(tmp_path, 'kind = "text"'))

    assert "codeChallenge" in challenge(server, path)


@BOTH
def test_a_site_where_work_does_not_count_asks_for_a_code(
    make_server: MakeServer, tmp_path: Path, path: str
) -> None:
    sites.append(tmp_path / "s.toml", sites.make("Shop", "dev-site", "dev-secret", kinds=["text"]))
    server = make_server(sites=tmp_path / "s.toml")

    assert "codeChallenge" in challenge(server, path)


def test_without_recordings_there_is_no_sound_and_where_lengths_differ_none_is_named(
    make_server: MakeServer,
) -> None:
    mute = challenge(make_server(audio_languages=()), V2, "kind=text")["codeChallenge"]
    long = challenge(make_server(text_length=8), V2, "kind=text")["codeChallenge"]

    assert (mute.get("audio"), mute["length"]) == (None, 6)
    assert ("audio" in long, "length" in long) == (True, False)
