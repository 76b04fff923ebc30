"""A force that swings: as the readable version has it, within its bounds, following, and over when it should be."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from massage_arm.native import ArmModel, Cause, ContactState, Controller, ControllerSettings, GuardLimits, InputError
from massage_arm.native import ArmState, SetPoint, Task
from massage_arm.native.reference import ReferenceController
from massage_arm.native.reference.wave import Wave
from massage_arm.urdf import TCP, arm_description, arm_with_tool, tool_file
from scipy.spatial.transform import Rotation

POSTURE = np.array([0.1, 0.6, 0.0, -1.4, 0.2, 1.1, 0.3])
QUICK = ControllerSettings(settle_time=0.05)
DESCRIPTION = arm_description("iiwa14")
MODEL = ArmModel.from_urdf(arm_with_tool(DESCRIPTION, tool_file("thumb")), TCP, base=DESCRIPTION.base)
LIMIT, RATE = DESCRIPTION.torque_limits, DESCRIPTION.torque_rates
STIFF = 2500.0  # N/m of the body
DT = 0.001


class Press:
    """The thumb of an ideal arm on a flat spring, and the set-point that is asked of it."""

    def __init__(self, *, reference: bool = False, g: ControllerSettings = QUICK, stiffness: float = STIFF) -> None:
        self.stiffness = stiffness
        limits = GuardLimits(force_hard=80.0, force_cap=66.0)
        self.controller = Controller(MODEL, g, LIMIT, RATE, limits=limits)
        self.reference = ReferenceController(MODEL.chain, g, LIMIT, RATE) if reference else None
        self.state, self.set_point = ArmState(7), SetPoint()
        self.state.q[:], self.state.has_torque, self.state.has_wrench = POSTURE, True, True
        pose = MODEL.forward(POSTURE)
        self.n, self.across = pose[:3, 2], pose[:3, 0]
        self.surface = pose[:3, 3] + 0.002 * self.n
        s = self.set_point
        s.position[:], s.press_direction[:] = self.surface, self.n
        s.quaternion[:] = Rotation.from_matrix(pose[:3, :3]).as_quat()
        s.force, s.force_rate, s.approach_speed = 30.0, 60.0, 0.04
        s.stiffness[:], s.valid_until = (800.0, 150.0, 10.0), 1e9
        for each in [self.controller, *([self.reference] if self.reference else [])]:
            each.activate(self.state)
            each.tare(np.zeros(6), POSTURE)
        s.task = Task.HOLD
        self.step()
        s.task = Task.PRESS

    def step(self) -> Any:
        """One cycle of controller and arm; its status."""
        state = self.state
        pose, J = MODEL.forward(state.q), MODEL.jacobian(state.q)
        self.force = self.stiffness * max(0.0, float(self.n @ (pose[:3, 3] - self.surface)))
        state.time += DT
        state.wrench_time = state.time
        state.wrench[:3] = -self.force * pose[:3, :3].T @ self.n
        command, status = self.controller.step(state, self.set_point, DT)
        if self.reference:
            self.expected_command, self.expected = self.reference.step(state, self.set_point, DT)
        passive = MODEL.bias(state.q, state.dq) - MODEL.gravity(state.q)  # the arm carries itself
        push = J[:3].T @ (-self.force * self.n)
        ddq = np.linalg.solve(MODEL.mass_matrix(state.q), command.torque - passive + push)
        state.torque[:] = command.torque
        state.dq[:] += ddq * DT
        state.q[:] += state.dq * DT
        return status

    def run(self, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """(asked, true) force of every cycle."""
        asked, true = [], []
        for _ in range(round(seconds / DT)):
            asked.append(self.step().force_reference)
            true.append(self.force)
        return np.array(asked), np.array(true)

    def press(self) -> None:
        """Until the steady force is there."""
        for _ in range(3000):
            if self.step().contact_state == ContactState.HOLD:
                return
        raise AssertionError("no hold")


@pytest.mark.parametrize("seed", range(2))
def test_the_compiled_wave_is_the_readable_one(seed: int) -> None:
    """Heights, rates and steady forces drawn anew every 0.4 s of contact with a spring."""
    rng = np.random.default_rng(seed)
    press = Press(reference=True, stiffness=rng.uniform(1000.0, 4000.0))
    assert press.reference
    swung = False
    for k in range(3000):
        if k % 400 == 0:
            press.set_point.force = rng.uniform(8.0, 45.0)
            press.set_point.wave_force = rng.uniform(0.0, 25.0) * (k % 1600 != 0)
            press.set_point.wave_rate = rng.uniform(0.2, 6.0)
        status = press.step()
        swung = swung or press.reference.contact.wave.height > 1.0
        assert (status.contact_state, status.causes) == (press.expected.contact_state, press.expected.causes)
        assert status.force_reference == pytest.approx(press.expected.force_reference, abs=1e-9)
        assert status.tissue_stiffness == pytest.approx(press.reference.contact.wave.stiffness, abs=1e-5)
        np.testing.assert_allclose(press.controller.command.torque, press.expected_command.torque, rtol=0.0, atol=1e-9)
    assert swung
    assert status.causes == Cause(0)
    assert status.tissue_stiffness > 0.0
