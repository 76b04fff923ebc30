"""Between a real arm's driver and the nodes: its topics as the profile names them, ours on the other side.

It decides nothing about force. It says which step is missing before the arm may be commanded, and when commands stop
coming, or anything it hears cannot be true, it lets the force fade and the arm float, and stays so.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from geometry_msgs.msg import Pose, WrenchStamped
from massage_arm.native import InputError
from massage_arm.urdf import TCP
from massage_msgs.msg import ArmStatus, CartesianTarget, Heartbeat, JointEffort
from rclpy.node import Node
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from .adapted import Clock, Commands, Translation, command_topics, commands_problem, joints_problem, quality, stamp_of
from .messages import NEWEST, hear_one, stamp, wrench_message
from .process import serve
from .ready import ReadyChecks
from .station import load_station
from .supervisor import ARM

COMMAND_TIMEOUT = 0.04
"""s of the arm's clock after which a command is too old."""
SILENT_S = 0.1
"""s of our clock without a joint state after which the arm counts as lost."""
LET_GO = 0.05
"""s in which the force then fades."""
_STATUS_S = 0.02
SIMULATED = "simulated_arm"
"""Node that plays a driver: what it plays is pressed without having been verified, since nobody is there."""


class ArmAdapter(Node):
    """One arm."""

    def __init__(self) -> None:
        super().__init__("arm_adapter")
        self.declare_parameter("station", "")
        self._station = station = load_station(str(self.get_parameter("station").value))
        profile = station.profile
        if why := "; ".join(profile.unknown(station.command)):
            raise InputError(f"arm {profile.name}: {why}")
        assert profile.wrench is not None
        self._translate, self._arm_clock = Translation(station), Clock()
        self._names = [joint.name for joint in profile.joints]
        self._checks = ReadyChecks(self, profile)
        self._native: JointState | None = None
        self._native_at = 0.0
        self._command: CartesianTarget | JointEffort | None = None
        self._woken = threading.Event()
        self._now = self._wrench_at = -1.0
        self._following, self._trouble, self._spoilt = False, "", ""
        self._let_go_at: float | None = None
        self._since, self._age = 0.0, float("nan")
        self._thinned = 1.0 / station.command.rate_hz
        topics = command_topics(station.command)
        self._topics = [topic for topic, _ in topics.values()]
        publish = {
            carried: self.create_publisher(kind, topic, NEWEST).publish for carried, (topic, kind) in topics.items()
        }
        self._commands = Commands(station, publish, lambda: self.get_clock().now().to_msg())
        self._joints = self.create_publisher(JointState, "arm/joint_states", NEWEST)
        self._wrench = self.create_publisher(WrenchStamped, "arm/wrench", NEWEST)
        self._status = self.create_publisher(ArmStatus, "arm/status", 10)
        self._heartbeat = self.create_publisher(Heartbeat, "heartbeat", 10)
        for kind, told, hear in (
            (JointState, profile.joint_states, self._hear_joints),
            (WrenchStamped, profile.wrench, self._hear_wrench),
        ):
            hear_one(self, kind, told.topic, hear, self._second, quality(told.reliability))
        targets = station.command.kind == "set_points"
        self._command_topic = "arm/target" if targets else "arm/effort"
        command = CartesianTarget if targets else JointEffort
        hear_one(self, command, self._command_topic, self._hear_command, self._second)
        self.create_service(SetBool, "arm/follow", self._follow)

    def work(self, stop: threading.Event) -> None:
        """Hand over what comes, whichever way it goes; look whether anything stopped coming."""
        told = 0.0
        while not stop.is_set():
            self._woken.wait(_STATUS_S)
            self._woken.clear()
            native, self._native = self._native, None
            if native is not None:
                self._hand_over(native)
            self._pass_on()
            if time.monotonic() - told >= _STATUS_S:
                told = time.monotonic()
                self._tell()
                self._heartbeat.publish(Heartbeat(node=ARM))
        self._leave()

    def _leave(self) -> None:
        """Whoever ends the adapter does not leave the last command to a driver that repeats it."""
        if self._following:
            self._let_go("it was ended")
        until = time.monotonic() + 2.0 * LET_GO
        while self._let_go_at is not None and time.monotonic() < until:
            self._pass_on()
            time.sleep(0.1 * LET_GO)

    # The way up.

    def _hand_over(self, message: JointState) -> None:
        stamped = stamp_of(message)
        if why := joints_problem(message, self._names) or self._arm_clock.take(stamped, time.monotonic()):
            self._spoilt = self._spoilt or f"{self._station.profile.joint_states.topic}: {why}"
            return
        now = self._arm_clock.since_first(stamped)
        self._newest = message
        if now - self._now >= 0.9 * self._thinned or self._now < 0.0:  # 0.9: a rate is never met exactly
            self._now = now
            self._joints.publish(self._translate.joints(message, now))

    def _hear_wrench(self, message: WrenchStamped) -> None:
        """At once, so that it is there before the joint state that others wait for."""
        self._wrench_at = time.monotonic()
        at = self._arm_clock.since_first(stamp_of(message))
        self._wrench.publish(wrench_message(self._translate.wrench(message), max(0.0, at), TCP))

    # The way down.

    def _pass_on(self) -> None:
        """The newest command, or what becomes of the arm without one."""
        silent = time.monotonic() - self._native_at
        if self._following and self._spoilt:
            self._let_go(self._spoilt)
        if self._following and silent > SILENT_S:
            self._let_go(f"{self._station.profile.joint_states.topic} has been silent for {1e3 * silent:.0f} ms")
        if self._following:
            self._obey()
        elif self._let_go_at is not None:
            share = max(0.0, 1.0 - (time.monotonic() - self._let_go_at) / LET_GO)
            self._commands.fade(share, self._pose())

    def _obey(self) -> None:
        command = self._command
        if command is None:
            if self._now - self._since > COMMAND_TIMEOUT:
                self._let_go("commands have not come")
            return
        self._age = self._now - stamp_of(command)
        if why := commands_problem(command, self._names, self._age, COMMAND_TIMEOUT):
            self._let_go(why)
        elif isinstance(command, CartesianTarget):
            self._commands.target(command)
        else:
            self._commands.effort(command)

    def _let_go(self, why: str) -> None:
        self._following, self._trouble, self._let_go_at = False, why, time.monotonic()
        self.get_logger().error(f"let go: {why}")
        self._tell()

    def _pose(self) -> Pose:
        """Where the tool is, from the newest joint states."""
        order = [list(self._newest.name).index(name) for name in self._names]
        at = self._station.model.forward([self._newest.position[i] for i in order])
        pose = Pose()
        pose.position.x, pose.position.y, pose.position.z = at[:3, 3].tolist()
        q = pose.orientation
        q.x, q.y, q.z, q.w = Rotation.from_matrix(at[:3, :3]).as_quat().tolist()
        return pose

    # Start.

    def _missing(self) -> str:
        """The first step of the start that is not there, in words; empty: the arm may be commanded."""
        profile, now = self._station.profile, time.monotonic()
        assert profile.wrench is not None
        if self._spoilt:
            return self._spoilt
        if self._now < 0.0:
            return f"nothing comes on {profile.joint_states.topic}; is the driver on?"
        if now - self._native_at > SILENT_S:
            return f"{profile.joint_states.topic} is silent"
        if now - self._wrench_at > SILENT_S:
            return f"nothing comes on {profile.wrench.topic}; no force can be felt"
        if why := self._checks.missing(self._simulated):
            return why
        if not self._simulated and (why := profile.refusal(on_person=False, command=self._station.command)):
            return why
        for topic in self._topics:
            senders = {sender.node_name for sender in self.get_publishers_info_by_topic(topic)}
            if others := senders - {self.get_name(), "supervisor"}:
                return f"{', '.join(sorted(others))} sends to {topic}, too; nobody but adapter and supervisor may"
            if not self.count_subscribers(topic):
                return f"nobody listens to {topic}; activate {self._station.command.controller}"
        return ""

    @property
    def _simulated(self) -> bool:
        """Whether a simulation plays the driver."""
        senders = self.get_publishers_info_by_topic(self._station.profile.joint_states.topic)
        return bool(senders) and all(sender.node_name == SIMULATED for sender in senders)

    def _follow(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Follow commands from now on, or no more; once it let go by itself, it has to be started anew."""
        if not request.data:
            if self._following:
                self._following, self._let_go_at = False, time.monotonic()
            response.success = True
            return response
        publishers = self.count_publishers(self._command_topic)
        if self._trouble:
            response.message = f"it let go ({self._trouble}); start it anew"
        elif publishers != 1:
            response.message = f"{publishers} publishers on {self._command_topic}; one is needed"
        else:
            response.message = self._missing()
        response.success = not response.message
        if response.success:
            self._command, self._let_go_at, self._since = None, None, self._now
            self._following = True
        return response

    def _tell(self) -> None:
        why = self._trouble or ("" if self._following else self._missing())
        message = ArmStatus(ready=not why, text=why, command_age=self._age, force_true=float("nan"))
        message.header.stamp = stamp(max(0.0, self._now))
        self._status.publish(message)

    # What comes in.

    def _second(self, why: str) -> None:
        self._spoilt = self._spoilt or why

    def _hear_joints(self, message: JointState) -> None:
        self._native, self._native_at = message, time.monotonic()
        self._woken.set()

    def _hear_command(self, message: Any) -> None:
        self._command = message
        self._woken.set()


def main() -> None:
    """Entry point of the process."""
    serve(ArmAdapter)


if __name__ == "__main__":
    main()
