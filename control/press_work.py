"""One press as the work of a slow side: touch, ramp, hold, release; it turns time and contact into set-points."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..native import ContactState, InputError, SetPoint, Status, Task
from .plan import PressPlan
from .wishes import Wish

Floats = NDArray[np.float64]
TOUCH_FORCE_N = 3.0
VALID_S = 0.1  # a set-point older than this is stale: docs/safety_case.md


class PressWork:
    """Ramp to `force_n` in `ramp_s`, hold it for `hold_s`, let it out in `release_s`, withdraw.

    Time counts from the contact, not from the start: the ramp begins when the tool has settled on the skin.
    """

    def __init__(self, plan: PressPlan, set_point: SetPoint, target: Floats) -> None:
        """`set_point` carries pose, press direction and stiffness; `target` (3,) [m, base] is the place to press."""
        self.plan = plan
        self.set_point = set_point
        self.target, self.direction = target, set_point.press_direction.copy()
        self.quaternion = set_point.quaternion.copy()
        self.force_n = plan.force_n
        self.asked_at = math.inf
        self.alarm = ""
        self.slid_m = 0.0
        self.finished = False
        self._ended = False
        self._held = 0.0
        self._hold_began: float | None = None
        set_point.task = Task.HOLD
        set_point.force = plan.force_n
        set_point.approach_speed = plan.approach_mm_s * 1e-3
        self._ramp()

    def press(self, time: float) -> None:
        """Ask for the approach from now, `time` [s]; after `pause`, for what is left of the hold."""
        self.asked_at = time
        self.set_point.position[:] = self.target
        self.set_point.press_direction[:] = self.direction
        self.set_point.quaternion[:] = self.quaternion
        self.set_point.task = Task.PRESS
        self._ramp()

    def pause(self, time: float) -> None:
        """Ask for release and withdrawal; `time` [s] is that of `update`."""
        if self._hold_began is not None:
            self._held += time - self._hold_began
            self._hold_began = None
        self.set_point.task = Task.RELEASE
        self.set_point.force_rate = self.plan.force_n / self.plan.release_s

    def end(self) -> None:
        """Ask for release and withdrawal, for good."""
        self._ended = True
        self.set_point.task = Task.RELEASE
        self.set_point.force_rate = self.plan.force_n / self.plan.release_s

    def wish(self, wish: Wish, status: Status) -> None:
        """A press has its one force and place: nothing else is done."""
        raise InputError(f"{wish} is refused: a press knows nothing of it, a session does")

    def update(self, time: float, status: Status) -> None:
        """Bring the set-point up to date; sets `finished` once the arm has withdrawn."""
        self.set_point.valid_until = time + VALID_S
        contact = status.contact_state
        if contact is ContactState.HOLD and self.set_point.task is Task.PRESS:
            if self._hold_began is None:
                self._hold_began = time
            if self._held + (time - self._hold_began) >= self.plan.hold_s:
                self.end()
        self.finished = self._ended and contact is ContactState.IDLE

    def _ramp(self) -> None:
        self.set_point.force_rate = max(self.plan.force_n - TOUCH_FORCE_N, 0.0) / self.plan.ramp_s
