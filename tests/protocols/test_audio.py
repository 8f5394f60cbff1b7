"""Audio over HTTP: any text challenge, in any language there is, whole or in parts."""

import io
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captcha_stateless.protocols.audio import Audio, preferred
from tests.conftest import MakeServer
from tests.protocols.contract import HEADER_VALUES, AdapterContract
from tests.sound.test_voices import folder_of
from tests.support import Server, solved

PATH = "/api/audio"


def issue(server: Server, purpose: str = "minicap") -> str:
    return server.engine.issue(purpose, "text").token


def listen(server: Server, token: str, headers: dict[str, str] | None = None, **query: str) -> httpx.Response:
    return server.visitor.get(PATH, params={"token": token, **query}, headers=headers)


class TestAdapter(AdapterContract):
    adapter: ClassVar = Audio
    paths: ClassVar[Sequence[str]] = [PATH, f"{PATH}/languages"]

    def is_worded(self, response: httpx.Response) -> bool:
        return list(response.json()) == ["error"]

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(lang=st.text(max_size=40), header=HEADER_VALUES)
    def test_no_language_and_no_header_crashes_it(self, shared: Server, lang: str, header: str) -> None:
        value = header.encode("latin-1")
        headers = dict.fromkeys(("Range", "Accept-Language", "If-None-Match", "If-Range"), value)
        query = {"token": issue(shared), **({"lang": lang} if len(lang) % 2 else {})}

        reply = shared.visitor.get(PATH, params=query, headers=headers)

        assert reply.status_code < 500


@pytest.mark.parametrize("purpose", ["minicap", "relaysms", "tornevall"])
def test_a_text_challenge_of_any_protocol_can_be_heard(server: Server, purpose: str) -> None:
    reply = listen(server, issue(server, purpose))

    assert (reply.status_code, reply.headers["content-type"]) == (200, "audio/wav")
    with wave.open(io.BytesIO(reply.content)) as file:
        assert file.getnframes() > 5 * file.getframerate()


def test_hearing_spends_nothing_and_sounds_the_same_again(server: Server) -> None:
    token = issue(server)

    assert listen(server, token).content == listen(server, token).content


def test_another_replica_says_the_same(make_server: MakeServer) -> None:
    one, other = make_server(entropy="one"), make_server(entropy="two")
    token = issue(one)

    assert listen(one, token).content == listen(other, token).content


@pytest.mark.parametrize("token", ["", "x", "é", "x" * 5_000, "a.b.c.d.e"])
def test_what_is_no_token_is_not_found(server: Server, token: str) -> None:
    reply = listen(server, token)

    assert (reply.status_code, reply.json()) == (404, {"error": "No such challenge"})


def test_a_grid_cannot_be_heard(server: Server) -> None:
    reply = listen(server, server.engine.issue("onecaptcha", "grid").token)

    assert reply.status_code == 400
    assert list(reply.json()) == ["error"]


def test_a_text_of_the_widget_s_can_be_heard(server: Server) -> None:
    assert listen(server, issue(server, "onecaptcha")).status_code == 200


def test_a_verification_token_is_not_found(server: Server) -> None:
    proof = server.engine.attest(solved(server.engine.issue("relaysms", "text").claims), "relaysms-verified")

    assert listen(server, proof.token).status_code == 404


def test_after_its_deadline_a_challenge_is_not_heard(server: Server) -> None:
    token = issue(server)
    server.clock.pass_(300)

    assert listen(server, token).json() == {"error": "Challenge expired"}


def test_it_may_be_cached_by_the_listener_for_what_is_left(server: Server) -> None:
    token = issue(server)
    server.clock.pass_(100)

    assert listen(server, token).headers["cache-control"] == "private, max-age=200"


def test_what_is_known_is_304(server: Server) -> None:
    token = issue(server)
    etag = listen(server, token).headers["etag"]

    assert listen(server, token, {"If-None-Match": f'"x", W/{etag}'}).status_code == 304
    assert listen(server, token, {"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-", 0, None), ("bytes=0-43", 0, 44), ("bytes=44-99", 44, 100), ("bytes=-100", -100, None)],
)
def test_a_range_is_served(server: Server, asked: str, start: int, stop: int | None) -> None:
    token = issue(server)
    whole = listen(server, token)

    reply = listen(server, token, {"Range": asked})

    size, first = len(whole.content), start % len(whole.content)
    assert whole.headers["accept-ranges"] == "bytes"
    assert (reply.status_code, reply.content) == (206, whole.content[start:stop])
    assert reply.headers["content-range"] == f"bytes {first}-{first + len(reply.content) - 1}/{size}"


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=-0", "bytes=5-4"])
def test_a_range_outside_is_416(server: Server, asked: str) -> None:
    reply = listen(server, issue(server), {"Range": asked})

    assert (reply.status_code, reply.headers["content-range"].startswith("bytes */")) == (416, True)


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "bytes=", "bytes=a-b", "lines=0-1", "bytes=-", "x" * 5_000]
)
def test_what_is_no_single_range_is_answered_whole(server: Server, asked: str) -> None:
    assert listen(server, issue(server), {"Range": asked}).status_code == 200


def test_a_range_of_an_older_version_is_answered_whole(server: Server) -> None:
    token = issue(server)
    etag = listen(server, token).headers["etag"]

    assert listen(server, token, {"Range": "bytes=0-1", "If-Range": etag}).status_code == 206
    assert listen(server, token, {"Range": "bytes=0-1", "If-Range": '"other"'}).status_code == 200


def test_it_can_be_downloaded(server: Server) -> None:
    token = issue(server)

    inline, kept = listen(server, token), listen(server, token, download="")

    assert inline.headers["content-disposition"] == 'inline; filename="captcha.wav"'
    assert kept.headers["content-disposition"] == 'attachment; filename="captcha.wav"'


def test_the_language_is_the_listeners_choice(make_server: MakeServer, tmp_path: Path) -> None:
    folder_of(tmp_path, "fr")
    server = make_server(audio_languages=("en", "fr"), audio_recordings=tmp_path)
    token = issue(server)

    english, french = listen(server, token, lang="en"), listen(server, token, lang="FR")
    by_browser = listen(server, token, {"Accept-Language": "fr-CA,fr;q=0.8,en;q=0.5"})

    assert english.content != french.content
    assert by_browser.content == french.content
    assert by_browser.headers["vary"].startswith("Accept-Language")
    assert listen(server, token).content == english.content
    for language in ("fr", "fr-CA"):
        assert listen(server, token, language=language).content == french.content
    assert listen(server, token, language="xx").content == english.content


def test_another_language_is_told(server: Server) -> None:
    reply = listen(server, issue(server), lang="xx")

    assert (reply.status_code, reply.json()) == (400, {"error": "lang must be one of en"})


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("fr", "fr"),
        ("de-AT, fr", "fr"),
        ("pt-BR", "pt-br"),
        ("pt", "en"),
        (",;q", "en"),
    ],
)
def test_the_browsers_first_language_that_is_spoken_is_chosen(header: str, language: str) -> None:
    assert preferred(header, ("en", "fr", "pt-br")) == language


def test_the_languages_are_told(server: Server) -> None:
    assert server.visitor.get(f"{PATH}/languages").json() == {"languages": ["en"]}


def test_without_recordings_there_is_nothing_to_hear_and_no_second_answer(make_server: MakeServer) -> None:
    server = make_server(audio_languages=())
    sealed = server.engine.issue("minicap", "text")

    reply = listen(server, sealed.token)

    assert server.visitor.get(f"{PATH}/languages").json() == {"languages": []}
    assert (reply.status_code, reply.json()) == (400, {"error": "this challenge cannot be heard"})
    assert len(sealed.claims.digests) == 1
