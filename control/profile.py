"""The first pressure profile: touch, ramp, hold, release; it turns time and contact into set-points."""

from __future__ import annotations

from ..native import ArmState, ContactState, SetPoint, Status, Task
from .plan import PressPlan

TOUCH_FORCE_N = 3.0
_VALID_S = 0.1  # a set-point older than this is stale: docs/safety.md, Stopping


class PressProfile:
    """Ramp to `force_n` in `ramp_s`, hold it for `hold_s`, let it out in `release_s`, withdraw.

    Time counts from the contact, not from the start: the ramp begins when the tool has settled on the skin.
    """

    def __init__(self, plan: PressPlan, set_point: SetPoint) -> None:
        """`set_point` carries pose, press direction and stiffness; the profile fills in task, force and validity."""
        self.plan = plan
        self.set_point = set_point
        self.pressing = False
        self.finished = False
        self._hold_began: float | None = None
        rise = max(plan.force_n - TOUCH_FORCE_N, 0.0)
        set_point.task = Task.HOLD
        set_point.force = plan.force_n
        set_point.force_rate = rise / plan.ramp_s
        set_point.approach_speed = plan.approach_mm_s * 1e-3

    def begin(self) -> None:
        """Ask for the approach from the next update on."""
        self.pressing = True
        self.set_point.task = Task.PRESS

    def end(self) -> None:
        """Ask for release and withdrawal."""
        self.pressing = True
        self.set_point.task = Task.RELEASE
        self.set_point.force_rate = self.plan.force_n / self.plan.release_s

    def update(self, state: ArmState, status: Status) -> SetPoint:
        """The set-point for now; sets `finished` once the arm has withdrawn or stopped for a cause."""
        self.set_point.valid_until = state.time + _VALID_S
        contact = status.contact_state
        if contact is ContactState.HOLD and self.set_point.task is Task.PRESS:
            if self._hold_began is None:
                self._hold_began = state.time
            if state.time - self._hold_began >= self.plan.hold_s:
                self.end()
        self.finished = self.pressing and (
            contact is ContactState.FAULT
            or (contact is ContactState.IDLE and (self.set_point.task is Task.RELEASE or status.causes != 0))
        )
        return self.set_point
