"""Work that the visitor's device does: shown, cancelled, failed, and from a page of another origin."""

from typing import TYPE_CHECKING, Any

from captcha_stateless.testing import CaptchaServer
from tests.web.conftest import Visit
from tests.web.test_widget import FIND, FORM, LISTEN, form_with, heard, tab_to

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext


def test_work_is_done_on_the_device(visit: Visit) -> None:
    visit.open(form_with("kind=work"), LISTEN)

    visit.trigger.click()

    visit.page.wait_for_function(f"() => {FIND}.value")
    assert visit.captcha.verify(visit.value()).success
    assert [event["name"] for event in heard(visit)] == ["challenge", "verified"]


def test_work_is_chosen_instead_of_images_by_keyboard_alone(visit: Visit) -> None:
    visit.open(FORM)
    tab_to(visit, "I am human")
    visit.page.keyboard.press("Enter")
    visit.boxes()
    harder(visit)

    tab_to(visit, "Let my device prove it")
    visit.page.keyboard.press("Enter")
    visit.said("Your device is working")
    at_work = visit.focused()
    visit.page.keyboard.press("Enter")
    cancelled = visit.focused()
    visit.page.unroute("**/api/challenge?*")
    visit.page.keyboard.press("Space")
    visit.boxes()
    tab_to(visit, "Let my device prove it")
    visit.page.keyboard.press("Enter")

    visit.page.wait_for_function(f"() => {FIND}.value")
    assert (at_work, cancelled) == ("Cancel", "I am human")
    assert visit.focused() == "✓Verified"


def harder(visit: Visit) -> None:
    """Ask for more work than anybody does, so that it can be watched."""

    def answer(route: Any) -> None:
        reply = route.fetch().json()
        route.fulfill(json={**reply, "work": {**reply["work"], "difficulty": 40}})

    visit.page.route("**/api/challenge?*", answer)


def test_work_shows_how_far_it_is_and_can_be_cancelled(visit: Visit) -> None:
    harder(visit)
    visit.open(form_with("kind=work"), LISTEN)

    visit.trigger.click()
    visit.page.wait_for_function(f"() => {FIND}.shadowRoot.querySelector('progress').value > 0")
    visit.said("Your device is working")
    visit.button("Cancel").click()

    assert not visit.page.locator("captcha-stateless progress").is_visible()
    assert heard(visit)[-1] == {"name": "error", "code": "closed"}
    assert visit.focused() == "I am human"


def test_escape_stops_the_work_from_anywhere(visit: Visit) -> None:
    harder(visit)
    visit.open(form_with("kind=work"))
    visit.trigger.click()
    visit.page.locator("captcha-stateless progress").wait_for()
    visit.page.locator("input[name=who]").focus()

    visit.page.keyboard.press("Escape")

    visit.page.locator("captcha-stateless progress").wait_for(state="hidden")
    assert visit.page.locator("input[name=who]").evaluate("input => document.activeElement === input")


def test_after_failed_work_the_next_try_shows_images(visit: Visit) -> None:
    visit.page.route("**/work.js", lambda route: route.fulfill(status=404))
    visit.open(form_with("kind=work"), LISTEN)
    visit.trigger.click()
    visit.said("That did not work. Please try again.")

    visit.trigger.click()

    assert len(visit.boxes()) == 9
    assert {"name": "error", "code": "failed"} in heard(visit)


def test_on_a_page_of_another_origin_work_runs_from_a_copy(
    context: "BrowserContext", captcha: CaptchaServer
) -> None:
    visit = Visit(context, captcha)
    visit.url = captcha.url  # another host, and so another origin
    server = f"http://localhost:{captcha.port}"
    policy = f"default-src 'none'; script-src 'self' {server}; connect-src {server}; worker-src blob:"
    visit.page.route(f"{visit.url}/widget.js", lambda route: route.fulfill(body=""))

    visit.open(form_with("kind=work"), policy=policy, head=f"<script src={server}/widget.js async></script>")
    token = visit.page.evaluate(f"() => {FIND}.execute()")

    assert visit.captcha.verify(token).hostname == "127.0.0.1"
    assert visit.complaints == []
