"""The compat scripts in the distribution's Firefox: the same tests, in another browser."""

from typing import TYPE_CHECKING

import pytest

from tests.web.frontends.test_interfaces import (  # noqa: F401
    hcaptcha,
    test_a_copy_of_a_solved_widget_is_a_widget_of_its_own,
    test_hcaptcha_has_the_response_and_its_key,
    test_hcaptcha_tells_of_opening_and_closing_and_it_is_no_error,
    test_onload_runs_after_the_script_s_own_load_event,
    test_turnstile_s_work_begins_by_itself_and_its_field_can_be_left_out,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser(firefox: "Browser") -> "Browser":
    return firefox
