"""A visitor's time: warned of its end, more of it, and passes that expire."""

from typing import TYPE_CHECKING

from tests.web.conftest import Visit
from tests.web.test_widget import FIND, FORM, LISTEN, form_with, heard, tab_to

if TYPE_CHECKING:
    pass


def test_the_visitor_is_warned_and_gets_more_time(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(FORM)
    visit.press_trigger()
    visit.boxes()[2].check()

    visit.page.clock.run_for(91_000)
    visit.said("30 seconds left.")
    tab_to(visit, "I need more time")
    with visit.page.expect_response("**/api/extend") as told:
        visit.page.keyboard.press("Space")
    seconds = told.value.json()["time"]
    visit.said(f"{seconds} seconds left.")
    visit.page.clock.run_for(200_000)

    assert 200 < seconds <= 240
    assert visit.button("Check").is_enabled()
    assert visit.boxes()[2].is_checked()
    assert visit.focused() == "Image 3 of 9"


def test_more_time_is_offered_when_time_runs_out_and_not_before(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(FORM)
    visit.press_trigger()
    visit.boxes()
    before = visit.button("I need more time").is_visible()

    visit.page.clock.run_for(91_000)

    visit.button("I need more time").wait_for()
    assert not before


def test_where_no_more_time_can_be_had_the_challenge_stays(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(FORM)
    visit.choose(visit.press_trigger())
    visit.boxes()[8].focus()
    visit.page.clock.run_for(91_000)
    told = {"status": 400, "json": {"error": "no more extensions"}}
    visit.page.route("**/api/extend", lambda route: route.fulfill(**told))

    visit.button("I need more time").click()
    visit.said("This is not possible here.")

    assert not visit.button("I need more time").is_visible()
    assert visit.focused() == "Image 9 of 9"
    assert visit.check()["stage"] == 1


def test_when_time_is_up_the_visitor_is_told_and_can_go_on(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(FORM, LISTEN)
    visit.press_trigger()
    visit.boxes()
    visit.button("Check").focus()

    visit.page.clock.run_for(121_000)

    visit.said("Time is up.")
    assert visit.focused() == "Other images"
    assert heard(visit)[-1] == {"name": "error", "code": "timeout"}
    with visit.page.expect_response("**/api/challenge?*") as told:
        visit.page.keyboard.press("Enter")
    visit.page.wait_for_function(f"() => !{FIND}.shadowRoot.querySelector('.main').disabled")
    visit.choose(told.value.json())
    assert visit.check()["stage"] == 1


def test_what_the_server_calls_expired_is_told_and_replaced(visit: Visit) -> None:
    visit.open(FORM)
    visit.choose(visit.press_trigger())
    told = {"status": 400, "json": {"error": "Challenge expired"}}
    visit.page.route("**/api/challenge", lambda route: route.fulfill(**told))

    with visit.page.expect_response("**/api/challenge?*"):
        visit.check()

    visit.said("Time is up.")


def test_a_pass_that_expires_is_told_and_can_be_earned_again(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(form_with("kind=work"), LISTEN)
    visit.page.locator("input[name=who]").fill("Ada")
    visit.page.evaluate(f"() => {FIND}.execute()")

    visit.page.clock.run_for(301_000)

    visit.said("Expired. Please check again.")
    assert visit.form() == {"who": "Ada"}
    assert heard(visit)[-1]["name"] == "expired"
    token = visit.page.evaluate(f"() => {FIND}.execute()")
    assert visit.form() == {"who": "Ada", "captcha-response": token}


def test_refresh_expired_does_work_again_by_itself(visit: Visit) -> None:
    visit.page.clock.install()
    visit.open(form_with("kind=work refresh-expired=auto"))
    first = visit.page.evaluate(f"() => {FIND}.execute()")

    visit.page.clock.run_for(301_000)

    visit.page.wait_for_function(f"first => {FIND}.value && {FIND}.value !== first", arg=first)
