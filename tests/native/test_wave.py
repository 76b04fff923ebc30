"""A force that swings: as the readable version has it, within its bounds, following, and over when it should be."""

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from massage_arm.native import (
    ArmModel,
    ArmState,
    Cause,
    ContactState,
    Controller,
    ControllerSettings,
    GuardLimits,
    InputError,
    SetPoint,
    Task,
)
from massage_arm.native.reference import ReferenceController
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
        self.stiffness, self.rng = stiffness, np.random.default_rng(0)
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
        state.wrench[:3] = -self.force * pose[:3, :3].T @ self.n + self.rng.normal(0.0, 1e-3, 3)
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


def test_the_compiled_wave_is_the_readable_one() -> None:
    """Heights, rates and steady forces drawn anew every 0.3 s of contact with a spring."""
    rng = np.random.default_rng(3)
    press = Press(reference=True, stiffness=1800.0)
    assert press.reference
    swung = False
    for k in range(1800):
        if k % 300 == 0:
            press.set_point.force = rng.uniform(18.0, 26.0)
            press.set_point.wave_force = rng.uniform(2.0, 10.0) * (k % 900 != 600)
            press.set_point.wave_rate = rng.uniform(0.5, 5.0)
        status = press.step()
        swung = swung or press.reference.contact.wave.height > 1.0
        assert (status.contact_state, status.causes) == (press.expected.contact_state, press.expected.causes)
        assert status.force_reference == pytest.approx(press.expected.force_reference, abs=1e-9)
        assert status.tissue_stiffness == pytest.approx(press.reference.contact.wave.stiffness, abs=1e-5)
        np.testing.assert_allclose(press.controller.command.torque, press.expected_command.torque, rtol=0.0, atol=1e-9)
    assert swung
    assert status.causes == Cause(0)
    assert status.tissue_stiffness > 0.0


def swinging(force: float = 30.0, height: float = 20.0, hz: float = 2.0, **more: Any) -> Press:
    """A press that swings for two seconds already."""
    press = Press(**more)
    press.set_point.force = force
    press.press()
    press.set_point.wave_force, press.set_point.wave_rate = height, hz
    press.run(2.0)
    return press


@pytest.mark.parametrize(
    ("height", "hz", "rms", "worst"), [(20.0, 2.0, 1.2, 3.5), (10.0, 1.0, 0.3, 0.6), (6.0, 5.0, 0.5, 1.2)]
)
def test_the_true_force_follows_the_wave(height: float, hz: float, rms: float, worst: float) -> None:
    press = swinging(height=height, hz=hz)
    asked, true = press.run(2.0)
    assert press.controller.status.causes == Cause(0)
    assert asked.max() == pytest.approx(30.0 + height, abs=0.1)
    assert asked.min() == pytest.approx(30.0 - height, abs=0.1)
    turns = np.fft.rfft(asked - asked.mean())
    assert np.fft.rfftfreq(len(asked), DT)[np.abs(turns).argmax()] == pytest.approx(hz)
    assert np.sqrt(np.mean((true - asked) ** 2)) < rms
    assert np.abs(true - asked).max() < worst


@pytest.mark.parametrize("stiffness", [1000.0, 2500.0, 8000.0])
def test_the_stiffness_of_the_tissue_is_told_by_what_is_asked(stiffness: float) -> None:
    press = swinging(stiffness=stiffness)
    assert press.controller.status.tissue_stiffness == pytest.approx(stiffness, rel=0.25)


HEIGHT, HZ = st.floats(0.0, 500.0), st.floats(0.0, 1e3)
STEADY = st.floats(0.0, 100.0)


# To shrink an example takes minutes, and it is as telling as it is.
@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    asks=st.lists(st.tuples(STEADY, HEIGHT, HZ), min_size=3, max_size=3),
    most=st.floats(10.0, 60.0),
)
def test_no_wave_leaves_the_touch_force_and_the_cap_or_is_steeper_than_allowed(
    asks: list[tuple[float, float, float]], most: float
) -> None:
    g = ControllerSettings(settle_time=0.05, force_max=most)
    press = Press(g=g)
    press.set_point.force = 0.5 * most
    press.press()
    before, least = press.controller.status.force_reference, g.touch_force
    for press.set_point.force, press.set_point.wave_force, press.set_point.wave_rate in asks:
        for _ in range(300):
            status = press.step()
            if not ContactState.RAMP <= status.contact_state <= ContactState.HOLD:
                return  # the guard ended it
            least = min(least, press.set_point.force)
            assert least - 1e-9 <= status.force_reference <= most + 1e-9
            slope = (status.force_reference - before) / DT
            assert abs(slope) <= g.wave_slope_max + g.force_rate_max + 2.0 * g.wave_growth
            before = status.force_reference


def test_no_wave_begins_before_the_steady_force_is_there() -> None:
    press = Press()
    press.set_point.wave_force, press.set_point.wave_rate = 10.0, 3.0
    for _ in range(3000):
        status = press.step()
        if status.contact_state == ContactState.RAMP and status.force_reference < 30.0 - QUICK.touch_force:
            assert status.force_reference <= press.controller.settings.touch_force + 60.0 * 3.0
            rising = status.force_reference
        if status.contact_state == ContactState.HOLD:
            break
    asked, _ = press.run(1.5)
    assert rising > 20.0
    assert np.ptp(asked) == pytest.approx(20.0, abs=0.2)


def test_a_wave_grows_and_fades_without_a_step() -> None:
    press = Press()
    press.press()
    press.set_point.wave_force, press.set_point.wave_rate = 15.0, 2.0
    growing, _ = press.run(1.5)
    press.set_point.wave_force = 0.0
    fading, _ = press.run(1.5)
    steps = np.abs(np.diff([*growing, *fading])) / DT
    assert np.ptp(growing) > 29.0
    assert steps.max() < 2.0 * np.pi * 2.0 * 15.0 + QUICK.wave_growth
    np.testing.assert_allclose(fading[-100:], 30.0)


@pytest.mark.parametrize("task", [Task.STOP, Task.RELEASE])
def test_letting_go_ends_the_wave(task: Task) -> None:
    press = swinging()
    press.set_point.task = task
    asked, true = press.run(0.3 if task == Task.STOP else 1.2)
    assert (np.diff(asked) <= 0.0).all()
    assert true[-1] < 1.0
    assert press.controller.status.contact_state in (ContactState.RETRACT, ContactState.IDLE)


def test_a_wave_of_one_press_is_not_gone_on_with_in_the_next() -> None:
    press = swinging()
    press.set_point.task, press.set_point.wave_force = Task.RELEASE, 0.0
    press.run(2.5)
    assert press.controller.status.contact_state == ContactState.IDLE
    press.set_point.task = Task.PRESS
    press.press()
    asked, true = press.run(0.5)
    np.testing.assert_allclose(asked, 30.0)
    np.testing.assert_allclose(true, 30.0, atol=2.0)


def test_limits_of_another_place_hold_from_the_next_press_on() -> None:
    press = Press()
    press.controller.relimit(20.0, GuardLimits(force_hard=30.0, force_cap=21.1))
    press.set_point.force, press.set_point.wave_force, press.set_point.wave_rate = 45.0, 10.0, 1.0
    press.set_point.force_rate = 15.0
    press.press()
    asked, true = press.run(1.0)
    assert asked.max() <= 20.0
    assert true.max() < 21.1
    assert press.controller.settings.force_max == 20.0
    assert press.controller.limits.force_cap == 21.1


def test_the_guard_stands_for_the_new_limits() -> None:
    press = Press()
    press.controller.relimit(40.0, GuardLimits(force_hard=15.0, force_cap=12.0))
    press.set_point.force = 30.0
    for _ in range(2000):
        if press.step().causes:
            break
    assert press.controller.status.causes & (Cause.OVER_CAP | Cause.OVER_FORCE)
    assert press.force < 16.0


@pytest.mark.parametrize(
    "until", [ContactState.APPROACH, ContactState.HOLD, ContactState.RELEASE, ContactState.RETRACT]
)
def test_limits_do_not_change_while_anything_is_pressed(until: ContactState) -> None:
    press = Press()
    if until == ContactState.APPROACH:
        press.step()
    else:
        press.press()
        press.set_point.task = Task.PRESS if until == ContactState.HOLD else Task.RELEASE
        for _ in range(2000):
            if press.step().contact_state == until:
                break
    assert press.controller.status.contact_state == until
    before = press.controller.settings, press.controller.limits
    with pytest.raises(ValueError, match="limits change only while nothing is pressed"):
        press.controller.relimit(50.0, GuardLimits())
    assert (press.controller.settings, press.controller.limits) == before


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_a_limit_that_is_none_is_refused_and_changes_nothing(bad: float) -> None:
    press = Press()
    before = press.controller.settings, press.controller.limits
    with pytest.raises(InputError, match="force_max"):
        press.controller.relimit(bad, GuardLimits(force_cap=5.0))
    assert (press.controller.settings, press.controller.limits) == before


def stroke(press: Press, seconds: float, *, way: float = 0.03, hz: float = 0.5, every: int = 10) -> np.ndarray:
    """(N,) m across of the governed reference, under set-points that swing across with their twists."""
    turn, out = 2.0 * np.pi * hz, []
    begin = press.state.time
    for k in range(round(seconds / DT)):
        if k % every == 0:
            age = press.state.time - begin
            s = press.set_point
            s.position[:] = press.surface + 0.5 * way * (1.0 - np.cos(turn * age)) * press.across
            s.twist[:3] = 0.5 * way * turn * np.sin(turn * age) * press.across
            s.valid_until = press.state.time + 0.1
        out.append(float(press.across @ press.step().set_position))
    return np.array(out)


def test_set_points_with_a_twist_lead_the_reference_without_a_stutter() -> None:
    press = Press()
    press.press()
    way, hz = 0.03, 0.5
    places = stroke(press, 3.0, way=way, hz=hz)
    turn = 2.0 * np.pi * hz
    age = DT * np.arange(len(places))  # it hears of a set-point a cycle later
    sharpest = 0.5 * way * turn**2  # m/s²
    np.testing.assert_allclose(
        places - places[0], 0.5 * way * (1.0 - np.cos(turn * age)), atol=0.55 * sharpest * 0.01**2
    )
    # Led on straight for 10 ms it is off by a T²/2, which the next set-point makes up for in one cycle.
    speed = np.diff(places) / DT
    assert np.abs(np.diff(speed)).max() < sharpest * (0.01 + 0.5 * 0.01**2 / DT)


def test_without_a_twist_the_same_set_points_do_stutter() -> None:
    """What the test above is worth: positions alone make a staircase."""
    press = Press()
    press.press()
    turn = 2.0 * np.pi * 0.5
    begin, out = press.state.time, []
    for k in range(1500):
        if k % 10 == 0:
            press.set_point.position[:] = (
                press.surface + 0.015 * (1.0 - np.cos(turn * (press.state.time - begin))) * press.across
            )
        out.append(float(press.across @ press.step().set_position))
    assert np.abs(np.diff(np.diff(out) / DT)).max() > 0.1  # with twists below 0.01


@pytest.mark.parametrize("valid", [0.1, 1e6])
def test_a_set_point_that_is_not_followed_by_another_stops_the_reference_within_a_tenth_of_a_second(
    valid: float,
) -> None:
    press = Press()
    press.press()
    stroke(press, 0.5)
    last = press.state.time
    press.set_point.valid_until = last + valid
    places = []
    for _ in range(300):
        places.append(float(press.across @ press.step().set_position))
    moved = np.abs(np.diff(places))
    assert moved[:50].min() > 1e-5  # it is led on for a while
    assert moved[101:].max() < 1e-12
    assert abs(places[-1] - places[0]) < 0.1 * 0.05


def test_a_twist_turns_the_attitude_too_without_a_stutter() -> None:
    press = Press()
    press.press()
    begin, out = press.state.time, []
    attitude = Rotation.from_quat(press.set_point.quaternion)
    normal = press.n.copy()
    for k in range(1000):
        if k % 10 == 0:
            turn = Rotation.from_rotvec(0.15 * (press.state.time - begin) * press.across)
            press.set_point.quaternion[:] = (turn * attitude).as_quat()
            press.set_point.press_direction[:] = turn.apply(normal)
            press.set_point.twist[3:] = 0.15 * press.across
            press.set_point.valid_until = press.state.time + 0.1
        status = press.step()
        out.append((status.set_quaternion.copy(), status.press_direction.copy()))
    quaternions, directions = (np.array(each)[100:] for each in zip(*out, strict=True))
    rates = (Rotation.from_quat(quaternions[1:]) * Rotation.from_quat(quaternions[:-1]).inv()).magnitude() / DT
    np.testing.assert_allclose(rates, 0.15, atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(np.diff(directions, axis=0), axis=1) / DT, 0.15, atol=2e-3)
