"""The records of the compiled core as messages, and back; joints are mapped by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import WrenchStamped
from massage_arm.native import ArmState, ContactState, SetPoint, Status
from massage_msgs.msg import CartesianTarget, ControllerStatus, JointEffort
from massage_msgs.msg import SetPoint as SetPointMessage
from numpy.typing import NDArray
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState

Floats = NDArray[np.float64]

NEWEST = QoSProfile(
    depth=1,
    history=HistoryPolicy.KEEP_LAST,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)
"""For what comes at the rate of a loop: an old one is worth nothing."""


def hear_one(
    node: Node, kind: Any, topic: str, callback: Callable[[Any], None], second: Callable[[str], None], qos: Any = None
) -> None:
    """Subscribe to a topic that one node alone may speak on; `second` is told of another as soon as it is there.

    A sender that was killed counts for 20 s more, until DDS has given it up.
    """

    def matched(info: Any) -> None:
        if info.current_count > 1:
            second(f"two publishers on {topic}; one is allowed")

    events = SubscriptionEventCallbacks(matched=matched)
    node.create_subscription(kind, topic, callback, qos or NEWEST, event_callbacks=events)


def stamp(seconds: float) -> Time:
    """Time [s] as a stamp, to the ns."""
    whole = math.floor(seconds)
    return Time(sec=whole, nanosec=min(999_999_999, round(1e9 * (seconds - whole))))


def seconds(time: Time) -> float:
    """A stamp in s."""
    return float(time.sec) + 1e-9 * float(time.nanosec)


class StateReader:
    """Makes an `ArmState` of joint states and wrenches: the newest of each, whatever order names come in."""

    def __init__(self, joint_names: Sequence[str]) -> None:
        self.state = ArmState(len(joint_names))
        """The newest; the same object every time."""
        self._names = list(joint_names)
        self._heard: list[str] = []
        self._order: list[int] = []

    def read(self, joints: JointState, wrench: WrenchStamped | None) -> str:
        """Bring `state` up to date; why that cannot be done, or nothing."""
        if list(joints.name) != self._heard:
            missing = [name for name in self._names if name not in joints.name]
            if missing:
                return f"joint_states: {', '.join(missing)} missing; {', '.join(self._names)} are needed"
            self._order = [list(joints.name).index(name) for name in self._names]
            self._heard = list(joints.name)
        state, order, count = self.state, self._order, len(self._heard)
        if len(joints.position) != count or len(joints.velocity) != count:
            told = f"{len(joints.position)} positions and {len(joints.velocity)} velocities"
            return f"joint_states: {told} of {count} joints; one of each is needed"
        state.time = seconds(joints.header.stamp)
        state.q[:] = np.asarray(joints.position)[order]
        state.dq[:] = np.asarray(joints.velocity)[order]
        state.has_torque = len(joints.effort) == count
        if state.has_torque:
            state.torque[:] = np.asarray(joints.effort)[order]
        state.has_wrench = wrench is not None
        if wrench is not None:
            f, t = wrench.wrench.force, wrench.wrench.torque
            state.wrench[:] = f.x, f.y, f.z, t.x, t.y, t.z
            state.wrench_time = seconds(wrench.header.stamp)
        return ""


def joint_state_message(state: ArmState, names: Sequence[str], frame: str) -> JointState:
    """Joints [rad, rad/s, Nm] at the arm's time."""
    message = JointState(name=list(names), position=state.q.tolist(), velocity=state.dq.tolist())
    message.header.stamp, message.header.frame_id = stamp(state.time), frame
    if state.has_torque:
        message.effort = state.torque.tolist()
    return message


def wrench_message(wrench: Floats, time: float, frame: str) -> WrenchStamped:
    """A wrench (6,) [N, Nm] of `time` [s], in the axes of `frame`."""
    message = WrenchStamped()
    message.header.stamp, message.header.frame_id = stamp(time), frame
    f, t = message.wrench.force, message.wrench.torque
    f.x, f.y, f.z, t.x, t.y, t.z = wrench.tolist()
    return message


def target_message(status: Status, time: float, sequence: int, frame: str) -> CartesianTarget:
    """What the law asks of an impedance controller: its pose across the press direction, its whole force along it.

    The controller's own spring then adds nothing along the press. Once a stop makes the arm limp, the pose is its own.
    """
    message, n = CartesianTarget(sequence=sequence), status.press_direction
    message.header.stamp, message.header.frame_id = stamp(time), frame
    limp = status.contact_state == ContactState.FAULT
    off = np.zeros(3) if limp else status.set_position - status.position
    place = status.position + off - (n @ off) * n
    attitude = status.quaternion if limp else status.set_quaternion
    force = (n @ status.wrench_command[:3]) * n
    p, q, f = message.pose.position, message.pose.orientation, message.wrench.force
    p.x, p.y, p.z = place.tolist()
    q.x, q.y, q.z, q.w = attitude.tolist()
    f.x, f.y, f.z = force.tolist()
    return message


def effort_message(torque: Floats, names: Sequence[str], time: float, sequence: int) -> JointEffort:
    """Torques [Nm] that answer the state of `time` [s]."""
    message = JointEffort(sequence=sequence, names=list(names), effort=torque.tolist())
    message.header.stamp = stamp(time)
    return message


def set_point_message(set_point: SetPoint, time: float, frame: str) -> SetPointMessage:
    """A set-point that is asked for at `time` [s] of the arm's clock."""
    s, message = set_point, SetPointMessage()
    message.header.stamp, message.header.frame_id = stamp(time), frame
    message.valid_until, message.task = float(s.valid_until), int(s.task)
    p, q = message.pose.position, message.pose.orientation
    p.x, p.y, p.z = s.position.tolist()
    q.x, q.y, q.z, q.w = s.quaternion.tolist()
    v, w = message.twist.linear, message.twist.angular
    v.x, v.y, v.z, w.x, w.y, w.z = s.twist.tolist()
    n = message.press_direction
    n.x, n.y, n.z = s.press_direction.tolist()
    message.force, message.force_rate = float(s.force), float(s.force_rate)
    message.wave_force, message.wave_rate = float(s.wave_force), float(s.wave_rate)
    message.approach_speed = float(s.approach_speed)
    message.stiffness = s.stiffness.tolist()
    return message


def set_point_of(message: SetPointMessage) -> SetPoint:
    """The same, back; what it says is checked by the governor, as every set-point is."""
    s = SetPoint()
    s.valid_until, s.task = message.valid_until, message.task
    p, q = message.pose.position, message.pose.orientation
    s.position[:] = p.x, p.y, p.z
    s.quaternion[:] = q.x, q.y, q.z, q.w
    v, w = message.twist.linear, message.twist.angular
    s.twist[:] = v.x, v.y, v.z, w.x, w.y, w.z
    n = message.press_direction
    s.press_direction[:] = n.x, n.y, n.z
    s.force, s.force_rate = message.force, message.force_rate
    s.wave_force, s.wave_rate = message.wave_force, message.wave_rate
    s.approach_speed = message.approach_speed
    s.stiffness[:] = message.stiffness
    return s


def causes_in_words(status: Status) -> str:
    """The latched causes, with commas; empty: none."""
    return ", ".join(
        str(cause.name).lower().replace("_", " ") for cause in type(status.causes) if cause in status.causes
    )


def status_message(status: Status, time: float, set_point_age: float, trouble: str = "") -> ControllerStatus:
    """What the controller is doing at `time` [s] of the arm's clock; `trouble`: what it saw besides its causes."""
    message = ControllerStatus(
        contact_state=int(status.contact_state),
        level=int(status.level),
        causes=int(status.causes),
        limited=int(status.limited),
        cause_text="; ".join(filter(None, (trouble, causes_in_words(status)))),
        force_asked=float(status.force_reference),
        force_measured=float(status.force_measured),
        values=status.values.tolist(),
        set_point_age=set_point_age,
    )
    message.header.stamp = stamp(time)
    return message
