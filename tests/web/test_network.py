"""Networks that are slow, lose what is sent, or are not there."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.web.conftest import Visit
from tests.web.test_widget import FORM, LISTEN, heard

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (None, "network", "No connection. Please try again."),
        (503, "unavailable", "The service is busy. Please try again soon."),
        (429, "unavailable", "The service is busy. Please try again soon."),
        (200, "network", "No connection. Please try again."),  # a hotel's page to log in
        (403, "refused", "This is not possible here."),  # a firewall's
    ],
)
def test_without_a_server_the_visitor_reads_so_and_keeps_what_was_typed(
    visit: Visit, status: int | None, code: str, said: str
) -> None:
    visit.open(FORM, LISTEN)
    visit.page.locator("input[name=who]").fill("Ada")
    visit.page.route(
        "**/api/challenge?*", lambda route: route.fulfill(status=status, body="") if status else route.abort()
    )
    visit.trigger.click()
    visit.said(said)

    visit.page.unroute("**/api/challenge?*")
    token = visit.solve()

    assert visit.form() == {"who": "Ada", "captcha-response": token}
    assert heard(visit)[0] == {"name": "error", "code": code}


@pytest.mark.parametrize(
    ("status", "said"),
    [(None, "No connection. Please try again."), (503, "The service is busy. Please try again soon.")],
)
def test_an_answer_that_does_not_arrive_can_be_sent_again(
    visit: Visit, status: int | None, said: str
) -> None:
    visit.open(FORM)
    visit.choose(visit.press_trigger())
    visit.page.route(
        "**/api/challenge", lambda route: route.fulfill(status=status, body="") if status else route.abort()
    )

    visit.button("Check").click()
    visit.said(said)
    assert visit.focused() == "Check"
    visit.page.unroute("**/api/challenge")

    assert visit.check()["stage"] == 1


def test_a_reply_that_is_lost_is_asked_for_again_unseen(visit: Visit) -> None:
    """The server has judged; the phone was in a tunnel."""
    lost: list[str | None] = []

    def lose(route: Any) -> None:
        if route.request.post_data in lost:
            route.continue_()
            return
        lost.append(route.request.post_data)
        route.fetch()
        route.abort()

    visit.open(FORM, LISTEN)
    visit.page.route("**/api/challenge", lose)

    token = visit.solve()

    assert visit.form()["captcha-response"] == token
    assert [each["name"] for each in heard(visit)] == ["challenge", "challenge", "verified"]
    assert len(lost) == 2


def test_on_a_slow_network_the_visitor_is_told_to_wait_and_nothing_is_sent_twice(visit: Visit) -> None:
    visit.open(FORM)
    visit.page.locator("input[name=who]").fill("Ada")
    session = visit.page.context.new_cdp_session(visit.page)
    slow = {"offline": False, "latency": 3_000, "downloadThroughput": 20_000, "uploadThroughput": 20_000}
    session.send("Network.emulateNetworkConditions", slow)
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))

    visit.trigger.click()
    visit.said("Checking…")
    visit.trigger.click(force=True)

    assert len(visit.boxes()) == 9
    assert len([url for url in asked if "/api/challenge" in url]) == 1
    assert visit.form() == {"who": "Ada"}
