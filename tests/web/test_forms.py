"""Forms as people write them: collected by libraries, hidden in steps, sent by scripts, in frames that may send none."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest

from tests.needs import need
from tests.web.conftest import POLICY, Visit
from tests.web.test_widget import ELEMENT, FIND, FORM, form_with

if TYPE_CHECKING:
    from playwright.sync_api import Dialog

MODULES = Path(__file__).parent / "node_modules"
#: How each library collects a form, as what it sends.
COLLECTORS = {
    "jquery/dist/jquery.js": "() => jQuery('form').serialize()",
    "@rails/ujs/app/assets/javascripts/rails-ujs.js": "() => Rails.serializeElement(document.querySelector('form'))",
    "htmx1/dist/htmx.js": "() => new URLSearchParams(htmx.values(document.querySelector('form'))).toString()",
}
SENT = """
window.sent = [];
addEventListener("submit", (event) => {
  event.preventDefault();
  sent.push(new URLSearchParams(new FormData(event.target, event.submitter)).toString());
});
"""


@pytest.mark.parametrize("path", COLLECTORS)
def test_libraries_collect_the_pass_once(visit: Visit, path: str) -> None:
    need((MODULES / path).exists(), "jQuery, rails-ujs and htmx (npm ci in tests/web)")
    visit.open(
        form_with("kind=work"), (MODULES / path).read_text("utf-8"), policy="script-src 'self' 'unsafe-eval'"
    )
    token = visit.page.evaluate(f"() => {FIND}.execute()")

    collected = visit.page.evaluate(COLLECTORS[path])

    assert Counter(parse_qsl(collected))["captcha-response", token] == 1


def test_the_name_is_that_of_the_field(visit: Visit) -> None:
    visit.open(FORM)

    assert visit.page.evaluate(f"() => {FIND}.name") == "captcha-response"


def test_a_page_that_is_morphed_loses_no_pass(visit: Visit) -> None:
    """Morphing takes out whatever the server's page does not have."""
    visit.open(form_with("kind=work"))
    token = visit.page.evaluate(f"() => {FIND}.execute()")

    visit.page.evaluate(f"() => {FIND}.replaceChildren()")

    assert visit.form()["captcha-response"] == token


def test_the_pass_goes_to_the_form_that_is_named(visit: Visit) -> None:
    visit.open(f"<form id=far></form><p>{form_with('kind=work form=far')}</p>".replace("<form>", "<div>"))

    token = visit.page.evaluate(f"() => {FIND}.execute()")

    assert visit.form() == {"captcha-response": token}


def test_a_disabled_field_sends_no_pass(visit: Visit) -> None:
    visit.open(form_with("kind=work"))
    visit.page.evaluate(f"() => {FIND}.execute()")

    visit.page.evaluate(f"() => {{ {FIND}.disabled = true; }}")

    assert visit.form() == {"who": ""}


@pytest.mark.parametrize(
    "form",
    [
        form_with("kind=work required size=invisible"),
        form_with("kind=work required")
        .replace("<captcha", "<div hidden><captcha")
        .replace("</captcha-stateless>", "</captcha-stateless></div>"),
    ],
    ids=["invisible", "hidden-step"],
)
def test_a_form_that_lacks_the_pass_waits_for_it(visit: Visit, form: str) -> None:
    visit.open(form.replace("<button>", "<button name=do value=save>"), SENT)

    visit.button("Send").click()
    visit.page.wait_for_function("() => sent.length")

    token = visit.value()
    assert visit.page.evaluate("() => sent") == [f"who=&captcha-response={token}&do=save"]


def test_a_hidden_step_s_challenge_is_shown_all_the_same(visit: Visit) -> None:
    hidden = (
        form_with("required")
        .replace("<captcha", "<div hidden><captcha")
        .replace("</captcha-stateless>", "</captcha-stateless></div>")
    )
    visit.open(hidden, SENT)

    with visit.page.expect_response("**/api/challenge?*") as told:
        visit.button("Send").click()
    reply = told.value.json()
    while "challenge" in reply:
        visit.page.get_by_text(f"Round {reply['stage'] + 1} of").wait_for()
        for box, right in zip(visit.page.locator(".tile input").all(), visit.answer(reply), strict=True):
            box.set_checked(right)
        reply = visit.check()
    visit.page.wait_for_function("() => sent.length")

    assert visit.page.evaluate("() => sent") == [f"who=&captcha-response={reply['flag']}"]


def test_a_hidden_step_that_cannot_be_done_says_so(visit: Visit) -> None:
    visit.page.route("**/api/challenge?*", lambda route: route.abort())
    hidden = (
        form_with("required")
        .replace("<captcha", "<div hidden><captcha")
        .replace("</captcha-stateless>", "</captcha-stateless></div>")
    )
    visit.open(hidden, SENT)
    said: list[str] = []

    def hear(dialog: "Dialog") -> None:
        said.append(dialog.message)
        dialog.accept()

    visit.page.on("dialog", hear)

    visit.button("Send").click()
    visit.page.wait_for_function(f"() => !{FIND}.shadowRoot.querySelector('.busy')")

    assert said == ["No connection. Please try again."]
    assert visit.page.evaluate("() => sent") == []


def test_a_form_that_is_not_validated_is_let_alone(visit: Visit) -> None:
    visit.open(form_with("kind=work required size=invisible").replace("<form>", "<form novalidate>"), SENT)

    visit.button("Send").click()

    assert visit.page.evaluate("() => sent") == ["who="]


def test_it_works_in_a_frame_that_may_send_no_forms(visit: Visit) -> None:
    inner = f"{visit.url}/inner.html"
    body = f"<!doctype html><html lang=en><title>In</title><script src=/widget.js></script>{ELEMENT}</html>"
    visit.page.route(inner, lambda route: route.fulfill(content_type="text/html", body=body))
    visit.open(
        "<iframe src=/inner.html title=In width=420 height=700 sandbox='allow-scripts allow-same-origin'></iframe>",
        policy=f"{POLICY}; frame-src 'self'",
    )
    frame = visit.page.frame_locator("iframe")

    with visit.page.expect_response("**/api/challenge?*") as told:
        frame.locator("button.trigger").click()
    frame.locator(".tile").nth(8).wait_for()
    for box, right in zip(frame.locator(".tile input").all(), visit.answer(told.value.json()), strict=True):
        box.set_checked(right)
    with visit.page.expect_response("**/api/challenge") as judged:
        frame.get_by_role("button", name="Check", exact=True).click()

    assert judged.value.json()["stage"] == 1
    # Chromium's own, of a frame that may do both.
    visit.complaints[:] = [one for one in visit.complaints if "escape its sandboxing" not in one]


def test_enter_sends_what_was_typed(visit: Visit) -> None:
    visit.open(form_with("kind=text"))
    challenge = visit.press_trigger()
    field = visit.page.get_by_role("textbox", name="Type the characters in the image:")
    field.fill(visit.answer(challenge))

    with visit.page.expect_response("**/api/challenge") as told:
        field.press("Enter")

    assert told.value.json()["done"]


@pytest.mark.parametrize("kind", ["grid", "text"])
def test_check_with_nothing_chosen_asks_again(visit: Visit, kind: str) -> None:
    visit.open(form_with(f"kind={kind}"))
    asked: list[str] = []
    challenge = visit.press_trigger()
    visit.page.get_by_text("Choose every" if kind == "grid" else "Type the characters").wait_for()
    visit.page.on("request", lambda request: asked.append(request.url))

    visit.button("Check").click()
    visit.said("Nothing is chosen yet.")
    nothing_sent = not [url for url in asked if "/api/" in url]
    if kind == "grid":
        visit.choose(challenge)
    else:
        visit.page.locator("captcha-stateless .input").fill(visit.answer(challenge))

    assert nothing_sent
    assert visit.check().get("stage", 1) == 1
