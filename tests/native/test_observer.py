"""The momentum observer against Pinocchio: an arm that Pinocchio moves, pushed by wrenches that are known."""

from functools import cache
from typing import Any

import numpy as np
import pinocchio as pin
import pytest
from massage_arm.native import ArmModel, ControllerSettings, GuardLimits
from massage_arm.native.trial import observe_with
from massage_arm.urdf import TCP, arm_description, arm_with_tool, tool_file

G = ControllerSettings()
DT, FINE = 0.001, 20  # s, and how many steps of Pinocchio make one
LIMIT = np.full(7, 60.0)
POSTURE = np.array([0.1, 0.6, 0.0, -1.4, 0.2, 1.1, 0.3])
TORQUE_TOLERANCE = 0.03  # Nm, beside what first order explains
FORCE_TOLERANCE = 0.2  # N


@cache
def arm() -> tuple[Any, Any]:
    """The compiled model, and Pinocchio's of the same text."""
    description = arm_description("iiwa14")
    xml = arm_with_tool(description, tool_file("thumb"))
    theirs = pin.buildModelFromXML(xml)
    return ArmModel.from_urdf(xml, TCP, base=description.base), theirs


class Motion:
    """An arm on its own motors, softly held to a posture while it swings, pushed by a wrench (6,) in base axes."""

    def __init__(self, wrench: Any, speed: float = 0.1, link: str = TCP, seconds: float = 0.6) -> None:
        theirs = arm()[1]
        data, at = theirs.createData(), theirs.getFrameId(link)
        count = round(seconds / DT)
        self.q, self.dq, self.torque, self.external = np.zeros((4, count, 7))
        q, dq, torque = POSTURE.copy(), np.zeros(7), pin.rnea(theirs, data, POSTURE, np.zeros(7), np.zeros(7))
        for k in range(count):
            self.q[k], self.dq[k], self.torque[k] = q, dq, torque
            frame = pin.ReferenceFrame.LOCAL_WORLD_ALIGNED
            self.external[k] = pin.computeFrameJacobian(theirs, data, q, at, frame).T @ wrench(k * DT)
            swing = speed * np.sin(6.0 * k * DT + np.arange(7))
            M = np.triu(pin.crba(theirs, data, q))
            M = M + np.triu(M, 1).T
            torque = pin.nonLinearEffects(theirs, data, q, dq) + M @ (900.0 * (POSTURE - q) + 60.0 * (swing - dq))
            for _ in range(FINE):
                more = pin.computeFrameJacobian(theirs, data, q, at, frame).T @ wrench(k * DT)
                dq = dq + pin.aba(theirs, data, q, dq, torque + more) * DT / FINE
                q = q + dq * DT / FINE
        self.time = np.arange(count) * DT

    def observed(self, **changes: float) -> tuple[Any, Any, Any, Any]:
        """Residual (N, 7), whether the force is believed (N,), force (N, 3), torque off the tool (N,)."""
        numbers = {"bandwidth": G.observer_bandwidth, "weakest": G.observer_weakest, "dt": DT} | changes
        rows = observe_with(arm()[0], self.q, self.dq, self.torque, LIMIT, gravity=(0.0, 0.0, -9.81), **numbers)
        return rows[:, :7], rows[:, 7] == 1.0, rows[:, 8:11], rows[:, 11]

    def first_order(self, bandwidth: float = G.observer_bandwidth) -> Any:
        """What first order with this bandwidth makes of the true external torques."""
        expected, share = np.zeros_like(self.external), bandwidth * DT / (1.0 + bandwidth * DT)
        for k in range(1, len(expected)):
            expected[k] = expected[k - 1] + share * (self.external[k - 1] - expected[k - 1])
        return expected


def steady(force: Any) -> Any:
    return lambda t: np.r_[force, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("force", [(0.0, 0.0, 0.0), (0.0, 0.0, 30.0), (25.0, -10.0, 0.0), (-5.0, 5.0, -50.0)])
def test_a_steady_force_is_found(force: Any) -> None:
    motion = Motion(steady(force))
    residual, valid, felt, off_tool = motion.observed()
    settled = motion.time > 6.0 / G.observer_bandwidth
    assert valid.all()
    assert np.abs(residual - motion.first_order()).max() < TORQUE_TOLERANCE
    assert np.linalg.norm(felt - force, axis=1)[settled].max() < FORCE_TOLERANCE
    assert off_tool[settled].max() < TORQUE_TOLERANCE


def test_a_step_is_found_within_the_stated_time() -> None:
    begin, size = 0.2, 30.0
    motion = Motion(lambda t: np.r_[0.0, 0.0, size * (t >= begin), 0.0, 0.0, 0.0])
    residual, _, felt, _ = motion.observed()
    assert np.abs(residual - motion.first_order()).max() < TORQUE_TOLERANCE
    after = felt[motion.time >= begin, 2]
    rise = DT * int(np.argmax(after >= (1.0 - np.exp(-1.0)) * size))
    assert rise == pytest.approx(1.0 / G.observer_bandwidth, abs=0.003)


@pytest.mark.parametrize("bandwidth", [10.0, 30.0, 150.0])
def test_it_is_first_order_in_every_joint_whatever_pushes(bandwidth: float) -> None:
    def wrench(t: float) -> Any:
        return np.array([20.0 * (t > 0.1), -15.0 * (t > 0.25), 30.0 * (0.1 < t < 0.35), 2.0 * (t > 0.2), 0.0, 1.0])

    motion = Motion(wrench, speed=0.3)
    residual = motion.observed(bandwidth=bandwidth)[0]
    assert np.abs(residual - motion.first_order(bandwidth)).max() < TORQUE_TOLERANCE * max(1.0, bandwidth / 30.0)


@pytest.mark.parametrize("bandwidth", [1e3, 1e5])
def test_no_bandwidth_makes_it_unstable(bandwidth: float) -> None:
    motion = Motion(steady((0.0, 0.0, 30.0)), seconds=0.2)
    residual = motion.observed(bandwidth=bandwidth)[0]
    assert np.abs(residual).max() < 2.0 * np.abs(motion.external).max()


def test_a_push_on_the_elbow_is_told_from_one_on_the_tool() -> None:
    def push(t: float) -> Any:
        return np.array([0.0, 60.0, 0.0, 0.0, 0.0, 0.0])

    elbow = Motion(push, link=arm()[0].chain.joint_names[3].replace("joint", "link")).observed()[3][-1]
    tool = Motion(push).observed()[3][-1]
    assert 5.0 * tool < GuardLimits().collision_torque < elbow


def held(q: Any) -> Any:
    """The observer's last row for an arm held still at q."""
    ours = arm()[0]
    rows = np.tile(q, (5, 1))
    torque = np.tile(ours.gravity(q), (5, 1))
    numbers = {"bandwidth": G.observer_bandwidth, "weakest": G.observer_weakest, "dt": DT}
    return observe_with(ours, rows, np.zeros((5, 7)), torque, LIMIT, gravity=(0.0, 0.0, -9.81), **numbers)[-1]


def test_outstretched_it_is_not_believed_and_says_nothing() -> None:
    for q in (np.zeros(7), np.array([0.3, 0.0, 0.0, 0.02, 0.0, 0.0, 0.0])):
        row = held(q)
        assert row[7] == 0.0
        assert not row[8:].any()
    assert held(POSTURE)[7] == 1.0


def test_where_it_is_believed_no_direction_of_force_is_badly_felt() -> None:
    """Random postures: valid means that 1 Nm wrong on every joint is a bounded error of the force."""
    ours, rng = arm()[0], np.random.default_rng(5)
    worst, believed = {True: 0.0, False: 0.0}, 0
    for _ in range(400):
        q = rng.uniform(ours.chain.lower, ours.chain.upper) * rng.choice([0.02, 0.2, 1.0])
        valid = bool(held(q)[7])
        believed += valid
        J = ours.jacobian(q)[:3]
        worst[valid] = max(worst[valid], 1.0 / float(np.linalg.svd(J, compute_uv=False)[-1]))
    assert 100 < believed < 400
    assert worst[True] < 15.0 < worst[False]


def test_velocity_noise_does_not_grow_in_it() -> None:
    # The acceleration telescopes: one wrong velocity is in the residual once, and gone with the filter.
    motion = Motion(steady((0.0, 0.0, 0.0)), speed=0.0, seconds=0.4)
    motion.dq[100, 3] += 0.01
    residual = motion.observed()[0]
    assert np.abs(residual[100]).max() > 0.05
    assert np.abs(residual[300]).max() < 0.01
