"""The main flows in the distribution's Firefox: the same tests, in another browser."""

from typing import TYPE_CHECKING

import pytest

from tests.web.test_element import (  # noqa: F401
    test_required_keeps_a_form_from_being_sent,
)
from tests.web.test_forms import (  # noqa: F401
    test_a_form_that_lacks_the_pass_waits_for_it,
    test_a_hidden_step_s_challenge_is_shown_all_the_same,
    test_check_with_nothing_chosen_asks_again,
    test_enter_sends_what_was_typed,
    test_it_works_in_a_frame_that_may_send_no_forms,
    test_libraries_collect_the_pass_once,
)
from tests.web.test_loading import (  # noqa: F401
    test_a_pass_that_expired_while_the_tab_slept_is_not_shown_as_valid,
    test_inlined_it_asks_whom_src_names,
    test_inlined_without_src_it_says_so_and_asks_nobody,
    test_it_knows_where_it_came_from,
    test_what_is_put_in_later_or_copied_is_rendered,
)
from tests.web.test_looks import (  # noqa: F401
    test_one_button_is_the_main_one,
    test_sizes_do_not_follow_the_page_s_rem,
)
from tests.web.test_nojs import (  # noqa: F401
    scriptless,
    test_without_scripts_a_grid_is_solved_by_hand,
    test_without_scripts_an_answer_that_is_given_twice_earns_one_pass,
    test_without_scripts_reload_and_back_keep_the_pass_in_sight,
)
from tests.web.test_pages import (  # noqa: F401
    test_the_page_to_try_it_lets_a_visitor_through,
)
from tests.web.test_places import (  # noqa: F401
    test_escape_closes_ours_and_leaves_the_page_s_own_open,
    test_from_a_hidden_place_the_challenge_is_shown_and_answered_by_mouse,
    test_what_is_closed_from_outside_leaves_nothing_dead,
    test_within_the_page_s_own_a_challenge_is_solved,
)
from tests.web.test_time import (  # noqa: F401
    test_more_time_is_offered_when_time_runs_out_and_not_before,
)
from tests.web.test_widget import (  # noqa: F401
    test_a_grid_is_solved_by_keyboard_alone,
    test_a_grid_is_solved_by_mouse_and_its_pass_is_in_the_form,
    test_digits_can_be_heard_instead,
    test_escape_closes_and_the_focus_goes_back_to_the_trigger,
    test_text_is_read_and_typed,
    test_the_sound_can_be_heard_again_and_slowly,
)
from tests.web.test_work import (  # noqa: F401
    test_work_is_done_on_the_device,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser(firefox: "Browser") -> "Browser":
    return firefox
