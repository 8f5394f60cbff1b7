"""Work before anything is drawn, in a real browser: the widget does it while the page loads, and again where it must."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from captcha_stateless.testing import CaptchaServer
from tests.web.conftest import Visit

FORM = "<form><captcha-stateless sitekey=dev-site></captcha-stateless></form>"


@pytest.fixture(scope="module")
def captcha(ring: Path) -> Iterator[CaptchaServer]:
    with CaptchaServer(keys=ring, policy="strict") as server:
        yield server


def test_the_work_is_done_while_the_page_loads(visit: Visit) -> None:
    with visit.page.expect_response("**/api/work?*") as told:
        visit.open(FORM)

    challenge = visit.press_trigger()

    assert told.value.json()["work"]["difficulty"] == 18
    assert len(challenge["images"]) == 9
    assert len(visit.boxes()) == 9


def test_a_run_after_the_work_earns_a_pass(visit: Visit) -> None:
    visit.open(FORM)

    token = visit.solve()

    assert visit.captcha.verify(token).success


def test_further_images_are_worked_for_unseen(visit: Visit) -> None:
    visit.open(FORM)
    visit.press_trigger()
    visit.page.get_by_text("Round 1 of 4").wait_for()

    with visit.page.expect_response(lambda reply: "x-captcha-challenge" in reply.request.headers) as told:
        visit.button("Other images").click()

    assert len(told.value.json()["images"]) == 9
    assert visit.dialog.is_visible()


def test_where_no_work_can_be_had_beforehand_it_is_done_on_demand(visit: Visit) -> None:
    visit.page.route("**/api/work?*", lambda route: route.fulfill(status=503, body=""))
    visit.open(FORM)

    visit.trigger.click()

    visit.page.get_by_text("Round 1 of 4").wait_for()
    assert len(visit.boxes()) == 9
