"""A simulated arm behind the topics of a real one's driver, in real time: joint states and wrench out, torques in.

Until torques are followed its brakes are on and simulated time stands still; later it floats when they are not.
Torques that stop coming, or are no numbers, or come from two publishers, are followed no more: what is pressed is let
go of, and stays so.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from geometry_msgs.msg import WrenchStamped
from massage_arm.control.plan import parse_plan
from massage_arm.native import ArmState, Command, InputError
from massage_arm.sim.hardware import sensor_pose
from massage_arm.sim.press import PressSimulation
from massage_arm.sim.runs import simulate
from massage_arm.sim.session import SessionSimulation
from massage_arm.urdf import TCP
from massage_msgs.msg import ArmStatus, Heartbeat, JointEffort
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from .heartbeats import Belt
from .messages import NEWEST, hear_one, joint_state_message, seconds, stamp, wrench_message
from .process import paced, serve
from .supervisor import ARM

Floats = NDArray[np.float64]

COMMAND_TIMEOUT = 0.04
"""s of the arm's clock after which torques are too old: below 20 ms, late messages of a busy machine count as lost."""
LET_GO = 0.05
"""s in which torques then fade to nothing; the arm keeps balancing its own weight."""
_STATUS_EVERY = 5  # cycles


def refusal(message: JointEffort, names: Sequence[str], age: float) -> str:
    """Why torques are not followed that are `age` [s] old; empty: they are."""
    if list(message.names) != list(names) or len(message.effort) != len(names):
        told = f"{len(message.effort)} torques of {', '.join(message.names)}"
        return f"{told}; one of each of {', '.join(names)} is needed, in this order"
    if not np.all(np.isfinite(message.effort)):
        return "torques that are no numbers"
    if not age <= COMMAND_TIMEOUT:
        return f"torques stopped coming {1e3 * age:.0f} ms ago; at most {1e3 * COMMAND_TIMEOUT:.0f} ms is allowed"
    return ""


Simulation = PressSimulation | SessionSimulation


def simulated(node: Node) -> Simulation:
    """What the plan file makes that the node's parameter `plan` names; InputError, OSError."""
    plan = parse_plan(Path(str(node.get_parameter("plan").value)).read_text(encoding="utf-8"))
    return simulate(plan)


class Scale:
    """What an arm's own electronics make of its force sensor: the tool's weight, as it was told, is taken out."""

    def __init__(self, simulation: Simulation) -> None:
        self._model = simulation.model
        self._sensor = sensor_pose(simulation.tool)
        self._mass, self._middle = simulation.believed_tool_kg, simulation.tool.com

    def on_tool(self, state: ArmState) -> Floats:
        """(6,) N, Nm at the TCP, tool axes: what the environment does to the tool."""
        down = self._mass * self._model.forward(state.q)[:3, :3].T @ self._model.chain.gravity
        force = state.wrench[:3] - down
        moment = state.wrench[3:] - np.cross(self._middle, down)
        wrench: Floats = np.concatenate([force, moment + np.cross(self._sensor[:3, 3], force)])
        return wrench


class SimulatedArm(Node):
    """The arm and the person of a plan."""

    def __init__(self) -> None:
        super().__init__("simulated_arm")
        self.declare_parameter("plan", "")
        self._simulation = simulated(self)
        self._scale = Scale(self._simulation)
        plan = self._simulation.plan
        if self._simulation.arm.abilities.gravity != "robot":
            raise InputError(f"arm: {plan.arm} is not allowed; one that balances its own weight is, such as iiwa14")
        self._names = self._simulation.joint_names
        self._steps = round(1e3 / plan.control_hz)
        self._newest: JointEffort | None = None
        self._following = False
        self._spoilt = ""
        self._trouble = "nobody has asked for torques to be followed"
        self._let_go_at: float | None = None
        self._since = 0.0
        self._held = Command(len(self._names))
        self._age = float("nan")
        self._joints = self.create_publisher(JointState, "arm/joint_states", NEWEST)
        self._wrench = self.create_publisher(WrenchStamped, "arm/wrench", NEWEST)
        self._status = self.create_publisher(ArmStatus, "arm/status", 10)
        self._heartbeat = self.create_publisher(Heartbeat, "heartbeat", 10)
        self._belt = Belt(self)
        hear_one(self, JointEffort, "arm/effort", self._hear, self._second)
        self.create_service(SetBool, "arm/follow", self._follow)

    def work(self, stop: threading.Event) -> None:
        """Live in real time; where this machine is too slow for that, simulated time goes slower, too."""
        for cycle, _ in enumerate(paced(1e-3 * self._steps, stop)):
            if self._following or self._let_go_at is not None:
                self._live()
            state = self._simulation.arm.read()
            # The wrench first: joint states are what others wait for.
            self._wrench.publish(wrench_message(self._scale.on_tool(state), state.wrench_time, TCP))
            self._joints.publish(joint_state_message(state, self._names, "arm_base"))
            self._belt.tell(self._simulation.beats, state.time)
            if cycle % _STATUS_EVERY == 0:
                self._tell(state.time)
                self._heartbeat.publish(Heartbeat(node=ARM))
        self._simulation.close()

    def _live(self) -> None:
        now = self._simulation.time
        if self._following and self._spoilt:
            self._let_go(self._spoilt)
        if self._following:
            self._take(now)
        if self._let_go_at is not None:
            faded = Command(len(self._names))
            faded.torque[:] = self._held.torque * max(0.0, 1.0 - (now - self._let_go_at) / LET_GO)
            self._simulation.arm.write(faded)
        self._simulation.let_pass(self._steps)

    def _take(self, now: float) -> None:
        """Follow the newest torques, or see why not."""
        newest = self._newest
        if newest is None:
            if now - self._since > COMMAND_TIMEOUT:
                self._let_go("torques have not come")
            return
        self._age = now - seconds(newest.header.stamp)
        if why := refusal(newest, self._names, self._age):
            self._let_go(why)
            return
        self._held.torque[:] = newest.effort
        self._simulation.arm.write(self._held)

    def _let_go(self, why: str) -> None:
        self._following, self._trouble, self._let_go_at = False, why, self._simulation.time
        self.get_logger().error(f"let go: {why}")
        self._tell(self._simulation.time)

    def _hear(self, message: JointEffort) -> None:
        self._newest = message

    def _second(self, why: str) -> None:
        self._spoilt = why

    def _follow(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Follow torques from now on, or no more; once it let go by itself, a simulated arm has to be started anew."""
        publishers = self.count_publishers("arm/effort")
        if not request.data:
            if self._following:
                self._following, self._let_go_at = False, self._simulation.time
            response.success = True
        elif self._trouble and self._let_go_at is not None:
            response.message = f"it let go ({self._trouble}); start it anew"
        elif publishers != 1:
            response.message = f"{publishers} publishers on arm/effort; one is needed"
        else:
            self._following, self._trouble, self._let_go_at, self._newest = True, "", None, None
            self._since = self._simulation.time
            response.success = True
        return response

    def _tell(self, now: float) -> None:
        message = ArmStatus(
            ready=not self._trouble or self._let_go_at is None, text=self._trouble, command_age=self._age
        )
        message.header.stamp = stamp(now)
        message.force_true = self._simulation.pressing_n
        self._status.publish(message)


def main() -> None:
    """Entry point of the process."""
    serve(SimulatedArm)


if __name__ == "__main__":
    main()
