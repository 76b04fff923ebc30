"""Records as messages: nothing changes on the way, joints go by name, and what is missing is named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from massage_arm.native import ArmState, SetPoint, Task
from massage_arm_ros.messages import (
    StateReader,
    joint_state_message,
    seconds,
    set_point_message,
    set_point_of,
    stamp,
    wrench_message,
)

NAMES = ("a", "b", "c")
numbers = st.floats(-1e3, 1e3)


@given(st.lists(numbers, min_size=64, max_size=64), st.sampled_from(list(Task)))
def test_a_set_point_comes_back_as_it_went(values: list[float], task: Task) -> None:
    there = SetPoint()
    there.values[:] = values[: len(there.values)]
    there.task = task
    back = set_point_of(set_point_message(there, 1.0, "base"))
    assert np.array_equal(back.values, there.values)


@given(st.floats(0.0, 1e6))
def test_a_stamp_keeps_the_time_to_the_nanosecond(time: float) -> None:
    assert seconds(stamp(time)) == pytest.approx(time, abs=2e-9)


@given(st.permutations(NAMES), st.lists(numbers, min_size=15, max_size=15))
def test_joints_are_mapped_by_name_whatever_their_order(order: list[str], values: list[float]) -> None:
    state = ArmState(3)
    state.time, state.wrench_time, state.has_torque = 2.0, 1.998, True
    state.q[:], state.dq[:], state.torque[:], state.wrench[:] = values[:3], values[3:6], values[6:9], values[9:]
    message = joint_state_message(state, NAMES, "base")
    at = [NAMES.index(name) for name in order]
    for field in ("position", "velocity", "effort"):
        setattr(message, field, [getattr(message, field)[i] for i in at])
    message.name = order
    reader = StateReader(NAMES)
    assert reader.read(message, wrench_message(state.wrench, state.wrench_time, "tcp")) == ""
    back = reader.state
    for name in ("q", "dq", "torque", "wrench"):
        assert np.array_equal(getattr(back, name), getattr(state, name))
    assert back.time == pytest.approx(2.0) and back.wrench_time == pytest.approx(1.998)
    assert back.has_torque and back.has_wrench


def test_a_missing_joint_or_number_is_named_and_a_missing_wrench_is_no_zero() -> None:
    state, reader = ArmState(3), StateReader(NAMES)
    message = joint_state_message(state, ("a", "b", "d"), "base")
    assert reader.read(message, None) == "joint_states: c missing; a, b, c are needed"
    message = joint_state_message(state, NAMES, "base")
    message.velocity = [0.0]
    assert "1 velocities of 3 joints" in reader.read(message, None)
    assert reader.read(joint_state_message(state, NAMES, "base"), None) == ""
    assert not reader.state.has_wrench
