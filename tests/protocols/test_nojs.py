"""The page without scripts, used as a browser without scripts uses it: by its forms."""

import re
from collections.abc import Sequence
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from captcha_stateless.protocols import scripts
from captcha_stateless.protocols.nojs import NoJs
from captcha_stateless.sites import DEVELOPMENT
from captcha_stateless.sites.testkeys import DUMMY, FAILING_SITE, PASSING_SITE
from tests.conftest import MakeServer
from tests.protocols.contract import AdapterContract
from tests.support import Server

BACK = "https://shop.example/sign-up?step=2"


class TestAdapter(AdapterContract):
    adapter: ClassVar = NoJs
    paths: ClassVar[Sequence[str]] = ["/nojs", "/nojs.css", "/favicon.svg", "/widget/help"]
    probes: ClassVar[Sequence[tuple[str, str]]] = [("POST", "/nojs")]

    def is_worded(self, response: httpx.Response) -> bool:
        return scripts.words("en")["refused"] in response.text


class Form(HTMLParser):
    """The form of a page: where it goes, its hidden fields, its boxes and its buttons."""

    def __init__(self, page: httpx.Response) -> None:
        super().__init__()
        self.action, self.hidden, self.boxes, self.buttons = "", {}, [], []  # type: ignore[var-annotated]
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found["action"]
        elif found.get("type") == "hidden":
            self.hidden[found["name"]] = found["value"]
        elif found.get("type") == "checkbox":
            self.boxes.append(found["name"])
        elif tag == "button":
            self.buttons.append(found.get("value", ""))


def begin(server: Server, **query: str) -> httpx.Response:
    return server.visitor.get("/nojs", params={"sitekey": "dev-site", **query})


def press(server: Server, page: httpx.Response, do: str, **fields: str) -> httpx.Response:
    data = {**Form(page).hidden, "do": do, **fields}
    return server.visitor.post("/nojs", data=data, follow_redirects=True)


def right(server: Server, page: httpx.Response) -> dict[str, str]:
    answer: Any = server.answer(Form(page).hidden["token"], "nojs")
    if isinstance(answer, str):
        return {"answer": answer}
    return {f"tile{at}": "on" for at, chosen in enumerate(answer) if chosen}


def solve(server: Server, page: httpx.Response) -> httpx.Response:
    while "token" in Form(page).hidden:
        page = press(server, page, "check", **right(server, page))
    return page


def told_pass(page: httpx.Response) -> str:
    (token,) = re.findall(r"<textarea[^>]*>([^<]+)</textarea>", page.text)
    return str(token)


def shop(folder: Path, more: str = "") -> Path:
    path = folder / "sites.toml"
    path.write_text(
        f"[[site]]\nname = 'Shop'\nkey = 'shop'\nsecret_sha256 = '{'00' * 32}'\nhosts = ['shop.example']\n"
        f"returns = ['{BACK}']\n{more}"
    )
    return path


def test_a_grid_is_solved_and_the_pass_is_there_to_copy(server: Server) -> None:
    page = begin(server, action="login", cdata="cart 7")

    done = solve(server, page)

    shown = server.engine.passes.recognise(told_pass(done), DEVELOPMENT)
    assert (shown.kind, shown.action, shown.cdata) == ("grid", "login", "cart 7")


def test_the_page_has_nine_named_boxes_with_pictures_and_no_script(server: Server) -> None:
    page = begin(server)

    assert Form(page).boxes == [f"tile{at}" for at in range(9)]
    assert page.text.count("data:image/png;base64,") == 10
    assert 'aria-label="Image 9 of 9"' in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text


def test_its_policy_allows_its_own_style_pictures_sound_and_form_alone(server: Server) -> None:
    policy = begin(server).headers["content-security-policy"]

    assert policy == (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; media-src 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    )


def test_text_is_solved_and_can_be_heard(server: Server) -> None:
    page = begin(server, kind="text")
    (source,) = re.findall(r'<audio[^>]* src="([^"]+)"', page.text)

    sound = server.visitor.get(f"/{unescape(source)}")
    done = solve(server, page)

    assert sound.headers["content-type"] == "audio/wav"
    assert server.engine.passes.recognise(told_pass(done), DEVELOPMENT).kind == "text"


def test_a_wrong_answer_gets_another_challenge_and_the_old_token_is_spent(server: Server) -> None:
    page = begin(server)

    again = press(server, page, "check", tile0="on")
    spent = press(server, page, "check", **right(server, page))

    assert "Not right. Here is another one." in again.text
    assert Form(again).hidden["token"] != Form(page).hidden["token"]
    assert "This was already answered." in spent.text


def test_check_pressed_twice_is_check_pressed_once(server: Server) -> None:
    """It said that it did not work, and began anew."""
    page = begin(server)
    answer = right(server, page)
    once = press(server, page, "check", **answer)

    twice = press(server, page, "check", **answer)

    assert pictures(twice) == pictures(once)
    assert "<textarea" in solve(server, twice).text


def test_another_answer_after_the_first_says_so_and_goes_on(server: Server) -> None:
    page = begin(server)
    answer = right(server, page)
    press(server, page, "check", **answer)

    other = press(server, page, "check", **dict(list(answer.items())[1:]))

    assert "This was already answered. Here is another one." in other.text
    assert "<textarea" in solve(server, other).text


@pytest.mark.parametrize("kind", ["grid", "text"])
def test_check_with_nothing_chosen_asks_again_and_spends_nothing(server: Server, kind: str) -> None:
    page = begin(server, kind=kind)

    again = press(server, page, "check")

    assert "Nothing is chosen yet." in again.text
    assert pictures(again) == pictures(page)
    assert "<textarea" in solve(server, again).text


def test_nothing_can_be_right_in_the_profile_that_has_such_grids(make_server: MakeServer) -> None:
    server = make_server(profile="classic")

    reply = press(server, begin(server), "check")

    assert "Nothing is chosen yet." not in reply.text


def test_the_pass_is_still_there_when_its_page_is_loaded_again(server: Server) -> None:
    done = solve(server, begin(server))

    again = server.visitor.get(str(done.url))

    assert [step.status_code for step in done.history] == [303]
    assert told_pass(again) == told_pass(done)


def test_a_pass_that_has_expired_is_shown_no_more(server: Server) -> None:
    done = solve(server, begin(server))
    server.clock.pass_(301)

    again = server.visitor.get(str(done.url))

    assert "Time is up." in again.text
    assert len(Form(again).boxes) == 9


def test_what_is_no_pass_of_the_site_begins_anew(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(
        sites=shop(tmp_path, f"[[site]]\nname = 'B'\nkey = 'b'\nsecret_sha256 = '{'01' * 32}'\n")
    )
    done = solve(server, server.visitor.get("/nojs?sitekey=b"))

    for query in ({"sitekey": "shop", "return": BACK}, {"sitekey": "b", "pass": "made up"}):
        reply = server.visitor.get("/nojs", params={"pass": told_pass(done), **query})
        assert "captcha-response" not in reply.text
        assert len(Form(reply).boxes) == 9


@pytest.mark.parametrize("do", ["check", "more"])
def test_a_token_of_one_site_earns_nothing_for_another(
    make_server: MakeServer, tmp_path: Path, do: str
) -> None:
    """The pass of a shop's run was once posted to another tenant's return address, which the form's fields named."""
    evil = "https://evil.example/"
    other = f"[[site]]\nname = 'E'\nkey = 'evil'\nsecret_sha256 = '{'01' * 32}'\nreturns = ['{evil}']\n"
    server = make_server(sites=shop(tmp_path, other))
    page = server.visitor.get("/nojs", params={"sitekey": "shop", "return": BACK})
    theirs = {"sitekey": "evil", "return": evil}

    reply = press(server, page, do, **right(server, page), **theirs)

    claims = server.engine.look(Form(reply).hidden["token"], "nojs")
    assert (claims.site, claims.host, claims.stage) == ("evil", "evil.example", 0)
    assert "Round 2 of 2" in press(server, page, "check", **right(server, page)).text, "nothing was spent"


@pytest.mark.parametrize("changed", [{"action": "transfer"}, {"cdata": "cart 8"}])
def test_what_a_run_is_for_cannot_be_changed_on_the_way(server: Server, changed: dict[str, str]) -> None:
    page = begin(server, action="login", cdata="cart 7")

    reply = press(server, page, "check", **{**right(server, page), **changed})

    assert "That did not work." in reply.text


def test_an_expired_answer_is_told_and_gets_another_challenge(server: Server) -> None:
    page = begin(server)
    server.clock.pass_(121)

    again = press(server, page, "check", tile0="on")

    assert "Time is up." in again.text
    assert "<textarea" in solve(server, again).text


def test_more_time_shows_the_same_grid(server: Server) -> None:
    page = begin(server)
    server.clock.pass_(100)

    more = press(server, page, "more")
    server.clock.pass_(100)

    assert "You have 140 seconds for this." in more.text
    assert pictures(more) == pictures(page)
    assert "Round 2 of 2" in press(server, more, "check", **right(server, more)).text


def pictures(page: httpx.Response) -> list[str]:
    return re.findall(r"data:image/png;base64,[^\"]+", page.text)


def test_other_images_and_other_kinds_can_be_had(server: Server) -> None:
    page = begin(server)

    other, text = press(server, page, "other"), press(server, page, "text")
    back = press(server, text, "grid")

    assert pictures(other) != pictures(page)
    assert 'name="answer"' in text.text
    assert len(Form(back).boxes) == 9


def test_a_kind_that_does_not_count_is_refused(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(sites=shop(tmp_path, "kinds = ['text']\n"))

    default = server.visitor.get("/nojs?sitekey=shop")
    refused = server.visitor.get("/nojs?sitekey=shop&kind=grid")

    assert 'name="answer"' in default.text
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("query", "status"), [({"sitekey": "nobody"}, 403), ({"kind": "riddle"}, 400), ({"action": "ä"}, 400)]
)
def test_what_is_not_there_is_refused_in_words(server: Server, query: dict[str, str], status: int) -> None:
    reply = begin(server, **query)

    assert reply.status_code == status
    assert "This is not possible here." in reply.text


def test_a_malformed_answer_spends_nothing(server: Server) -> None:
    page = begin(server, kind="text")

    malformed = press(server, page, "check", answer="x" * 65)
    done = press(server, page, "check", **right(server, page))

    assert malformed.status_code == 400
    assert "<textarea" in done.text


def test_the_public_test_keys_pass_and_fail(make_server: MakeServer) -> None:
    server = make_server(test_keys=True)

    passing = server.visitor.get("/nojs", params={"sitekey": PASSING_SITE})
    failing = server.visitor.get("/nojs", params={"sitekey": FAILING_SITE})

    assert told_pass(passing) == DUMMY
    assert failing.status_code == 403


def test_a_charset_that_makes_unwritable_text_is_a_bad_request(server: Server) -> None:
    body = b'--B\r\nContent-Disposition: form-data; name="lang"\r\n\r\n\\ud800\r\n--B--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=B; charset=unicode_escape"}

    assert server.visitor.post("/nojs", content=body, headers=headers).status_code == 400
