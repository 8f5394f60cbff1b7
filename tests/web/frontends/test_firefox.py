"""Compat scripts, htmx and Turbo in the distribution's Firefox: the same tests, in another browser."""

from typing import TYPE_CHECKING

import pytest

from tests.web.frontends.test_element_swapped import (  # noqa: F401
    site,
    test_a_form_is_sent_with_its_pass_and_the_next_one_earns_its_own,
    test_a_page_that_turbo_brings_back_has_a_fresh_element,
)
from tests.web.frontends.test_interfaces import (  # noqa: F401
    hcaptcha,
    test_a_copy_of_a_solved_widget_is_a_widget_of_its_own,
    test_a_page_that_turbo_brings_back_has_a_fresh_widget,
    test_hcaptcha_has_the_response_and_its_key,
    test_hcaptcha_tells_of_opening_and_closing_and_it_is_no_error,
    test_onload_runs_after_the_script_s_own_load_event,
    test_turnstile_s_work_begins_by_itself_and_its_field_can_be_left_out,
    test_what_htmx_swaps_in_is_rendered,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser(firefox: "Browser") -> "Browser":
    return firefox
