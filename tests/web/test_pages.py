"""The pages that we serve ourselves, in a real browser: the playground, the page to try it, and the page without scripts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from tests.live import live_server
from tests.web.conftest import Visit

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Locator, Page


@pytest.fixture
def demo(visit: Visit) -> "Page":
    visit.page.goto(f"{visit.url}/demo")
    visit.page.wait_for_selector("body[data-ready]")
    return visit.page


def step(page: "Page", protocol: str, title: str) -> "Locator":
    block = page.locator("details").filter(has=page.locator("summary", has_text=protocol))
    if block.get_attribute("open") is None:
        block.locator("summary").click()
    return block.locator("fieldset").filter(has=page.locator("legend", has_text=title)).locator("form")


def send(page: "Page", protocol: str, title: str, **fields: str) -> str:
    """Fill a step in and send it; return what is shown of the answer."""
    form = step(page, protocol, title)
    for name, value in fields.items():
        form.locator(f"input[name={name}]").fill(value)
    form.locator("pre").last.evaluate("pre => { pre.textContent = ''; }")
    form.get_by_role("button", name="Send").click()
    page.wait_for_function(
        "form => !form.ariaBusy && form.querySelector('pre:last-child').textContent",
        arg=form.element_handle(),
    )
    return form.locator("pre").last.inner_text()


def field(page: "Page", protocol: str, title: str, name: str) -> str:
    return step(page, protocol, title).locator(f"input[name={name}]").input_value()


def told(visit: Visit, token: str, purpose: str) -> Any:
    return visit.engine.tell(visit.engine.look(token, purpose))


def test_the_playground_speaks_1captcha_and_siteverify(visit: Visit, demo: "Page") -> None:
    send(demo, "1Captcha", "Begin")
    for _ in range(2):
        answer = told(visit, field(demo, "1Captcha", "Answer", "challenge"), "onecaptcha")
        tiles = " ".join(str(at + 1) for at, right in enumerate(answer) if right)
        reply = send(demo, "1Captcha", "Answer", tiles=tiles)

    verified = [send(demo, "siteverify", "hCaptcha") for _ in range(2)]

    assert '"done": true' in reply
    assert ['"success": true' in text for text in verified] == [True, False]


def test_the_playground_speaks_minicap(visit: Visit, demo: "Page") -> None:
    send(demo, "miniCAP", "Generate")
    answer = told(visit, field(demo, "miniCAP", "Validate", "id"), "minicap")

    assert "validated successfully" in send(demo, "miniCAP", "Validate", text=answer)


def test_the_playground_speaks_altcha(visit: Visit, demo: "Page") -> None:
    for title in ("Challenge for widgets 1 and 2", "Challenge for widget 3"):
        send(demo, "ALTCHA", title)
        verified = [send(demo, "ALTCHA", "Verify") for _ in range(2)]
        judged = [send(demo, "ALTCHA", "Signature") for _ in range(2)]

        assert ['"verified": true' in text for text in (*verified, *judged)] == [True, False, True, False]


def test_the_playground_speaks_altcha_with_a_code(visit: Visit, demo: "Page") -> None:
    with visit.page.expect_response("**/challenge?*") as told:
        send(demo, "ALTCHA", "Challenge with a code")
    audio = told.value.json()["codeChallenge"]["audio"]
    code = visit.engine.tell(visit.engine.hear(parse_qs(audio.partition("?")[2])["token"][0]))

    assert '"verified": true' in send(demo, "ALTCHA", "Verify", code=str(code))


def test_the_playground_speaks_cap_and_the_dialects(visit: Visit, demo: "Page") -> None:
    for protocol, title in (
        ("Cap, hashes", "siteverify"),
        ("Friendly Captcha and", "Friendly"),
        ("Friendly Captcha and", "Private"),
    ):
        send(demo, "Cap, hashes", "Challenge")
        assert '"success": true' in send(demo, "Cap, hashes", "Redeem")
        judged = [send(demo, protocol, title) for _ in range(2)]
        assert ['"success": true' in text for text in judged] == [True, False]


def test_the_playground_speaks_relaysms(visit: Visit, demo: "Page") -> None:
    send(demo, "RelaySMS", "New")
    answer = told(visit, field(demo, "RelaySMS", "Solve", "challenge_id"), "relaysms")
    send(demo, "RelaySMS", "Solve", answer=answer)

    assert "verified successfully" in send(demo, "RelaySMS", "Verify")


def test_the_playground_speaks_restcaptcha(demo: "Page") -> None:
    begun = send(demo, "RESTCaptcha", "Challenge")
    demo.wait_for_timeout(2_100)  # a token that is verified sooner is invalid, by that protocol's rule

    assert "solution found" in begun
    assert '"status": "success"' in send(demo, "RESTCaptcha", "Verify")


def test_the_playground_speaks_tornevall(visit: Visit, demo: "Page") -> None:
    send(demo, "Tornevall", "getCaptcha")
    image = send(demo, "Tornevall", "getImage")
    answer = told(visit, field(demo, "Tornevall", "testCaptcha", "hash"), "tornevall")

    assert image == "HTTP 200 image/png"
    assert '"testCaptchaResponse": "1"' in send(demo, "Tornevall", "testCaptcha", response=answer)


def test_the_playground_speaks_text_and_lets_it_be_heard(visit: Visit, demo: "Page") -> None:
    assert '"first": true' in send(demo, "Text or sound", "Begin (and work)")
    assert '"image"' in send(demo, "Text or sound", "Picture")
    sound = send(demo, "Text or sound", "Listen")
    answer = told(visit, field(demo, "Text or sound", "Answer", "challenge"), "onecaptcha")

    assert sound == "HTTP 200 audio/wav"
    assert '"done": true' in send(demo, "Text or sound", "Answer", answer=answer)


def test_the_request_beside_a_form_is_the_one_that_is_sent(demo: "Page") -> None:
    form = step(demo, "RelaySMS", "Verify")
    form.locator("input[name=token]").fill("it's")

    shown = form.locator("pre").first.inner_text()

    assert "/v1/verify" in shown
    assert """-d '{"client_secret":"dev-secret","token":"it'\\''s"}'""" in shown


def test_the_request_is_copied(visit: Visit, demo: "Page") -> None:
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    form = step(demo, "1Captcha", "Begin")

    demo.evaluate("() => navigator.clipboard.writeText('')")
    form.get_by_role("button", name="Copy").click()
    demo.wait_for_function("() => navigator.clipboard.readText()")

    copied = demo.evaluate("() => navigator.clipboard.readText()")
    assert copied == form.locator("pre").first.inner_text()
    assert copied.startswith("curl")


def test_switches_change_the_snippet_and_the_widget(demo: "Page") -> None:
    demo.locator("select[name=kind]").select_option("work")
    demo.locator("select[name=theme]").select_option("dark")
    demo.locator("input[name=required]").check()

    snippet = demo.locator("#snippet").inner_text()
    demo.locator("captcha-stateless button.trigger").click()
    demo.get_by_text("verified {").wait_for()
    demo.locator("#try button", has_text="Send").click()

    assert 'kind="work" theme="dark" required>' in snippet
    assert "widget.js" in snippet
    assert '"captcha-response"' in demo.locator("#events").inner_text()


@pytest.mark.parametrize(("width", "height"), [(320, 640), (1280, 800)])
def test_the_preview_comes_first_and_stays_in_sight(demo: "Page", width: int, height: int) -> None:
    demo.set_viewport_size({"width": width, "height": height})
    widget, switch = demo.locator("captcha-stateless"), demo.locator("select[name=fields]")
    first = demo.locator("#widget form").first.get_attribute("id")

    switch.evaluate("select => select.scrollIntoView({ block: 'end' })")

    shown, chosen = widget.bounding_box(), switch.bounding_box()
    assert first == "try"
    assert shown and chosen and 0 <= shown["y"] <= height - shown["height"]
    assert demo.evaluate("() => document.documentElement.scrollWidth") == width


def test_code_is_coloured_and_copied_as_it_is(demo: "Page") -> None:
    words = demo.locator("#snippet span").evaluate_all(
        "all => all.map((one) => [one.className, one.textContent])"
    )

    assert ["tag", "<captcha-stateless"] in words
    assert ["name", "sitekey"] in words
    assert ["string", '"dev-site"'] in words
    assert (
        '<captcha-stateless sitekey="dev-site"></captcha-stateless>' in demo.locator("#snippet").inner_text()
    )


def test_the_gallery_draws_others(demo: "Page") -> None:
    before = demo.locator("#sheets img").first.get_attribute("src")

    demo.get_by_role("button", name="Show others").click()

    demo.wait_for_function(
        "() => [...document.querySelectorAll('#sheets img')].every((one) => one.naturalWidth > 0)"
    )
    assert demo.locator("#sheets img").count() == 4
    assert demo.locator("#sheets img").first.get_attribute("src") != before


def test_a_sealed_token_and_a_pass_are_looked_into(visit: Visit, demo: "Page") -> None:
    seen = []
    for token in (visit.captcha.app.state.engine.issue("tests", "grid").token, visit.captcha.solve()):
        demo.locator("textarea[name=token]").fill(token)
        demo.locator("#claims").evaluate("pre => { pre.textContent = ''; }")
        demo.get_by_role("button", name="Look into it").click()
        demo.wait_for_function("() => document.querySelector('#claims').textContent")
        seen.append(demo.locator("#claims").inner_text())

    assert '"purpose": "tests"' in seen[0]
    assert '"alg": "ES256"' in seen[1]


@contextmanager
def replicas(folder: "Path") -> Iterator[tuple[str, str]]:
    """Run two servers of one key ring and one replay filter, the first of which knows the second."""
    from captcha_stateless.tokens import keys
    from tests.support import NOW

    ring = folder / "keyring.json"
    keys.save(ring, keys.fresh_ring(NOW), overwrite=False)
    environ = {
        "CAPTCHA_KEYS": str(ring),
        "CAPTCHA_REPLAY_DIR": str(folder / "replay"),
        "CAPTCHA_REPLAY_RATE": "10",
    }
    with (
        live_server(environ=environ) as second,
        live_server(environ={**environ, "CAPTCHA_DEMO_REPLICA": second.url}) as first,
    ):
        yield first.url, second.url


def test_what_one_replica_issues_the_other_answers_and_both_answer_alike(
    context: "BrowserContext", tmp_path: "Path"
) -> None:
    page = context.new_page()
    with replicas(tmp_path) as (first, _):
        page.goto(f"{first}/demo")
        page.wait_for_selector("body[data-ready]")
        said = []
        for place, act in [
            ("This server", "Issue"),
            ("The other replica", "Answer"),
            ("This server", "Answer"),
            ("The other replica", "Answer"),
        ]:
            before = page.locator("#ledger").text_content()
            page.get_by_role("button", name=f"{act} here: {place}").click()
            page.wait_for_function(
                "before => document.querySelector('#ledger').textContent !== before", arg=before
            )
            said.append(page.locator("#ledger").inner_text().removesuffix(before or "").strip())

    assert '"work"' in said[0]
    assert all('"done": true' in text for text in said[1:])
    assert len({text.partition(": ")[2] for text in said[1:]}) == 1


def test_the_page_to_try_it_lets_a_visitor_through(visit: Visit) -> None:
    visit.page.goto(visit.url)
    visit.page.wait_for_function("() => customElements.get('captcha-stateless')")

    visit.solve()

    assert visit.page.locator("#message").inner_text() == "Solved. You are let through."
