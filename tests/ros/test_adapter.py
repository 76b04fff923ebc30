"""Between a real arm's driver and the nodes: clocks, joints, wrenches, commands; and whole, behind a played driver."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import Pose, WrenchStamped
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.control.plan import PressPlan
from massage_arm.native import ContactState, InputError, Status
from massage_arm_ros.adapted import (
    LEAP_S,
    Clock,
    Commands,
    Translation,
    command_topics,
    commands_problem,
    joints_problem,
)
from massage_arm_ros.arm_profile import Input, load_arm
from massage_arm_ros.figures import How, held, kill, played
from massage_arm_ros.messages import target_message
from massage_arm_ros.stage import set_stage
from massage_arm_ros.station import Station, load_station
from massage_msgs.action import RunMassage, VerifyHold
from massage_msgs.msg import CartesianTarget, JointEffort
from rclpy.action import ActionClient
from sensor_msgs.msg import JointState

NAMES = [f"fr3_joint{i}" for i in range(1, 8)]
Q = [0.1, -0.5, 0.2, -2.0, 0.1, 1.7, 0.6]


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Station:
    folder = tmp_path_factory.mktemp("station")
    return load_station(set_stage(folder, PressPlan(arm="panda", control_hz=250), "franka_fr3").station)


def joints(**changes: Any) -> JointState:
    return JointState(**{"name": NAMES, "position": Q, "velocity": [0.0] * 7, "effort": [0.0] * 7} | changes)


# Clocks.


@given(
    st.lists(st.floats(0.001, 0.2), min_size=1, max_size=50), st.lists(st.floats(0.0, 0.5), min_size=50, max_size=50)
)
def test_messages_that_come_late_are_no_leap_of_the_clock(steps: list[float], late: list[float]) -> None:
    clock, stamp, came = Clock(), 1.7e9, 0.0
    for step, delay in zip(steps, late, strict=False):
        stamp += step
        came = max(came, stamp - 1.7e9 + delay)  # in the order in which they were sent
        assert clock.take(stamp, came) == ""


@pytest.mark.parametrize(
    ("second", "own", "said"),
    [
        (10.0 + 0.004, 0.004, ""),
        (10.0 - 0.01, 0.004, "went back by 0.010 s"),
        (10.0 + 2.0 * LEAP_S, 0.004, "leapt"),
        (0.0, 0.004, "stamps are 0"),
        (math.nan, 0.004, "stamps are 0"),
    ],
)
def test_a_clock_that_cannot_be_is_named(second: float, own: float, said: str) -> None:
    clock = Clock()
    assert clock.take(10.0, 0.0) == ""
    found = clock.take(second, own)
    assert said in found and bool(found) == bool(said)


# Joints and wrenches.


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"name": [*NAMES[:6], "finger"]}, "fr3_joint7 missing"),
        ({"position": Q[:6]}, "6 positions and 7 velocities of 7 joints"),
        ({"position": [math.nan, *Q[1:]]}, "not finite"),
        ({"velocity": [math.inf] * 7}, "not finite"),
        ({"effort": [1e9] * 7}, "beyond 100000"),
        ({"name": []}, "it names nothing"),
    ],
)
def test_joint_states_that_cannot_be_used_are_named(changes: dict[str, Any], said: str) -> None:
    found = joints_problem(joints(**changes), NAMES)
    assert said in found and bool(found) == bool(said)


def test_joints_go_by_name_and_gravity_is_no_command(station: Station) -> None:
    order = [3, 0, 6, 1, 2, 5, 4]
    weight = station.model.gravity(np.array(Q))
    message = joints(
        name=["finger", *(NAMES[i] for i in order)],
        position=[9.0, *(Q[i] for i in order)],
        velocity=[9.0, *(0.1 * i for i in order)],
        effort=[9.0, *(float(weight[i]) + 0.5 * i for i in order)],
    )
    found = Translation(station).joints(message, 12.25)
    assert list(found.name) == NAMES and list(found.position) == Q
    np.testing.assert_allclose(found.velocity, 0.1 * np.arange(7))
    np.testing.assert_allclose(found.effort, 0.5 * np.arange(7), atol=1e-12)
    assert (found.header.stamp.sec, found.header.stamp.nanosec) == (12, 250_000_000)


def test_the_sign_of_the_wrench_is_ours(station: Station) -> None:
    message = WrenchStamped()
    message.wrench.force.z = 20.0  # libfranka: what the arm does to the environment
    np.testing.assert_allclose(Translation(station).wrench(message), [0.0, 0.0, -20.0, 0.0, 0.0, 0.0])


# Commands.


def test_what_is_sent_as_a_service_or_in_a_type_of_the_makers_is_refused() -> None:
    command = load_arm("franka_fr3").commands[0]
    odd = replace(command, inputs=(Input(("pose",), "topic", "/x", "odd_msgs/msg/Pose"),))
    with pytest.raises(InputError, match="odd_msgs/msg/Pose is not allowed"):
        command_topics(odd)
    with pytest.raises(InputError, match="service /x"):
        command_topics(replace(command, inputs=(Input(("pose",), "service", "/x", "geometry_msgs/msg/PoseStamped"),)))


def target(force: float = 20.0) -> CartesianTarget:
    message = CartesianTarget()
    message.wrench.force.z, message.pose.orientation.w = force, 1.0
    return message


@pytest.mark.parametrize(
    ("message", "age", "said"),
    [
        (target(), 0.01, ""),
        (target(), 0.05, "stopped coming 50 ms ago"),
        (target(), math.nan, "stopped coming"),
        (target(math.nan), 0.01, "no numbers"),
        (JointEffort(names=NAMES, effort=[0.0] * 7), 0.01, ""),
        (JointEffort(names=NAMES[:6], effort=[0.0] * 6), 0.01, "one of each"),
        (JointEffort(names=NAMES[::-1], effort=[0.0] * 7), 0.01, "one of each"),
        (JointEffort(names=NAMES, effort=[math.inf] * 7), 0.01, "no numbers"),
    ],
)
def test_commands_that_are_not_followed_are_named(message: Any, age: float, said: str) -> None:
    found = commands_problem(message, NAMES, age, 0.04)
    assert said in found and bool(found) == bool(said)


def test_a_force_that_fades_goes_out_before_the_pose(station: Station) -> None:
    from builtin_interfaces.msg import Time

    sent: list[tuple[str, Any]] = []
    publish: dict[str, Callable[[Any], None]] = {
        name: lambda message, name=name: sent.append((name, message)) for name in ("pose", "wrench")
    }
    commands = Commands(station, publish, Time)
    commands.target(target(20.0))
    here = Pose()
    here.position.x = 0.3
    commands.fade(0.5, here)
    commands.fade(0.0, here)
    assert [name for name, _ in sent] == ["wrench", "pose"] * 3
    assert [message.wrench.force.z for name, message in sent if name == "wrench"] == [20.0, 10.0, 0.0]
    assert sent[-1][1].pose.position.x == 0.3 and sent[-1][1].header.frame_id == "fr3_link0"


def status(state: ContactState) -> Status:
    found = Status(7)
    found.values[:] = 0.0
    found.values[0] = state
    found.position[:] = 0.5, 0.1, 0.2
    found.set_position[:] = 0.52, 0.1, 0.25
    found.quaternion[:] = 0.0, 1.0, 0.0, 0.0
    found.set_quaternion[:] = 1.0, 0.0, 0.0, 0.0
    found.press_direction[:] = 0.0, 0.0, -1.0
    found.wrench_command[:] = 3.0, 4.0, -20.0, 1.0, 1.0, 1.0
    return found


def test_the_spring_acts_across_the_press_and_the_force_along_it() -> None:
    found = target_message(status(ContactState.HOLD), 1.5, 7, "base")
    p, f = found.pose.position, found.wrench.force
    assert (p.x, p.y, p.z) == pytest.approx((0.52, 0.1, 0.2))
    assert (f.x, f.y, f.z) == pytest.approx((0.0, 0.0, -20.0))
    assert found.pose.orientation.x == 1.0 and found.sequence == 7


def test_an_arm_that_a_stop_made_limp_is_wanted_where_it_is() -> None:
    found = target_message(status(ContactState.FAULT), 1.5, 7, "base")
    p = found.pose.position
    assert (p.x, p.y, p.z) == pytest.approx((0.5, 0.1, 0.2))
    assert found.pose.orientation.y == 1.0


# Whole.


def test_a_driver_that_repeats_the_last_command_lets_go_when_the_adapter_is_killed(domain: int) -> None:
    """Nobody else stands between the nodes and that driver: the supervisor speaks to it then."""
    found = kill("arm_adapter", How.KILL, domain, "franka_fr3")
    assert found.unloaded_s < 0.6  # the figure is 0.3; a shared machine gets some room
    assert found.latched and "adapter is silent" in found.cause


def test_one_action_after_the_other_through_an_adapter(domain: int) -> None:
    """Float, then press, as a first day with an arm goes; the arm's own wrench has the other sign."""
    plan = replace(played("franka_fr3", "panda"), force_n=20.0, hold_s=1.0)
    with held(domain, plan, "franka_fr3") as (_, watch):
        client = ActionClient(watch, VerifyHold, "verify_hold")
        assert client.wait_for_server(10.0)
        refused = client.send_goal_async(VerifyHold.Goal(seconds=3.0))
        rclpy.spin_until_future_complete(watch, refused, timeout_sec=10.0)
        assert not refused.result().accepted, "a press is under way"
        result = watch.goal.result().get_result_async()
        rclpy.spin_until_future_complete(watch, result, timeout_sec=60.0)
        assert result.result().result.done, result.result().result.text
        forces = [force for _, force in watch.forces]
        assert 19.0 < max(forces) < 22.5 and forces[-1] < 1.0
        floating = client.send_goal_async(VerifyHold.Goal(seconds=3.0))
        rclpy.spin_until_future_complete(watch, floating, timeout_sec=10.0)
        assert floating.result().accepted
        result = floating.result().get_result_async()
        rclpy.spin_until_future_complete(watch, result, timeout_sec=30.0)
        assert result.result().result.done, result.result().result.text
        assert 0.0 < result.result().result.drift < 0.005
        too_long = client.send_goal_async(VerifyHold.Goal(seconds=math.nan))
        rclpy.spin_until_future_complete(watch, too_long, timeout_sec=10.0)
        assert not too_long.result().accepted
        wrong = ActionClient(watch, RunMassage, "run_massage").send_goal_async(RunMassage.Goal(session="another"))
        rclpy.spin_until_future_complete(watch, wrong, timeout_sec=10.0)
        assert not wrong.result().accepted
