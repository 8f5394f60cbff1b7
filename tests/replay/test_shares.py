"""How room is shared: never more than there is, and some for everybody."""

from hypothesis import given
from hypothesis import strategies as st

from captcha_stateless.passes import PASS
from captcha_stateless.protocols import PROTOCOLS
from captcha_stateless.protocols.onecaptcha import FIRST
from captcha_stateless.protocols.relaysms import VERIFICATION
from captcha_stateless.replay.shares import LANES, Shares, lane, rate_for

#: Those that spend nothing under their own name.
QUIET = {
    "audio",
    "friendly",
    "privatecaptcha",
    "siteverify",
    "jwks",
    "clearance",
    "widget",
    "compat",
    "health",
    "openapi",
    "metrics",
    "page",
    "demo",
}


@given(
    st.integers(1, 5_000), st.lists(st.tuples(st.integers(0, LANES - 1), st.integers(1, 500)), max_size=100)
)
def test_all_together_never_take_more_than_there_is(capacity: int, asked: list[tuple[int, int]]) -> None:
    shares, taken, common = Shares.of(capacity), [0] * LANES, 0
    for who, wanted in asked:
        piece = min(wanted, shares.left(taken[who], common))
        common += shares.charged(taken[who], piece)
        taken[who] += piece

    assert sum(taken) <= capacity
    assert common <= shares.common
    assert all(shares.left(mine, common) >= shares.own - mine for mine in taken)


def test_one_alone_may_take_about_two_thirds() -> None:
    assert Shares.of(32_000).most == 21_000


def test_what_is_marked_beside_answers_takes_their_room() -> None:
    assert [lane(name) for name in ("pass", "pass/key", "grid/won")] == ["pass", "pass", "grid"]


def test_there_is_room_for_every_protocol() -> None:
    """Each protocol that draws has a namespace of its name, some a second one; passes have theirs."""
    draw = {adapter.name for adapter in PROTOCOLS} - QUIET

    assert len(draw | {FIRST, VERIFICATION, PASS}) <= LANES


def test_a_rate_leaves_the_others_what_is_their_own() -> None:
    shares = Shares.of(round(rate_for(2_200, namespaces=2)))

    assert 2 * shares.own + shares.common == 2_200
