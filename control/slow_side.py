"""The slow side, 100 times a second: settle, tare, hear requests, follow the work (a press, a session of strokes).

It decides nothing about force: it fills in the set-point, and the supervisor's table says what may come next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..native import ArmState, Cause, ContactState, Controller, InputError, SetPoint, Status, Task
from .plan import RunPlan
from .supervisor import ORDERS, TABLE, Event, Order, Readiness, State, parse_requests, react
from .wishes import Wish

Floats = NDArray[np.float64]

SETTLE = 0.5  # s of holding still before the tare
TARE = 0.5  # s of sensor readings averaged as zero
SLID_M = 0.008
"""Beside its way a tool presses where nobody asked for it. Assumption: of 20 people under 60 N, the tool was at 4 mm at
most on those on whom it held."""
ANSWER = 0.5  # s within which the controller takes up what is asked, else what is asked does not reach it


class Work(Protocol):
    """What a slow side follows: it fills in pose, task, force and validity of the set-point."""

    finished: bool
    """The tool has withdrawn for good."""
    target: Floats
    """(3,) m, base: the place to press next."""
    direction: Floats
    """(3,) unit, into the body, there."""
    quaternion: Floats
    """(4,) attitude of the TCP, there."""
    force_n: float
    """The most that it asks for there."""
    asked_at: float
    """s, when it asked last to press."""
    slid_m: float
    """How far the tool that presses is beside its way, m."""
    alarm: str
    """Why the person should be given a pause, in words; empty: nothing asks for one."""

    def press(self, time: float) -> None:
        """Ask for the approach from now on; after `pause`, go on."""

    def pause(self, time: float) -> None:
        """Ask for release and withdrawal."""

    def end(self) -> None:
        """The same, for good."""

    def wish(self, wish: Wish, status: Status) -> None:
        """Do what a person wishes; InputError where it makes no sense."""

    def update(self, time: float, status: Status) -> None:
        """Bring the set-point up to date."""


class SlowSide:
    """One work from activation to withdrawal, and what is asked on the way.

    The controller is active and holds where `set_point` says; `begin` gives the work anew, and `stiffness` is what is
    asked for while nobody guides the arm by hand. `force_max` of the controller is the limit that binds: it must have
    been set from the limits of site, tool and person.
    """

    def __init__(
        self,
        plan: RunPlan,
        tool: str,
        controller: Controller,
        set_point: SetPoint,
        begin: Callable[[], Work],
        stiffness: Sequence[float],
        kept_out: Callable[[Floats], str | None],
    ) -> None:
        """`kept_out` names the area in which nothing may press that holds a point (3,) m, base."""
        self.plan, self._tool = plan, tool
        self.state = State.READY
        self.over = False
        """Nothing more will come of it: finished, or let go of and nothing else is asked for."""
        self.refusals: list[str] = []
        """What was asked and refused, when and why."""
        self._controller, self._set_point = controller, set_point
        self._begin, self._stiffness, self._kept_out = begin, stiffness, kept_out
        self._asks = [(0.0, Event.BEGIN), *parse_requests(plan.asks or "")]
        self._settle(0.0, plan.rest_s)

    def update(self, seen: ArmState, time: float) -> None:
        """One step of the slow side: `seen` of the arm, at `time` [s] of the session's own clock."""
        self._seen, self._time = seen, time
        nothing_asked = not self._asks
        if self._controller.status.causes and TABLE[self.state][Event.FAULT] is not self.state:
            self._take(Event.FAULT)
        if self._tared_at is None:
            self._tare()
        while self._asks and self._tared_at is not None and self._asks[0][0] <= time:
            self.request(self._asks.pop(0)[1])
        self._work.update(time, self._controller.status)
        if self.state is State.RUNNING and (wrong := self._wrong):
            self.refusals.append(f"{time:.2f} s: {wrong}")
            self._take(Event.FAULT)
            self._set_point.task = Task.STOP
        if self.state is State.RUNNING and self._work.alarm:
            self.refusals.append(f"{time:.2f} s: paused: {self._work.alarm}")
            self._take(Event.PAUSE)
        if self.state is State.RUNNING and self._work.finished:
            self._take(Event.FINISHED)
            self.over = True
            late = f"comes too late: the press ended at {time:.2f} s"
            self.refusals += [f"{at:.2f} s: {event} {late}" for at, event in self._asks]
        self.over = self.over or (nothing_asked and self.state is not State.RUNNING and self._free)

    def request(self, event: Event | Wish) -> None:
        """What a person asks for, at the time of the last update; a refusal is kept in `refusals`."""
        try:
            if isinstance(event, Wish):
                self._wish(event)
            else:
                self._take(event)
        except (InputError, ValueError) as error:
            self.refusals.append(f"{self._time:.2f} s: {error}")

    def _wish(self, wish: Wish) -> None:
        if self.state is not State.RUNNING:
            raise InputError(f"{wish} is refused: the session is {self.state}")
        self._work.wish(wish, self._controller.status)

    def end(self) -> None:
        """Let the force out at the rate of the plan and withdraw, as at the end of the hold; nothing more is asked."""
        self._asks.clear()  # else a `begin` of the plan would press again, and a late `resume` be waited for
        self._work.end()

    @property
    def _free(self) -> bool:
        return self._controller.status.contact_state in (ContactState.IDLE, ContactState.FAULT)

    @property
    def _wrong(self) -> str:
        """What only the slow side can see; empty: nothing."""
        status = self._controller.status
        asked = self._set_point.task == Task.PRESS
        if asked and self._free and self._time > self._work.asked_at + ANSWER:
            return f"the controller has not begun {ANSWER:g} s after it was asked to press"
        pressing = ContactState.TOUCH <= status.contact_state <= ContactState.HOLD
        if pressing and (area := self._kept_out(np.asarray(status.position))):
            return f"the tool is over {area}, where nothing may press"
        if pressing and self._work.slid_m > SLID_M:
            slid = f"{1e3 * self._work.slid_m:.0f} mm off its way"
            return f"the tool has slid {slid}; at most {1e3 * SLID_M:.0f} mm is allowed"
        return ""

    def _settle(self, time: float, rest_s: float = 0.0) -> None:
        """Begin anew: wait, hold still, then tare; nothing is pressed before somebody asks for it."""
        self._work = self._begin()
        self._readings: list[Floats] = []
        self._residual = math.nan
        self._tared = False
        self._tared_at: float | None = None
        self._active_at, self._time = time + rest_s, time
        self._set_point.stiffness[:] = self._stiffness
        self._set_point.valid_until = time + SETTLE + TARE

    def _tare(self) -> None:
        """Gather readings once the arm has settled, and take their mean as zero."""
        if self._time < self._active_at + SETTLE:
            return
        if self._heard:
            self._readings.append(self._seen.wrench.copy())
        if self._time < self._active_at + SETTLE + TARE:
            return
        self._tared_at = self._time
        if self._readings and np.all(np.isfinite(self._seen.q)):
            readings = np.array(self._readings)
            zero = readings.mean(axis=0)
            self._residual = math.sqrt(float(np.mean(np.sum((readings - zero)[:, :3] ** 2, axis=1))))
            self._tared = self._controller.tare(zero, self._seen.q)

    @property
    def _heard(self) -> bool:
        s = self._seen
        fresh = abs(s.time - s.wrench_time) <= self._controller.settings.sensor_timeout
        return s.has_wrench and fresh and bool(np.all(np.isfinite(s.wrench)))

    def _readiness(self) -> Readiness:
        status = self._controller.status
        fresh_tare = self._tared_at is None or self._time <= self._tared_at
        return Readiness(
            sensor_heard=self._heard,
            tared=self._tared,
            residual_n=self._residual,
            force_n=0.0 if fresh_tare else status.force_measured,
            causes=", ".join(str(cause.name).lower().replace("_", " ") for cause in Cause if cause in status.causes),
            astray=self._astray,
            kept_out=self._kept_out(self._work.target) or "",
            alarm=self._work.alarm,
            limits_loaded=self._controller.settings.force_max <= self._work.force_n,
            person=self.plan.person,
            tool=self._tool,
        )

    @property
    def _astray(self) -> str:
        """How the tool stands beside the way to the target, further than the controller follows; empty: it does not."""
        if not np.all(np.isfinite(self._seen.q)):
            return "nobody knows how far"
        settings, pose = self._controller.settings, self._controller.model.forward(self._seen.q)
        direction = self._work.direction
        off = pose[:3, 3] - self._work.target
        across = float(np.linalg.norm(off - (direction @ off) * direction))
        turn = (Rotation.from_matrix(pose[:3, :3]) * Rotation.from_quat(self._work.quaternion).inv()).magnitude()
        said = []
        if not across <= settings.jump_position:
            said.append(f"{1e3 * across:.0f} mm")
        if not turn <= settings.jump_angle:
            said.append(f"{math.degrees(turn):.0f} deg")
        return " and ".join(said)

    def _take(self, event: Event) -> None:
        """Let an event happen, and ask of the controller what the next state orders."""
        following = react(self.state, event, self._readiness(), self._free)
        if event is Event.ACKNOWLEDGE:
            self._controller.activate(self._seen)  # first: where it raises, nothing has changed
            self._stand_still()
            self._settle(self._time)
        changed, self.state = following is not self.state, following
        if not changed:
            return
        match ORDERS[following]:
            case Order.FOLLOW:
                self._work.press(self._time)
            case Order.RELEASE:
                self._work.pause(self._time)
            case Order.STOP:
                self._set_point.task = Task.STOP
            case Order.YIELD:
                self._work.pause(self._time)
                self._set_point.stiffness[:] = (0.0, 0.0, 0.0)
            case Order.HOLD:
                pass  # a finished press has withdrawn; after an acknowledgement the arm stands still already

    def _stand_still(self) -> None:
        """Want the arm to be where it is."""
        pose = self._controller.model.forward(self._seen.q)
        self._set_point.position[:] = pose[:3, 3]
        self._set_point.quaternion[:] = Rotation.from_matrix(pose[:3, :3]).as_quat()
        self._set_point.press_direction[:] = pose[:3, 2]
