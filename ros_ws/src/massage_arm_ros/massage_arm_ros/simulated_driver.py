"""A simulated arm behind exactly the topics of a real arm's driver, in real time, with the driver's faults.

Joint states and wrench go out with the profile's names, rates, signs and points; commands come in as its controllers
take them, an impedance controller among them. When commands stop coming it does what the profile says that driver does:
mostly it repeats the last one for ever. Until commands come, brakes hold the arm.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped, WrenchStamped
from massage_arm.native import ArmState, Command, InputError
from massage_arm.native.reference.law import damping, task_inertias
from massage_msgs.msg import ArmStatus
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64MultiArray

from .adapted import command_topics, quality
from .heartbeats import Belt
from .messages import NEWEST, stamp, wrench_message
from .process import paced, serve
from .simulated_arm import Scale, simulated
from .station import load_station

Floats = NDArray[np.float64]

STIFFNESS = np.array([1500.0, 1500.0, 1500.0, 30.0, 30.0, 30.0])
"""N/m, Nm/rad, as an operator would set it; own choice."""
DAMPING_RATIO = 0.7
"""Of that spring and what the tip weighs; own choice."""
_JOINT_DAMPING = 0.5  # Nms/rad, of motion that the tool does not see
_CLIP = np.array([0.05, 0.3])  # m, rad off the pose, as such controllers allow
_FASTEST_HZ = 500.0  # of Python and DDS on two busy cores
_STATUS_EVERY = 5
_DAMPED_EVERY = 10  # ms after which the damping is fitted to the posture again


class SimulatedDriver(Node):
    """The arm, the person and the driver of a plan and a station."""

    def __init__(self) -> None:
        super().__init__("simulated_arm")
        for name in ("plan", "station"):
            self.declare_parameter(name, "")
        self._simulation = simulated(self)
        station = load_station(str(self.get_parameter("station").value))
        self._profile, self._command, wrench = station.profile, station.command, station.profile.wrench
        if wrench is None or wrench.point != "tcp" or wrench.axes != "tcp" or wrench.sign not in _SIGNS:
            raise InputError(
                f"arm {self._profile.name}: only one whose wrench is at the TCP, with a sign, can be played"
            )
        self._sign, self._wrench_frame = _SIGNS[wrench.sign], wrench.frame_id
        self._names = [joint.name for joint in self._profile.joints]
        self._scale, self._model = Scale(self._simulation), self._simulation.model
        self._steps = max(2, round(1e3 / min(_FASTEST_HZ, self._profile.joint_states.rate_hz)))
        self._pose: tuple[Floats, Rotation] | None = None
        self._damping: list[Floats] | None = None
        self._wrench_asked, self._torque = np.zeros(6), np.zeros(self._model.n)
        self._commanded_at: float | None = None
        self._braked = 1.0  # s of the driver's clock that passed with brakes on; it does not begin at 0
        states = self._profile.joint_states
        self._joints = self.create_publisher(JointState, states.topic, quality(states.reliability))
        self._wrench = self.create_publisher(WrenchStamped, wrench.topic, quality(wrench.reliability))
        self._truth = self.create_publisher(ArmStatus, "simulated_arm/status", 10)
        self._belt = Belt(self)
        heard = {"pose": self._hear_pose, "wrench": self._hear_wrench, "effort": self._hear_effort}
        for carried, (topic, kind) in command_topics(self._command).items():
            self.create_subscription(kind, topic, heard[carried], NEWEST)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        for check in self._profile.ready:
            if check.field == "data" and check.values == ("true",):
                self.create_publisher(Bool, check.topic, latched).publish(Bool(data=True))

    def work(self, stop: threading.Event) -> None:
        """Live in real time; where this machine is too slow for that, simulated time goes slower, too."""
        for cycle, _ in enumerate(paced(1e-3 * self._steps, stop)):
            if self._commanded_at is None:
                self._braked += 1e-3 * self._steps
            else:
                for _ in range(self._steps):
                    self._live()
            state = self._simulation.arm.read()
            now = self._braked + self._simulation.time
            self._wrench.publish(wrench_message(self._sign * self._scale.on_tool(state), now, self._wrench_frame))
            self._joints.publish(self._states(state, now))
            self._belt.tell(self._simulation.beats, now)
            if cycle % _STATUS_EVERY == 0:
                message = ArmStatus(ready=True, command_age=float("nan"), force_true=self._simulation.pressing_n)
                message.header.stamp = stamp(now)
                self._truth.publish(message)
        self._simulation.close()

    def _states(self, state: ArmState, now: float) -> JointState:
        message = JointState(name=self._names, position=state.q.tolist(), velocity=state.dq.tolist())
        message.header.stamp, message.header.frame_id = stamp(now), self._profile.base
        if self._profile.joint_states.effort == "link_torque_with_gravity":
            message.effort = (state.torque + self._model.gravity(state.q)).tolist()
        elif self._profile.joint_states.effort == "gravity_compensated_torque":
            message.effort = state.torque.tolist()
        return message

    def _live(self) -> None:
        """1 ms."""
        state, command = self._simulation.arm.read(), Command(self._model.n)
        command.torque[:] = self._torque if self._command.kind == "effort" else self._impedance(state)
        if self._ended:
            command.torque[:] = 0.0
        self._simulation.arm.write(command)
        self._simulation.let_pass(1)

    @property
    def _ended(self) -> bool:
        """Whether the driver itself has noticed that commands stopped."""
        most = self._command.timeout_ms
        assert self._commanded_at is not None
        late = most is not None and self._simulation.time - self._commanded_at > 1e-3 * most
        return late and self._command.when_commands_stop != "repeats_last"

    def _impedance(self, state: ArmState) -> Floats:
        """(n,) Nm of the impedance controller beside the driver."""
        if self._pose is None:
            return np.zeros(self._model.n)
        place, attitude = self._pose
        at, jacobian = self._model.forward(state.q), self._model.jacobian(state.q)
        off = np.concatenate([place - at[:3, 3], (attitude * Rotation.from_matrix(at[:3, :3]).inv()).as_rotvec()])
        for part, most in ((slice(0, 3), _CLIP[0]), (slice(3, 6), _CLIP[1])):
            off[part] *= min(1.0, most / max(1e-12, float(np.linalg.norm(off[part]))))
        if self._damping is None or self._simulation.arm.steps % _DAMPED_EVERY == 0:
            inertias = task_inertias(self._model.mass_matrix(state.q), jacobian, 1e-3, 1e-2)[1:]
            springs = STIFFNESS[:3], STIFFNESS[3:]
            self._damping = [damping(m, np.diag(k), DAMPING_RATIO) for m, k in zip(inertias, springs, strict=True)]
        v = jacobian @ state.dq
        slowed = np.concatenate([self._damping[0] @ v[:3], self._damping[1] @ v[3:]])
        force = STIFFNESS * off - slowed + self._wrench_asked
        torque: Floats = jacobian.T @ force - _JOINT_DAMPING * state.dq
        limits = self._simulation.description.torque_limits
        return np.clip(torque, -limits, limits)

    def _hear_pose(self, message: PoseStamped) -> None:
        p, q = message.pose.position, message.pose.orientation
        self._pose = np.array([p.x, p.y, p.z]), Rotation.from_quat([q.x, q.y, q.z, q.w])
        self._commanded_at = self._simulation.time

    def _hear_wrench(self, message: WrenchStamped) -> None:
        f, t = message.wrench.force, message.wrench.torque
        self._wrench_asked = np.array([f.x, f.y, f.z, t.x, t.y, t.z])

    def _hear_effort(self, message: Float64MultiArray) -> None:
        self._torque = np.asarray(message.data)
        self._commanded_at = self._simulation.time


_SIGNS: dict[str, float] = {"on_tool": 1.0, "on_environment": -1.0}


def main() -> None:
    """Entry point of the process."""
    serve(_make)


def _make() -> Any:
    return SimulatedDriver()


if __name__ == "__main__":
    main()
