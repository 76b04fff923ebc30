"""What is done with the arm besides pressing: over the body to where a session begins, and floating where it is."""

from __future__ import annotations

import numpy as np
from massage_arm.control.press_work import VALID_S
from massage_arm.control.travel import Travel
from massage_arm.native import ArmState
from numpy.typing import NDArray

from .performance import Performance, pointing

Floats = NDArray[np.float64]

ARRIVED_M, ARRIVED_S = 0.01, 3.0
"""Within which the tool is at the start, and how long that may take after the way. Own choice: the controller follows a
set-point that is up to 20 mm off."""
DRIFT_M = 0.005
"""The most that a floating arm may drift: ros_arms, 4.6, level 3, where 30 s are asked for."""
FLOATING = (100.0, 100.0, 5.0)
"""N/m, N/m, Nm/rad of a floating arm: 0.5 N that nobody asked for moves it as far as it may drift."""


class ToStart:
    """From where the tool is to the begin of the session, by minimum jerk; the arm is held all the way."""

    def __init__(self, performance: Performance, state: ArmState) -> None:
        self._performance, self._pose = performance, performance.model.forward(state.q)
        base = performance.station.base
        place = base[:3, :3] @ self._pose[:3, 3] + base[:3, 3]
        self._end, normal = performance.start
        self._travel = Travel(
            performance.field, place, base[:3, :3] @ -self._pose[:3, 2], self._end.copy(), normal.copy()
        )
        self.told = f"{1e3 * np.linalg.norm(self._end - place):.0f} mm in {self._travel.seconds:.1f} s"
        self.missed = "it did not begin"
        """Why the tool is not there; empty: it is."""

    def update(self, state: ArmState, now: float, stopped: bool) -> bool:
        """Bring the set-point up to date at `now` [s since the begin]; True when nothing more is to be done."""
        performance, s = self._performance, self._performance.set_point
        s.valid_until = now + VALID_S
        if stopped:
            performance.hold(state)
            self.missed = "cancelled on the way"
            return True
        to_base, hover = performance.body_to_base, self._travel.at(now)
        turn = to_base[:3, :3]
        performance.hold(state)
        s.position[:] = turn @ hover.position + to_base[:3, 3]
        s.press_direction[:] = turn @ -hover.normal
        s.quaternion[:] = pointing(self._pose[:3, :3], s.press_direction)
        s.twist[:3], s.twist[3:] = turn @ hover.velocity, turn @ hover.turning
        end = turn @ self._end + to_base[:3, 3]
        off = float(np.linalg.norm(performance.model.forward(state.q)[:3, 3] - end))
        self.missed = (
            "" if off <= ARRIVED_M else f"{1e3 * off:.0f} mm off the start; {1e3 * ARRIVED_M:.0f} mm is allowed"
        )
        late = now - self._travel.seconds
        return late > ARRIVED_S or (late > 1.0 and not self.missed)


class Floating:
    """Hold the arm with next to no stiffness and see where it goes."""

    def __init__(self, performance: Performance, state: ArmState, seconds: float) -> None:
        self._performance, self._seconds = performance, seconds
        self._begin = performance.model.forward(state.q)[:3, 3].copy()
        performance.hold(state)
        performance.set_point.stiffness[:] = FLOATING
        self.drift = 0.0
        """m, the most so far."""
        self._whole = False

    def update(self, state: ArmState, now: float, stopped: bool) -> bool:
        """True when nothing more is to be done: over, cancelled, or further away than is allowed."""
        self._performance.set_point.valid_until = now + VALID_S
        away = float(np.linalg.norm(self._performance.model.forward(state.q)[:3, 3] - self._begin))
        self.drift = max(self.drift, away)
        self._whole = now >= self._seconds
        return stopped or self._whole or self.drift > DRIFT_M

    @property
    def wrong(self) -> str:
        """Why it is not as it should be; empty: it is."""
        if self.drift > DRIFT_M:
            drifted = f"it drifted {1e3 * self.drift:.1f} mm; at most {1e3 * DRIFT_M:g} mm is allowed"
            return f"{drifted}: see payload, gravity and mounting"
        return "" if self._whole else "cancelled"
