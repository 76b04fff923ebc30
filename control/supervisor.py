"""What a session may do next: a table of states and events, pure, with neither force nor time in it.

Requests come from a person, faults from the controller. What a state asks of the controller is its order; how the
force is let out, and how fast, is the controller's own business (`RESPONSE` in native/states.py). Nothing goes on by
itself: only a request leads out of paused, stopped and guided, and stop, pause and guide are never refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..native.errors import InputError
from .wishes import Wish

RESIDUAL_MAX_N = 1.5
"""RMS by which readings may stray from their mean while it is taken as zero; our choice, half the touch force."""
FREE_FORCE_N = 3.0
"""On the tool, before anything is pressed: the touch force, `free_force_max` of the controller."""


class State(StrEnum):
    """Where a session stands."""

    READY = "ready"  # nothing is pressed; the arm holds where it is
    RUNNING = "running"  # the pressure profile speaks
    PAUSED = "paused"  # force let out, tool withdrawn; waits for a request
    STOPPED = "stopped"  # on request: force let out at once, tool withdrawn; latched
    FAULTED = "faulted"  # the controller let go, or refused to begin; latched
    GUIDED = "guided"  # no stiffness: whoever takes the arm moves it


class Event(StrEnum):
    """What a person asks for, and the last two: what the session or the controller reports."""

    BEGIN = "begin"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    GUIDE = "guide"
    ACKNOWLEDGE = "acknowledge"
    FINISHED = "finished"
    FAULT = "fault"  # any cause that the controller has latched


REQUESTS = tuple(event for event in Event if event not in (Event.FINISHED, Event.FAULT))


class Order(StrEnum):
    """What a state asks of the controller."""

    HOLD = "hold"
    FOLLOW = "follow"  # the pressure profile
    RELEASE = "release"  # at the rate of the profile, then withdraw
    STOP = "stop"  # at once, then withdraw
    YIELD = "yield"  # let go, without stiffness


ORDERS: Mapping[State, Order] = {
    State.READY: Order.HOLD,
    State.RUNNING: Order.FOLLOW,
    State.PAUSED: Order.RELEASE,
    State.STOPPED: Order.STOP,
    State.FAULTED: Order.RELEASE,
    State.GUIDED: Order.YIELD,
}

TABLE: Mapping[State, Mapping[Event, State]] = {
    State.READY: {
        Event.BEGIN: State.RUNNING,
        Event.PAUSE: State.READY,
        Event.STOP: State.STOPPED,
        Event.GUIDE: State.GUIDED,
        Event.FAULT: State.FAULTED,
    },
    State.RUNNING: {
        Event.PAUSE: State.PAUSED,
        Event.STOP: State.STOPPED,
        Event.GUIDE: State.GUIDED,
        Event.FINISHED: State.READY,
        Event.FAULT: State.FAULTED,
    },
    State.PAUSED: {
        Event.PAUSE: State.PAUSED,
        Event.RESUME: State.RUNNING,
        Event.STOP: State.STOPPED,
        Event.GUIDE: State.GUIDED,
        Event.FAULT: State.FAULTED,
    },
    State.STOPPED: {
        Event.PAUSE: State.STOPPED,
        Event.STOP: State.STOPPED,
        Event.GUIDE: State.GUIDED,
        Event.ACKNOWLEDGE: State.READY,
        Event.FAULT: State.STOPPED,  # a stop stays the stop that it is, whatever else goes wrong
    },
    State.FAULTED: {
        Event.PAUSE: State.FAULTED,
        Event.STOP: State.STOPPED,
        Event.GUIDE: State.GUIDED,
        Event.ACKNOWLEDGE: State.READY,
        Event.FAULT: State.FAULTED,
    },
    # Stiffness would draw the arm back to where it was let go, so that a stop after guiding stays without, and nothing
    # but an acknowledgement, with which the controller is activated anew where the arm is then, leads out.
    State.GUIDED: {
        Event.PAUSE: State.GUIDED,
        Event.STOP: State.STOPPED,
        Event.GUIDE: State.GUIDED,
        Event.ACKNOWLEDGE: State.READY,
        Event.FAULT: State.GUIDED,
    },
}
"""State, event, next state; what is not in it is refused. ACKNOWLEDGE activates the controller anew."""


@dataclass(frozen=True)
class Readiness:
    """What is known before the arm may press."""

    sensor_heard: bool
    """The force sensor is fresh."""
    tared: bool
    residual_n: float
    """RMS distance of the readings from their mean while they were taken as zero."""
    force_n: float
    """On the tool now."""
    causes: str
    """What is latched, in words; empty: nothing."""
    astray: str
    """How the tool stands beside the place where the press begins, in words; empty: it does not."""
    kept_out: str
    """The area that holds the target and in which nothing may press; empty: none does."""
    alarm: str
    """Why the person should have a pause, in words; empty: nothing asks for one."""
    limits_loaded: bool
    person: str
    tool: str


def missing(ready: Readiness) -> list[str]:
    """What stands against pressing, in words; empty: nothing does. NaN stands against it."""
    wants = [
        (not ready.causes, f"{ready.causes} is latched; acknowledge it first"),
        (ready.sensor_heard, "the force sensor is silent"),
        (ready.tared, "the force sensor is not tared"),
        (
            ready.residual_n <= RESIDUAL_MAX_N,
            f"the force wandered by {ready.residual_n:.2g} N during the tare; at most {RESIDUAL_MAX_N:g} N is allowed",
        ),
        (
            abs(ready.force_n) <= FREE_FORCE_N,
            f"{ready.force_n:.2g} N is on the tool; at most {FREE_FORCE_N:g} N is allowed",
        ),
        (not ready.astray, f"the tool is {ready.astray} from where the press begins; guide it there"),
        (not ready.kept_out, f"the target lies in {ready.kept_out}, where nothing may press"),
        (not ready.alarm, f"{ready.alarm}; wait until they are calm"),
        (ready.limits_loaded, "no limits are loaded"),
        (bool(ready.person), "no person is named"),
        (bool(ready.tool), "no tool is named"),
    ]
    return [reason for met, reason in wants if not met]


def react(state: State, event: Event, ready: Readiness, free: bool) -> State:
    """The next state; raises InputError with the reason when the event is refused.

    BEGIN and RESUME need all of `ready`. ACKNOWLEDGE and RESUME need the tool `free`: nothing is pressed any longer.
    """
    following = TABLE[state].get(event)
    if following is None:
        allowed = ", ".join(known for known in TABLE[state] if known in REQUESTS)
        raise InputError(f"{event} is refused: the session is {state}; allowed now: {allowed}")
    if event in (Event.RESUME, Event.ACKNOWLEDGE) and not free:
        raise InputError(f"{event} is refused: the tool has not withdrawn yet")
    if event in (Event.BEGIN, Event.RESUME) and (reasons := missing(ready)):
        raise InputError(f"{event} is refused: {'; '.join(reasons)}")
    return following


def parse_requests(text: str) -> list[tuple[float, Event | Wish]]:
    """Requests and when [s] they are made, in time's order, from a text such as "pause@8, resume@10.5".

    Raises InputError for what is not such a text.
    """
    requests: list[tuple[float, Event | Wish]] = []
    known: dict[str, Event | Wish] = {**{event: event for event in REQUESTS}, **{wish: wish for wish in Wish}}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, at = part.partition("@")
        try:
            seconds = float(at)
        except ValueError:
            seconds = math.nan
        if name not in known or not 0.0 <= seconds < math.inf:
            raise InputError(f"asks: {part!r} is not allowed; REQUEST@SECONDS is, with one of {', '.join(known)}")
        requests.append((seconds, known[name]))
    return sorted(requests, key=lambda request: request[0])
