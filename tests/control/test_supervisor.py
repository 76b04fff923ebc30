"""Every state meets every event; what may not begin says why."""

import math
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from massage_arm.control.supervisor import (
    FREE_FORCE_N,
    ORDERS,
    REQUESTS,
    RESIDUAL_MAX_N,
    Event,
    Order,
    Readiness,
    State,
    missing,
    parse_requests,
    react,
)
from massage_arm.native import InputError

READY_TO_PRESS = Readiness(
    sensor_heard=True,
    tared=True,
    residual_n=0.1,
    force_n=0.2,
    causes="",
    astray="",
    kept_out="",
    alarm="",
    limits_loaded=True,
    person="average",
    tool="thumb",
)
REFUSED = "-"
# The whole table, once more and in another shape; the columns are the events.
COLUMNS = "begin pause resume stop guide acknowledge finished fault"
ROWS = """
ready    running ready    -       stopped guided -     -     faulted
running  -       paused   -       stopped guided -     ready faulted
paused   -       paused   running stopped guided -     -     faulted
stopped  -       stopped  -       stopped guided ready -     stopped
faulted  -       faulted  -       stopped guided ready -     faulted
guided   -       guided   -       stopped guided ready -     guided
"""
CELLS = [
    (State(row.split()[0]), Event(event), following)
    for row in ROWS.strip().splitlines()
    for event, following in zip(COLUMNS.split(), row.split()[1:], strict=True)
]


def test_the_table_below_is_whole() -> None:
    assert len(CELLS) == len(State) * len(Event)


@pytest.mark.parametrize(("state", "event", "following"), CELLS)
def test_every_state_meets_every_event(state: State, event: Event, following: str) -> None:
    if following == REFUSED:
        with pytest.raises(InputError, match=f"{event} is refused: the session is {state}; allowed now: "):
            react(state, event, READY_TO_PRESS, free=True)
    else:
        assert react(state, event, READY_TO_PRESS, free=True) is State(following)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", [Event.STOP, Event.PAUSE, Event.GUIDE])
def test_stop_pause_and_guide_are_never_refused(state: State, event: Event) -> None:
    nothing = Readiness(False, False, math.nan, math.nan, "clock", "60 mm", "kidney_left", "", False, "", "")
    assert ORDERS[react(state, event, nothing, free=False)] is not Order.FOLLOW


@pytest.mark.parametrize("state", State)
def test_only_a_request_makes_anything_press(state: State) -> None:
    for event in (Event.FINISHED, Event.FAULT):
        try:
            following = react(state, event, READY_TO_PRESS, free=True)
        except InputError:
            continue
        assert following is not State.RUNNING


def test_what_each_state_asks_of_the_controller() -> None:
    assert {state: ORDERS[state] for state in State} == {
        State.READY: Order.HOLD,
        State.RUNNING: Order.FOLLOW,
        State.PAUSED: Order.RELEASE,
        State.STOPPED: Order.STOP,
        State.FAULTED: Order.RELEASE,
        State.GUIDED: Order.YIELD,
    }


UNREADY = {
    "sensor_heard": (False, "the force sensor is silent"),
    "tared": (False, "the force sensor is not tared"),
    "residual_n": (RESIDUAL_MAX_N * 1.001, "the force wandered by 1.5 N during the tare; at most 1.5 N is allowed"),
    "force_n": (-FREE_FORCE_N * 1.001, "-3 N is on the tool; at most 3 N is allowed"),
    "causes": ("over force", "over force is latched; acknowledge it first"),
    "astray": ("60 mm", "the tool is 60 mm from where the press begins; guide it there"),
    "kept_out": ("kidney_left", "the target lies in kidney_left, where nothing may press"),
    "limits_loaded": (False, "no limits are loaded"),
    "person": ("", "no person is named"),
    "tool": ("", "no tool is named"),
}


@pytest.mark.parametrize("what", UNREADY)
@pytest.mark.parametrize(("state", "event"), [(State.READY, Event.BEGIN), (State.PAUSED, Event.RESUME)])
def test_nothing_begins_before_all_is_ready(what: str, state: State, event: Event) -> None:
    value, reason = UNREADY[what]
    unready = replace(READY_TO_PRESS, **{what: value})
    assert missing(unready) == [reason]
    with pytest.raises(InputError, match=f"^{event} is refused: {reason}$"):
        react(state, event, unready, free=True)


@pytest.mark.parametrize("what", ["residual_n", "force_n"])
def test_at_its_bound_a_force_is_allowed_and_nan_is_not(what: str) -> None:
    bound = {"residual_n": RESIDUAL_MAX_N, "force_n": FREE_FORCE_N}[what]
    assert not missing(replace(READY_TO_PRESS, **{what: bound}))
    assert missing(replace(READY_TO_PRESS, **{what: math.nan}))


def test_what_was_found_ready_stays_as_it_was() -> None:
    with pytest.raises(FrozenInstanceError):
        READY_TO_PRESS.tared = False  # type: ignore[misc]


def test_all_that_is_missing_is_said_at_once() -> None:
    nothing = Readiness(False, False, math.nan, math.nan, "clock", "60 mm", "kidney_left", "", False, "", "")
    assert len(missing(nothing)) == len(UNREADY)
    with pytest.raises(InputError, match=r"latched.*; .*silent; .*not tared; .*wandered"):
        react(State.READY, Event.BEGIN, nothing, free=True)


@pytest.mark.parametrize(
    ("state", "event"),
    [(State.PAUSED, Event.RESUME), (State.STOPPED, Event.ACKNOWLEDGE), (State.FAULTED, Event.ACKNOWLEDGE)],
)
def test_nothing_goes_on_before_the_tool_has_withdrawn(state: State, event: Event) -> None:
    with pytest.raises(InputError, match="has not withdrawn"):
        react(state, event, READY_TO_PRESS, free=False)


def test_an_acknowledgement_needs_nothing_but_a_free_tool() -> None:
    nothing = Readiness(False, False, math.nan, math.nan, "clock", "60 mm", "kidney_left", "", False, "", "")
    assert react(State.FAULTED, Event.ACKNOWLEDGE, nothing, free=True) is State.READY


def test_requests_come_in_the_order_of_time() -> None:
    assert parse_requests("") == []
    assert parse_requests("resume@10.5, pause@8") == [(8.0, Event.PAUSE), (10.5, Event.RESUME)]
    assert parse_requests("stop@0, guide@0.5, begin@1") == [(0.0, Event.STOP), (0.5, Event.GUIDE), (1.0, Event.BEGIN)]


def test_a_refusal_says_what_is_allowed_now() -> None:
    with pytest.raises(InputError, match=r"allowed now: pause, stop, guide, acknowledge$"):
        react(State.STOPPED, Event.RESUME, READY_TO_PRESS, free=True)


@pytest.mark.parametrize("text", ["pause", "pause@", "pause@x", "pause@-1", "pause@nan", "pause@inf", "fault@3", "x@3"])
def test_a_request_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"asks: .*REQUEST@SECONDS.*begin, pause, resume, stop, guide, acknowledge"):
        parse_requests(text)


@settings(deadline=None)
@given(st.lists(st.sampled_from(REQUESTS), max_size=30), st.booleans())
def test_whatever_is_asked_a_fault_is_left_by_acknowledgement_alone(asked: list[Event], free: bool) -> None:
    state = State.FAULTED
    for event in asked:
        if event is Event.ACKNOWLEDGE:
            continue
        try:
            state = react(state, event, READY_TO_PRESS, free)
        except InputError:
            continue
        assert ORDERS[state] in (Order.RELEASE, Order.STOP, Order.YIELD)
