"""Where pages put it: in dialogs, popovers, modals and hidden places; Escape closes one thing, no page is left inert."""

from pathlib import Path

import pytest

from tests.needs import need
from tests.web.conftest import Visit
from tests.web.test_widget import ELEMENT, FIND
from tests.web.test_work import harder

BOOTSTRAP = Path(__file__).parent / "node_modules" / "bootstrap" / "dist"
INERT = "() => document.elementFromPoint(innerWidth - 5, innerHeight - 5)?.localName"
#: What is around the element, and how a script opens it and tells whether it is open.
AROUND = {
    "dialog": ("<dialog id=outer>{}</dialog>", "outer.showModal()", "outer.open"),
    "popover": ("<div id=outer popover>{}</div>", "outer.showPopover()", "outer.matches(':popover-open')"),
    "bootstrap": (
        "<div id=outer class=modal tabindex=-1><div class=modal-dialog><div class=modal-content>{}</div></div></div>",
        "new bootstrap.Modal(outer, {}).show()",
        "outer.classList.contains('show')",
    ),
}


def opened(visit: Visit, around: str, element: str = ELEMENT) -> None:
    """Open a page with the element in something that opens, and open that."""
    need(BOOTSTRAP.exists(), "Bootstrap (npm ci in tests/web)")
    script = (BOOTSTRAP / "js" / "bootstrap.bundle.js").read_text("utf-8") if around == "bootstrap" else ""
    script = script.partition("//# sourceMappingURL")[0]
    markup, call, _ = AROUND[around]
    visit.open(
        f"<style>.modal {{ display: none }}</style>{markup.format(element)}",
        script,
        policy="default-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:",
    )
    visit.page.evaluate(f"() => {{ {call}; }}")
    visit.page.wait_for_function(f"() => {AROUND[around][2]}")
    visit.page.wait_for_timeout(400)  # Bootstrap's own transition, which heeds no keys


@pytest.mark.parametrize("around", AROUND)
def test_escape_closes_ours_and_leaves_the_page_s_own_open(visit: Visit, around: str) -> None:
    opened(visit, around)
    visit.press_trigger()
    visit.boxes()[0].focus()

    visit.page.keyboard.press("Escape")
    visit.dialog.wait_for(state="hidden")
    still = visit.page.evaluate(f"() => {AROUND[around][2]}")
    visit.page.keyboard.press("Escape")
    visit.page.wait_for_function(f"() => !({AROUND[around][2]})")

    assert still


@pytest.mark.parametrize("around", AROUND)
def test_escape_stops_work_and_leaves_the_page_s_own_open(visit: Visit, around: str) -> None:
    harder(visit)
    opened(visit, around, ELEMENT.replace("sitekey", "kind=work sitekey"))
    visit.trigger.click()
    visit.page.locator("captcha-stateless progress").wait_for()

    visit.page.keyboard.press("Escape")

    visit.page.locator("captcha-stateless progress").wait_for(state="hidden")
    assert visit.page.evaluate(f"() => {AROUND[around][2]}")


@pytest.mark.parametrize("around", AROUND)
def test_within_the_page_s_own_a_challenge_is_solved(visit: Visit, around: str) -> None:
    opened(visit, around)

    assert visit.captcha.verify(visit.solve()).success


def test_a_key_that_the_page_has_handled_is_left_alone(visit: Visit) -> None:
    harder(visit)
    script = """addEventListener("keydown", (event) => event.target.localName === "input" && event.preventDefault());"""
    visit.open(f"<input name=search>{ELEMENT.replace('sitekey', 'kind=work sitekey')}", script)
    visit.trigger.click()
    visit.page.locator("captcha-stateless progress").wait_for()

    visit.page.locator("input[name=search]").press("Escape")

    assert visit.page.locator("captcha-stateless progress").is_visible()


HIDDEN = {
    "display-none": "<div style='display:none'>{}</div>",
    "hidden": "<div hidden>{}</div>",
    "visibility": "<div style='visibility:hidden'>{}</div>",
    "details": "<details><summary>More</summary>{}</details>",
    "content-visibility": "<div style='content-visibility:hidden'>{}</div>",
    "pointer-events": "<div style='pointer-events:none'>{}</div>",
}
STYLED = "default-src 'self'; style-src 'self' 'unsafe-inline'"


@pytest.mark.parametrize("place", HIDDEN)
def test_from_a_hidden_place_the_challenge_is_shown_and_answered_by_mouse(visit: Visit, place: str) -> None:
    visit.open(HIDDEN[place].format(ELEMENT), policy=STYLED)
    with visit.page.expect_response("**/api/challenge?*") as told:
        visit.page.evaluate(f"() => {{ {FIND}.execute().then((pass) => {{ window.pass = pass; }}); }}")
    reply = told.value.json()

    while "challenge" in reply:
        visit.page.get_by_text(f"Round {reply['stage'] + 1} of").wait_for()
        for box, right in zip(visit.page.locator(".tile input").all(), visit.answer(reply), strict=True):
            if right:
                box.click()
        reply = visit.check()
    visit.page.wait_for_function("() => window.pass")

    assert visit.page.evaluate("() => pass") == reply["flag"]
    assert visit.page.evaluate(INERT) in ("html", "body")
    assert visit.page.locator("dialog[open]").count() == 0


def test_an_element_that_is_nowhere_shows_its_challenge_all_the_same(visit: Visit) -> None:
    visit.open("")
    visit.page.evaluate("() => { window.one = document.createElement('captcha-stateless'); one.execute(); }")

    visit.page.locator("dialog[open] .tile").nth(8).wait_for()
    visit.page.keyboard.press("Escape")

    visit.page.wait_for_function("() => !document.querySelector('[data-layer]')")


@pytest.mark.parametrize(
    "close",
    [
        "outer.close()",
        f"{FIND}.shadowRoot.querySelector('dialog').close()",
        "outer.style.display = 'none'",
        "outer.remove()",
    ],
)
def test_what_is_closed_from_outside_leaves_nothing_dead(visit: Visit, close: str) -> None:
    visit.open(f"<dialog id=outer>{ELEMENT}</dialog>", policy=STYLED)
    visit.page.evaluate(
        f"() => {{ outer.showModal(); {FIND}.execute().catch(({{ code }}) => {{ window.code = code; }}); }}"
    )
    visit.boxes()

    visit.page.evaluate(f"() => {{ {close}; }}")
    visit.page.wait_for_function("() => window.code")
    visit.page.evaluate("() => document.querySelector('#outer')?.close()")

    assert visit.page.evaluate("() => code") == "closed"
    assert visit.page.evaluate(INERT) in ("html", "body")


def test_close_ends_a_run_as_escape_does(visit: Visit) -> None:
    visit.open(ELEMENT)
    visit.page.evaluate(f"() => {{ {FIND}.execute().catch(({{ code }}) => {{ window.code = code; }}); }}")
    visit.boxes()

    visit.page.evaluate(f"() => {FIND}.close()")

    visit.page.wait_for_function("() => window.code === 'closed'")
    assert not visit.dialog.is_visible()
