"""The compiled controller: equal to the readable one, total, limited, and letting go when it should."""

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from massage_arm.native import (
    ArmModel,
    ArmState,
    Cause,
    ContactState,
    Controller,
    ControllerSettings,
    GuardLimits,
    Level,
    Limit,
    SetPoint,
    Task,
)
from massage_arm.native.reference import ReferenceController
from massage_arm.urdf import TCP, arm_description, arm_with_tool, tool_file
from scipy.spatial.transform import Rotation

POSTURE = np.array([0.1, 0.6, 0.0, -1.4, 0.2, 1.1, 0.3])
LIMIT, RATE = np.full(7, 60.0), np.full(7, 300.0)
QUICK = ControllerSettings(settle_time=0.05, retract_distance=0.004)
GAP = 0.004  # m, tip to surface at the start
ODD = [np.nan, np.inf, -np.inf, 1e308, -1e308, 1e30, -1.0, 0.0]


@cache
def model() -> Any:
    description = arm_description("iiwa14")
    return ArmModel.from_urdf(arm_with_tool(description, tool_file("thumb")), TCP, base=description.base)


class Bench:
    """An arm in free fall of its own weight over a stiff plane, and the set-point that presses on it."""

    def __init__(self, seed: int = 0, g: ControllerSettings = QUICK, reference: bool = False) -> None:
        rng = np.random.default_rng(seed)
        extra: dict[str, Any] = {
            "sensor": np.array([[0, -1, 0, 0.01], [1, 0, 0, 0], [0, 0, 1, -0.08], [0, 0, 0, 1]], dtype=float),
            "tool_mass": 0.3,
            "tool_com": (0.0, 0.01, 0.03),
            "compensate": "us" if seed % 2 else "robot",
            "payload_mass": 0.4 if seed % 4 == 2 else 0.0,
            "payload_com": (0.01, -0.02, -0.07),
        }
        self.pull = np.array([0.0, 0.0, -9.81]) * (seed % 2)
        self.controller = Controller(model(), g, LIMIT, RATE, limits=GuardLimits(force_cap=34.0), **extra)
        self.reference = ReferenceController(model().chain, g, LIMIT, RATE, **extra) if reference else None
        self.state, self.set_point = ArmState(7), SetPoint()
        self.state.q[:] = POSTURE + rng.uniform(-0.1, 0.1, 7)
        self.state.has_torque = self.state.has_wrench = True
        self.sensor = extra["sensor"]
        pose = model().forward(self.state.q)
        self.state.torque[:] = model().gravity(self.state.q) * (seed % 2)  # an arm at rest
        self.n, self.surface = pose[:3, 2], pose[:3, 3] + GAP * pose[:3, 2]
        s = self.set_point
        s.position[:] = self.surface + rng.normal(0.0, 0.001, 3)
        s.press_direction[:] = self.n
        s.twist[:] = rng.normal(0.0, 0.002, 6)
        self.controller.activate(self.state)
        s.quaternion[:] = self._attitude(pose)
        s.force, s.force_rate, s.approach_speed = rng.uniform(10.0, 30.0), 60.0, 0.04
        s.stiffness[:] = rng.uniform([200.0, 0.0, 10.0], [1200.0, 100.0, 40.0])
        s.valid_until = 1e9
        self.tare = rng.normal(size=6)
        for each in self.both:
            each.activate(self.state)
            each.tare(self.tare, POSTURE)
        self.deaf, self.gone, self.hand, self.hand_rate = False, False, 0.0, 0.0

    @staticmethod
    def _attitude(pose: Any) -> Any:
        return Rotation.from_matrix(pose[:3, :3]).as_quat()

    @property
    def both(self) -> list[Any]:
        return [self.controller] + ([self.reference] if self.reference else [])

    def step(self, dt: float = 0.001) -> tuple[Any, Any]:
        """One cycle of controller and arm; the tip meets the plane at 4 N/mm."""
        state = self.state
        pose, J = model().forward(state.q), model().jacobian(state.q)
        self.hand += self.hand_rate * dt
        depth = float(self.n @ (pose[:3, 3] - self.surface))
        force = -4000.0 * max(0.0, depth) * (not self.gone) * self.n - self.hand * self.n
        state.time += dt
        if not self.deaf:
            state.wrench_time = state.time
            R = pose[:3, :3]
            tool = self.sensor[:3, :3].T
            load = [0.3 * tool @ x.T @ np.array([0, 0, -9.81]) for x in (R, model().forward(POSTURE)[:3, :3])]
            weights = [np.r_[w, np.cross((0.0, 0.01, 0.03), w)] for w in load]
            moment = tool @ np.cross(-self.sensor[:3, 3], R.T @ force)
            state.wrench[:] = self.tare + weights[0] - weights[1] + np.r_[tool @ R.T @ force, moment]
        command, status = self.controller.step(state, self.set_point, dt)
        passive = model().bias(state.q, state.dq) - (0.0 if self.pull.any() else 1.0) * model().gravity(state.q)
        ddq = np.linalg.solve(model().mass_matrix(state.q), command.torque - passive + J[:3].T @ force)
        if self.reference:
            self.expected = self.reference.step(state, self.set_point, dt)
        self.before = state.torque.copy()
        state.torque[:] = command.torque
        state.dq[:] += ddq * dt
        state.q[:] += state.dq * dt
        return command, status

    def run(self, seconds: float, until: ContactState | None = None) -> list[ContactState]:
        seen: list[ContactState] = []
        for _ in range(round(seconds / 0.001)):
            state = self.step()[1].contact_state
            if not seen or seen[-1] != state:
                seen.append(state)
            if state == until:
                break
        return seen

    def press(self, until: ContactState = ContactState.HOLD) -> list[ContactState]:
        self.set_point.task = Task.HOLD
        self.run(0.01)
        self.set_point.task = Task.PRESS
        seen = self.run(3.0, until)
        assert seen[-1] == until
        return seen


@pytest.mark.parametrize("seed", range(2))
def test_controller_is_the_reference_through_a_whole_press(seed: int) -> None:
    bench = Bench(seed, reference=True)
    seen: list[ContactState] = []
    for k in range(2200):
        bench.set_point.task = Task.HOLD if k < 20 else Task.PRESS if k < 1000 else Task.RELEASE
        command, status = bench.step(0.0008 if k % 7 else 0.0013)
        expected_command, expected = bench.expected
        np.testing.assert_allclose(command.torque, expected_command.torque, rtol=0.0, atol=1e-9)
        np.testing.assert_allclose(status.wrench, expected.wrench, rtol=0.0, atol=1e-9)
        np.testing.assert_allclose(status.wrench_command, expected.wrench_command, rtol=0.0, atol=1e-8)
        assert (status.contact_state, status.causes) == (expected.contact_state, expected.causes)
        assert status.force_reference == pytest.approx(expected.force_reference, abs=1e-9)
        if not seen or seen[-1] != status.contact_state:
            seen.append(status.contact_state)
    assert [s for s in seen if s != ContactState.IDLE] == list(ContactState)[1:7]


@pytest.mark.parametrize("seed", range(4))
def test_single_steps_are_the_references_anywhere(seed: int) -> None:
    """Random arms' states, attitudes up to half a turn away and stiffness from nothing to the most."""
    rng = np.random.default_rng(100 + seed)
    for k in range(40):
        bench = Bench(seed, ControllerSettings(stiffness_rate=1e9), reference=True)
        bench.state.q[:] = rng.uniform(model().chain.lower, model().chain.upper) * (k > 0)  # first: outstretched
        bench.state.dq[:] = rng.normal(0.0, 0.3, 7)
        bench.set_point.quaternion[:] = Rotation.random(random_state=int(rng.integers(1 << 31))).as_quat()
        bench.set_point.stiffness[:] = [0.0, 1500.0, 60.0] * rng.choice([0.0, 1e-3, 1.0], 3) + rng.uniform(0.0, 5.0, 3)
        command, status = bench.step()
        expected_command, expected = bench.expected
        np.testing.assert_allclose(status.wrench_command, expected.wrench_command, rtol=1e-9, atol=1e-8)
        np.testing.assert_allclose(command.torque, expected_command.torque, rtol=1e-9, atol=1e-8)


@settings(max_examples=300, deadline=None)
@given(
    record=st.sampled_from(["state", "set_point", "dt"]),
    at=st.integers(0, 43),
    value=st.one_of(st.sampled_from(ODD), st.floats()),
    pressed=st.booleans(),
)
def test_step_is_total_and_limited_whatever_comes_in(record: str, at: int, value: float, pressed: bool) -> None:
    bench = Bench()
    if pressed:
        bench.press(ContactState.APPROACH)
    dt = 0.001
    if record == "dt":
        dt = value
    else:
        values = getattr(bench, record).values
        values[at % len(values)] = value
    last = bench.controller.command.torque.copy()
    for _ in range(3):
        torque = bench.controller.step(bench.state, bench.set_point, dt)[0].torque.copy()
        assert np.isfinite(torque).all()
        assert (np.abs(torque) <= LIMIT).all()
        if not (record == "state" and bench.state.has_torque and np.abs(bench.state.torque).max() > LIMIT[0]):
            before = bench.state.torque if bench.state.has_torque and np.isfinite(bench.state.torque).all() else last
            near = np.minimum(np.abs(torque - before), np.abs(torque - last))
            haste = QUICK.stop_torque_rate if bench.controller.status.level >= Level.RELEASE else 1.0
            assert (near <= RATE * haste * 0.004 + 1e-9).all()
        last = torque


def test_a_nan_state_latches_until_activation() -> None:
    bench = Bench()
    bench.press()
    q = bench.state.q.copy()
    bench.state.q[3] = np.nan
    bench.controller.step(bench.state, bench.set_point, 0.001)
    bench.state.q[:] = q
    bench.state.wrench[:] = bench.tare
    for _ in range(300):
        command, status = bench.controller.step(bench.state, bench.set_point, 0.001)
        assert status.contact_state == ContactState.FAULT
        assert Cause.NOT_FINITE_STATE in status.causes
    # All that is left is a brake, weaker than what it takes to hold anybody.
    assert (command.torque * bench.state.dq <= 0.0).all()
    assert (np.abs(command.torque) <= QUICK.brake_max).all()
    bench.state.dq[:] = 0.0
    bench.gone = True  # with nobody under the tool, else it would be kept away from them
    bench.controller.activate(bench.state)
    bench.controller.tare(bench.tare, POSTURE)
    bench.run(0.01)
    assert bench.controller.status.contact_state == ContactState.IDLE
    assert bench.controller.status.causes == Cause(0)


def test_activation_makes_it_new_bit_for_bit() -> None:
    used, fresh = Bench(), Bench()
    used.press()
    used.state.values[:] = fresh.state.values
    used.controller.activate(used.state)
    used.controller.tare(used.tare, POSTURE)
    for k in range(500):
        used.set_point.task = fresh.set_point.task = Task.HOLD if k < 5 else Task.PRESS
        used.step()
        fresh.step()
        assert used.controller.command.values.tobytes() == fresh.controller.command.values.tobytes()
        assert used.controller.status.values.tobytes() == fresh.controller.status.values.tobytes()


def test_force_asked_for_stays_below_the_cap_and_torques_within_their_limits() -> None:
    bench = Bench(g=ControllerSettings(settle_time=0.05, force_max=18.0))
    bench.set_point.force = 500.0
    bench.press()
    for _ in range(500):
        command, status = bench.step()
        assert status.force_reference <= 18.0
        assert (np.abs(command.torque) <= LIMIT).all()
        assert (np.abs(command.torque - bench.before) <= RATE * 0.001 + 1e-12).all()


def stale_set_point(bench: Bench) -> None:
    bench.set_point.valid_until = bench.state.time


def stale_sensor(bench: Bench) -> None:
    bench.deaf = True


def sudden_force(bench: Bench) -> None:
    bench.hand = 100.0


def over_force(bench: Bench) -> None:
    bench.hand_rate = 150.0


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        (stale_set_point, Cause.STALE_SET_POINT),
        (stale_sensor, Cause.STALE_SENSOR),
        (sudden_force, Cause.FORCE_JUMP),
        (over_force, Cause.OVER_CAP),
    ],
)
def test_trouble_ends_in_release_then_retract(what: Callable[[Bench], None], cause: Cause) -> None:
    bench = Bench()
    bench.press()
    what(bench)
    seen = bench.run(0.3, ContactState.RELEASE)
    assert seen[-1] == ContactState.RELEASE
    bench.hand = bench.hand_rate = 0.0
    seen = bench.run(2.0, ContactState.IDLE)
    assert seen[-2:] == [ContactState.RETRACT, ContactState.IDLE]
    assert cause in bench.controller.status.causes


def test_who_catches_up_with_a_tool_that_withdraws_is_fled_from_as_fast_as_may_be() -> None:
    bench = Bench(g=ControllerSettings(settle_time=0.05), reference=True)
    bench.press()
    bench.set_point.task = Task.STOP
    bench.run(1.0, ContactState.RETRACT)
    bench.gone = True
    bench.run(0.1)
    usual = flight(bench)
    assert 0.08 <= usual < 0.5
    bench.hand = 8.0  # N, of a person who rises faster than the tool
    bench.run(0.02)
    assert flight(bench) == pytest.approx(0.7)


def flight(bench: Bench) -> float:
    """m/s at which the reference goes out."""
    before = bench.controller.status.set_position.copy()
    status = bench.step()[1]
    assert status.contact_state == ContactState.RETRACT
    np.testing.assert_allclose(status.force_measured, bench.expected[1].force_measured, atol=1e-9)
    np.testing.assert_allclose(bench.controller.command.torque, bench.expected[0].torque, atol=1e-6)
    return float(bench.n @ (before - status.set_position)) / 0.001


def test_lost_contact_is_not_pressed_again() -> None:
    bench = Bench()
    bench.press()
    bench.gone = True
    assert bench.run(1.0, ContactState.RETRACT)[-1] == ContactState.RETRACT
    assert bench.controller.status.causes & (Cause.CONTACT_LOST | Cause.FORCE_JUMP)
    bench.gone = False
    assert bench.run(1.0)[-1] == ContactState.IDLE
    for task in Task:
        bench.set_point.task = task
        assert bench.run(0.05) == [ContactState.IDLE]


@pytest.mark.parametrize("value", [1e300, 1e6, -np.inf])
@pytest.mark.parametrize("record", ["q", "dq", "wrench"])
def test_a_reading_that_no_arm_gives_is_a_fault_and_leaves_nothing_behind(record: str, value: float) -> None:
    bench = Bench()
    bench.press()
    getattr(bench.state, record)[2] = value
    status = bench.controller.step(bench.state, bench.set_point, 0.001)[1]
    if record == "wrench":  # no number is silence: the joints still know the way out
        assert (status.contact_state, status.causes) == (ContactState.RELEASE, Cause.STALE_SENSOR)
        return
    assert (status.contact_state, status.causes) == (ContactState.FAULT, Cause.NOT_FINITE_STATE)
    assert np.isfinite(status.values).all()
    assert status.force_reference == status.force_feedback == 0.0


def test_a_blind_arm_whose_weight_is_ours_stays_up() -> None:
    bench = Bench(seed=1)
    bench.run(0.2)
    before = model().forward(bench.state.q)[:3, 3]
    good = bench.state.q.copy()
    bench.state.q[0] = np.nan
    bench.controller.step(bench.state, bench.set_point, 0.001)
    bench.state.q[:] = good
    bench.state.dq[:] = 0.0
    bench.run(0.5)
    assert bench.controller.status.contact_state == ContactState.FAULT
    assert np.linalg.norm(model().forward(bench.state.q)[:3, 3] - before) < 0.02  # free fall: 1.2 m


def test_an_old_set_point_starts_no_press_and_stops_the_motion_but_may_still_let_go() -> None:
    bench = Bench()
    bench.run(0.01)
    bench.set_point.valid_until = 0.0
    bench.set_point.task = Task.PRESS
    assert bench.run(0.05) == [ContactState.IDLE]
    assert bench.controller.status.causes == Cause.STALE_SET_POINT

    bench = Bench()
    bench.set_point.position[:] += (0.0, 0.2, 0.0)
    bench.run(0.1)
    bench.set_point.valid_until = bench.state.time
    bench.step()
    frozen = bench.controller.status.set_position.copy()
    bench.run(0.1)
    np.testing.assert_array_equal(bench.controller.status.set_position, frozen)
    assert bench.controller.status.causes == Cause(0)

    bench = Bench()
    bench.press()
    bench.set_point.valid_until = bench.state.time
    bench.set_point.task = Task.RELEASE
    assert bench.run(0.01)[-1] == ContactState.RELEASE
    assert bench.controller.status.causes == Cause(0)


def test_no_feed_forward_moves_the_arm_faster_than_allowed() -> None:
    bench = Bench()
    bench.press()
    across = np.cross(bench.n, [1.0, 0.0, 0.0])
    bench.set_point.twist[:3] = 5.0 * across / np.linalg.norm(across)
    fastest = 0.0
    for _ in range(500):
        status = bench.step()[1]
        fastest = max(fastest, float(np.linalg.norm(status.twist[:3])))
        assert Limit.SET_POINT in status.limited
    assert fastest < 1.2 * QUICK.speed_max


def test_every_clamp_that_bound_is_told() -> None:
    bench = Bench()
    bench.press()
    assert bench.step()[1].limited == Limit(0)
    bench.set_point.stiffness[1] = 1e9
    assert Limit.SET_POINT in bench.step()[1].limited
    bench = Bench(g=ControllerSettings(settle_time=0.05, force_feedback_max=2.0))
    bench.press()
    bench.hand_rate = -60.0
    assert any(Limit.FORCE_FEEDBACK in bench.step()[1].limited for _ in range(100))


def test_pressing_needs_another_task_first_and_a_released_press_may_be_repeated() -> None:
    bench = Bench()
    bench.set_point.task = Task.PRESS
    assert bench.run(0.1) == [ContactState.IDLE]
    bench.press()
    bench.set_point.task = Task.RELEASE
    assert bench.run(2.0, ContactState.IDLE)[-1] == ContactState.IDLE
    bench.press(ContactState.APPROACH)


def test_step_allocates_nothing() -> None:
    bench = Bench()
    bench.press()
    step, state, set_point = bench.controller.step, bench.state, bench.set_point

    def blocks(steps: int) -> int:
        before = sys.getallocatedblocks()
        for _ in range(steps):
            step(state, set_point, 0.001)
        return sys.getallocatedblocks() - before

    blocks(100)
    assert blocks(10_000) == blocks(1_000)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_tare_of_what_is_no_number_is_refused_and_changes_nothing(bad: float) -> None:
    bench, fresh = Bench(), Bench()
    for wrench, q in ((np.full(6, bad), POSTURE), (np.zeros(6), np.full(7, bad)), (np.zeros(5), POSTURE)):
        with pytest.raises(ValueError, match="a tare needs"):
            bench.controller.tare(wrench, q)
    assert bench.step()[1].values.tobytes() == fresh.step()[1].values.tobytes()


def test_an_arm_that_went_blind_at_rest_is_helped_out_while_somebody_is_felt() -> None:
    bench = Bench()
    bench.hand = 10.0  # N, as from a person under the tool
    bench.step()
    q = bench.state.q.copy()
    bench.state.q[3] = np.nan
    for _ in range(100):
        bench.state.time += 0.001
        bench.state.wrench_time = bench.state.time
        command, status = bench.controller.step(bench.state, bench.set_point, 0.001)
    assert status.causes == Cause.NOT_FINITE_STATE
    outwards = -QUICK.push_out_force * model().jacobian(q)[:3].T @ bench.n
    np.testing.assert_allclose(command.torque, outwards, atol=0.1)
