"""The baseline of the stroke bench: force control as most products do it, an admittance on a stiff position loop.

    v_n = (f_ref - f) / d                   along the press direction, f filtered like ours
    v_t = 5/s (place asked for - place)     across it, on top of the set-point's own velocity
    q'_d = J^T (J J^T + 1e-4)^-1 v          what a robot's velocity interface takes
    tau = M (w² (q_d - q) + 2 w (q'_d - q')) + bias,  w = 2 pi 12 Hz    what its own controller makes of that

d is tuned on the strokes of this bench: at 50 it rings under 60 N, at 80 not yet; a quarter above that. No guard, no
tank, no way to let go but the profile's end: it is a yardstick for figures, not for people.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..native import ArmModel, ArmState, Command, ContactState, ControllerSettings, GuardLimits, SetPoint, Status, Task

Floats = NDArray[np.float64]

DAMPING = 100.0
"""Ns/m."""
_LOOP = 2.0 * np.pi * 12.0  # rad/s of the position loop; assumption, industrial arms have 5 to 20 Hz
_ACROSS = 5.0  # 1/s
_FILTER = 0.004  # s, as ours
_TOUCH_N, _SETTLE_S, _RETRACT_M_S, _RETRACT_M = 3.0, 0.15, 0.08, 0.06  # as ours


class AdmittanceController:
    """Looks like `native.Controller` as far as a simulation needs it."""

    def __init__(
        self,
        model: ArmModel,
        settings: ControllerSettings,
        torque_limit: list[float],
        torque_rate: list[float],
        *,
        limits: GuardLimits,
        sensor: Floats,
        tool_mass: float,
        tool_com: Floats,
        **others: Any,
    ) -> None:
        self.model, self.settings, self.limits = model, settings, limits
        self.command, self.status = Command(model.n), Status(model.n)
        self._limit = np.asarray(torque_limit)
        self._sensor, self._tool_mass, self._tool_com = np.asarray(sensor), tool_mass, np.asarray(tool_com)

    def activate(self, state: ArmState) -> None:
        """Hold where the arm is now."""
        self._q = state.q.copy()
        self._zero = np.zeros(6)
        self._state = ContactState.IDLE
        self._age = self._measured = self._reference = self._back = self._phase = self._steady = 0.0
        self._armed = False
        pose = self.model.forward(state.q)
        self._direction = pose[:3, 2]

    def relimit(self, force_max: float, limits: GuardLimits) -> None:
        """Nothing is limited here."""

    def tare(self, wrench: Floats, q: Floats) -> bool:
        """Take a mean reading as zero."""
        self._zero = np.asarray(wrench) - self._load(self.model.forward(q)[:3, :3])
        return True

    def step(self, state: ArmState, s: SetPoint, dt: float) -> tuple[Command, Status]:
        """One cycle."""
        dt = float(np.clip(dt, 5e-4, 4e-3))
        pose, J = self.model.forward(state.q), self.model.jacobian(state.q)
        R, twist = pose[:3, :3], J @ state.dq
        self._direction = n = s.press_direction.copy()
        wrench = state.wrench - self._zero - self._load(R)
        force = R @ (self._sensor[:3, :3] @ wrench[:3])
        self._measured += (1.0 - np.exp(-dt / _FILTER)) * (float(-n @ force) - self._measured)
        v = self._velocity(s, pose, n, dt)
        dq = J.T @ np.linalg.solve(J @ J.T + 1e-4 * np.eye(6), v)
        self._q += dq * dt
        self._q = np.clip(self._q, state.q - 0.05, state.q + 0.05)
        M = self.model.mass_matrix(state.q)
        pull = M @ (_LOOP**2 * (self._q - state.q) + 2.0 * _LOOP * (dq - state.dq))
        coriolis = self.model.bias(state.q, state.dq) - self.model.gravity(state.q)
        self.command.torque[:] = np.clip(pull + coriolis, -self._limit, self._limit)
        self._report(pose, twist, R.T @ force, s)
        return self.command, self.status

    def _velocity(self, s: SetPoint, pose: Floats, n: Floats, dt: float) -> Floats:
        """(6,) m/s, rad/s that is asked of the arm."""
        across = _ACROSS * (s.position - pose[:3, 3])
        turn = (Rotation.from_quat(s.quaternion) * Rotation.from_matrix(pose[:3, :3]).inv()).as_rotvec()
        v = np.concatenate([s.twist[:3] + across, s.twist[3:] + _ACROSS * turn])
        if self._state is ContactState.IDLE and s.task == Task.HOLD:
            self._armed = True
            return v
        v[:3] -= (n @ v[:3]) * n
        v[:3] += self._along(s, dt) * n
        return v

    def _along(self, s: SetPoint, dt: float) -> float:
        """m/s along the press direction, and the state of the contact."""
        self._age += dt
        state = self._state
        pressing = state in (ContactState.TOUCH, ContactState.RAMP, ContactState.HOLD)
        if s.task != Task.PRESS and (pressing or state is ContactState.APPROACH):
            self._enter(ContactState.RELEASE if pressing else ContactState.RETRACT)
        if state is ContactState.IDLE:
            self._reference = 0.0
            if s.task == Task.PRESS and self._armed:
                self._armed = False
                self._enter(ContactState.APPROACH)
            self._armed = self._armed or s.task != Task.PRESS
            return 0.0
        if state is ContactState.APPROACH:
            if self._measured >= _TOUCH_N:
                self._enter(ContactState.TOUCH)
                self._reference = self._steady = _TOUCH_N
            return max(0.004, s.approach_speed * (1.0 - max(0.0, self._measured) / _TOUCH_N))
        if state is ContactState.TOUCH and self._age > _SETTLE_S:
            self._enter(ContactState.RAMP)
        if self._state in (ContactState.RAMP, ContactState.HOLD):
            self._ask(s, dt)
        if state is ContactState.RELEASE:
            self._reference = max(0.0, self._reference - max(1.0, s.force_rate) * dt)
            if self._reference == 0.0:
                self._enter(ContactState.RETRACT)
                self._back = 0.0
        if state is ContactState.RETRACT:
            self._reference = 0.0
            self._back += _RETRACT_M_S * dt
            if self._back >= _RETRACT_M:
                self._enter(ContactState.IDLE)
            return -_RETRACT_M_S
        return (self._reference - self._measured) / DAMPING

    def _ask(self, s: SetPoint, dt: float) -> None:
        """Follow the force that is asked for, swings included."""
        self._steady += float(np.clip(s.force - self._steady, -s.force_rate * dt, s.force_rate * dt))
        self._phase = (self._phase + 2.0 * np.pi * s.wave_rate * dt) % (2.0 * np.pi)
        self._reference = self._steady + s.wave_force * float(np.sin(self._phase))
        reached = self._steady == s.force
        self._state = ContactState.HOLD if reached else ContactState.RAMP

    def _enter(self, state: ContactState) -> None:
        self._state, self._age = state, 0.0

    def _load(self, R: Floats) -> Floats:
        """What the weight beyond the sensor does to it: (6,), sensor axes."""
        weight = self._tool_mass * self._sensor[:3, :3].T @ R.T @ np.array([0.0, 0.0, -9.81])
        return np.concatenate([weight, np.cross(self._tool_com, weight)])

    def _report(self, pose: Floats, twist: Floats, force: Floats, s: SetPoint) -> None:
        values = self.status.values
        values[0] = self._state
        values[2:5], values[5:9] = pose[:3, 3], Rotation.from_matrix(pose[:3, :3]).as_quat()
        values[9:15], values[15:18] = twist, force
        values[21], values[22] = self._measured, self._reference
        values[24:27], values[27:31] = s.position, s.quaternion
        values[-3:] = self._direction
