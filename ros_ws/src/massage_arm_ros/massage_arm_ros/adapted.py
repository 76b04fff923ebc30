"""The topics of a real arm's driver, as its profile names them: messages out of and into ours."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped, WrenchStamped
from massage_arm.native import InputError
from massage_msgs.msg import CartesianTarget, JointEffort
from numpy.typing import NDArray
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from .arm_profile import Command, Wrench, to_tool_wrench
from .messages import seconds, stamp
from .station import TORQUES, Station

Floats = NDArray[np.float64]

KINDS: dict[str, Any] = {
    "geometry_msgs/msg/PoseStamped": PoseStamped,
    "geometry_msgs/msg/WrenchStamped": WrenchStamped,
    "std_msgs/msg/Float64MultiArray": Float64MultiArray,
}
"""The types of commands that can be sent."""
LARGEST = 1e5
"""rad, rad/s, Nm, N: no arm reports more."""
LEAP_S = 1.0
"""s by which the driver's clock may run ahead of ours: more than any message is late."""


def quality(reliability: str) -> QoSProfile:
    """For a topic of the driver, of which only the newest counts."""
    kind = ReliabilityPolicy.RELIABLE if reliability == "reliable" else ReliabilityPolicy.BEST_EFFORT
    return QoSProfile(depth=1, history=HistoryPolicy.KEEP_LAST, reliability=kind)


def command_topics(command: Command) -> dict[str, tuple[str, Any]]:
    """What is carried, to topic and type; InputError for a command that takes services or types we do not know."""
    topics: dict[str, tuple[str, Any]] = {}
    for given in command.inputs:
        if given.by != "topic" or given.type not in KINDS:
            allowed = f"topics of {', '.join(KINDS)} are"
            raise InputError(f"{command.kind}: {given.by} {given.name} of {given.type} is not allowed; {allowed}")
        topics |= {carried: (given.name, KINDS[given.type]) for carried in given.carries}
    return topics


class Clock:
    """The driver's clock, from its first message on; it may not go back, nor leap ahead of ours."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._last = self._ahead = -math.inf

    def take(self, stamp: float, own: float) -> str:
        """A message of `stamp` [s] came at `own` [s, monotonic]; why that cannot be, or nothing.

        Messages come late, never early: the one that came soonest tells how far the two clocks are apart.
        """
        if not stamp > 0.0:
            return "its stamps are 0; the driver must stamp what it sends"
        if self._first is None:
            self._first, self._ahead = stamp, stamp - own
        if stamp < self._last:
            return f"its clock went back by {self._last - stamp:.3f} s"
        if stamp - own > self._ahead + LEAP_S:
            return f"its clock leapt {stamp - own - self._ahead:.2f} s ahead of ours"
        self._last, self._ahead = stamp, max(self._ahead, stamp - own)
        return ""

    def since_first(self, stamp: float) -> float:
        """A stamp [s] on the clock that begins with the first message; 0 before it."""
        return 0.0 if self._first is None else stamp - self._first


def joints_problem(message: JointState, names: list[str]) -> str:
    """Why joint states cannot be used; empty: they can. Joints of others, such as a gripper's, do not matter."""
    missing = [name for name in names if name not in message.name]
    if missing:
        return f"{', '.join(missing)} missing; it names {', '.join(message.name) or 'nothing'}"
    count = len(message.name)
    if len(message.position) != count or len(message.velocity) != count:
        told = f"{len(message.position)} positions and {len(message.velocity)} velocities"
        return f"{told} of {count} joints; one of each is needed"
    values = [*message.position, *message.velocity, *message.effort]
    if not all(abs(value) <= LARGEST for value in values):  # NaN fails, too
        return f"numbers that are not finite or beyond {LARGEST:g}"
    return ""


class Translation:
    """Joint states and wrenches of one arm in our convention."""

    def __init__(self, station: Station) -> None:
        """Raises InputError where the profile does not say how the wrench is to be read."""
        self._station, self._model = station, station.model
        self._names = [joint.name for joint in station.profile.joints]
        wrench = station.profile.wrench
        if wrench is None:
            raise InputError(f"arm {station.profile.name}: it gives no wrench, so pressing needs a force sensor")
        self._wrench: Wrench = wrench
        tool = station.tool
        flange, sensor = np.eye(4), np.eye(4)
        sensor[2, 3] = -tool.length
        flange[2, 3] = -tool.length
        self._in_tool = {"flange": flange, "sensor": sensor}
        to_tool_wrench(np.zeros(6), wrench, self._in_tool)  # what it does not know it says now

    def joints(self, message: JointState, time: float) -> JointState:
        """In our order, at `time` [s]; effort as what the arm applies on top of gravity, or none."""
        order = [list(message.name).index(name) for name in self._names]
        q = np.asarray(message.position)[order]
        out = JointState(name=self._names, position=q.tolist(), velocity=np.asarray(message.velocity)[order].tolist())
        out.header.stamp, out.header.frame_id = stamp(time), self._station.profile.base
        meaning = self._station.profile.joint_states.effort
        if len(message.effort) == len(message.name) and meaning in TORQUES:
            torque = np.asarray(message.effort)[order]
            out.effort = (torque - self._model.gravity(q) if TORQUES[meaning] else torque).tolist()
        return out

    def wrench(self, message: WrenchStamped) -> Floats:
        """(6,) what the environment does to the tool, at the TCP, tool axes."""
        f, t = message.wrench.force, message.wrench.torque
        return to_tool_wrench([f.x, f.y, f.z, t.x, t.y, t.z], self._wrench, self._in_tool)


class Commands:
    """What goes to the driver: kept, so that it can be let fade."""

    def __init__(self, station: Station, publish: dict[str, Callable[[Any], None]], now: Callable[[], Any]) -> None:
        """`publish` by what is carried; `now` gives a stamp."""
        self._publish, self._now, self._frame = publish, now, station.profile.base
        self._pose: Any = None
        self._force = np.zeros(6)
        self._torque = np.zeros(station.model.n)

    def target(self, message: CartesianTarget) -> None:
        """Follow a target."""
        self._pose = message.pose
        f, t = message.wrench.force, message.wrench.torque
        self._force[:] = f.x, f.y, f.z, t.x, t.y, t.z
        self._send(1.0)

    def effort(self, message: JointEffort) -> None:
        """Follow torques."""
        self._torque[:] = message.effort
        self._send(1.0)

    def fade(self, share: float, pose: Any) -> None:
        """A share of the last force or torques, the pose where the arm is: it floats."""
        self._pose = pose
        self._send(share)

    def _send(self, share: float) -> None:
        if "effort" in self._publish:
            self._publish["effort"](Float64MultiArray(data=(share * self._torque).tolist()))
            return
        wrench, place = WrenchStamped(), PoseStamped()
        for message in (wrench, place):
            message.header.stamp, message.header.frame_id = self._now(), self._frame
        f, t = wrench.wrench.force, wrench.wrench.torque
        f.x, f.y, f.z, t.x, t.y, t.z = (share * self._force).tolist()
        place.pose = self._pose
        self._publish["wrench"](wrench)  # first: a pose alone would be followed with the old force
        self._publish["pose"](place)


def commands_problem(message: CartesianTarget | JointEffort, names: list[str], age: float, most: float) -> str:
    """Why commands that are `age` [s] old are not followed, at most `most` is allowed; empty: they are."""
    if isinstance(message, JointEffort):
        if list(message.names) != names or len(message.effort) != len(names):
            told = f"{len(message.effort)} torques of {', '.join(message.names)}"
            return f"{told}; one of each of {', '.join(names)} is needed"
        numbers = list(message.effort)
    else:
        p, q = message.pose.position, message.pose.orientation
        f, t = message.wrench.force, message.wrench.torque
        numbers = [p.x, p.y, p.z, q.x, q.y, q.z, q.w, f.x, f.y, f.z, t.x, t.y, t.z]
    if not all(math.isfinite(number) for number in numbers):
        return "commands that are no numbers"
    if not age <= most:
        return f"commands stopped coming {1e3 * age:.0f} ms ago; at most {1e3 * most:.0f} ms is allowed"
    return ""


def stamp_of(message: Any) -> float:
    """Of its header, s."""
    return seconds(message.header.stamp)
