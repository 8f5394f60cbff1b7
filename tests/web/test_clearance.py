"""The page that an edge shows: a solved challenge becomes the cookie, for the element's own site."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from captcha_stateless.testing import CaptchaServer
from captcha_stateless.tokens.cookie import COOKIE
from tests.edge.test_clearance import SITES
from tests.web.conftest import Visit


@pytest.fixture(scope="module")
def captcha(ring: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaptchaServer]:
    path = tmp_path_factory.mktemp("sites") / "sites.toml"
    path.write_text(SITES)
    with CaptchaServer(keys=ring, sites=path) as server:
        yield server


def test_a_solved_challenge_clears_the_element_s_own_site(visit: Visit) -> None:
    """With two sites the script did not say whose pass it brought, and no cookie was ever set."""
    visit.open(
        "<captcha-stateless sitekey=two></captcha-stateless>", head="<script src=/clearance.js></script>"
    )

    with visit.page.expect_navigation(), visit.page.expect_response("**/auth?*") as told:
        reply = visit.press_trigger()
        for stage in range(reply["stages"]):
            visit.page.get_by_text(f"Round {stage + 1} of").wait_for()
            visit.choose(reply)
            if stage + 1 < reply["stages"]:
                reply = visit.check()
            else:  # the page leaves at once: what is answered then cannot be read any more
                visit.button("Check").click()

    assert told.value.status == 204
    assert [cookie["name"] for cookie in visit.page.context.cookies()] == [COOKIE]
