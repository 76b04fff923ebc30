"""The controller of a session as a lifecycle node: set-points in at 100 Hz, commands out in every cycle of the arm.

The compiled step runs in a thread of its own, woken by the arm's state; ROS only fills the newest values in. Who sends
set-points can die, freeze or flood: a set-point is good until its own time, and two senders are refused.
"""

from __future__ import annotations

import threading
from dataclasses import asdict
from time import monotonic
from typing import Any

import numpy as np
from geometry_msgs.msg import WrenchStamped
from massage_arm.control.press_work import VALID_S
from massage_arm.native import ContactState, Controller, InputError, SetPoint, Task
from massage_msgs.msg import CartesianTarget, ControllerStatus, Heartbeat, JointEffort, Safety
from massage_msgs.msg import SetPoint as SetPointMessage
from massage_msgs.srv import Activate, Relimit, Tare
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from .messages import (
    NEWEST,
    StateReader,
    effort_message,
    hear_one,
    seconds,
    set_point_of,
    status_message,
    target_message,
)
from .performance import performed
from .process import serve, settle
from .supervisor import Heard

Floats = NDArray[np.float64]

FIRST_WAIT = 1.0
"""s of the arm's clock after activation within which the first set-point must come."""
AHEAD_S = 0.05
"""s by which the session may have heard the arm's clock before this node has."""
TARE_OFF_N = 3.0
"""N between the reading that is to be zero and what the sensor says now: the touch force, as before a press."""
_SILENCE = 0.5  # s without a state of the arm, after which that is said
_STATUS_EVERY = 5  # cycles


def misdated(asked_at: float, valid_until: float, now: float) -> str:
    """Why a set-point's times [s] cannot be: it would be followed when nobody speaks any more; empty: they can."""
    if not asked_at <= now + AHEAD_S:
        return f"a set-point from {asked_at - now:.2f} s ahead of the arm's clock; at most {AHEAD_S:g} s is allowed"
    if not valid_until <= asked_at + VALID_S + 1e-6:
        return f"a set-point that is good for {valid_until - asked_at:.2f} s; at most {VALID_S:g} s is allowed"
    return ""


class ControllerNode(LifecycleNode):
    """Owns the compiled loop; configure builds it, activate lets it command the arm."""

    def __init__(self) -> None:
        super().__init__("controller")
        for name in ("plan", "station"):
            self.declare_parameter(name, "")
        self._controller: Controller | None = None
        self._lock = threading.Lock()  # of the controller: services change it between two steps
        self._woken = threading.Event()
        self._newest: tuple[JointState, WrenchStamped | None] | None = None
        self._wrench: WrenchStamped | None = None
        self._set_point: SetPoint | None = None
        self._asked_at = 0.0
        self._active = False
        self._trouble = ""
        self._safety: Safety | None = None
        self._safety_heard = Heard(0.0, 0.0)
        self._now = 0.0
        self._last, self._sequence = 0.0, 0
        self._age = float("nan")
        self._commands: Any = None
        self._heartbeat = self.create_publisher(Heartbeat, "heartbeat", 10)
        self._statuses = self.create_publisher(ControllerStatus, "controller/status", NEWEST)
        hear_one(self, Safety, "safety", self._hear_safety, self._second)
        hear_one(self, JointState, "arm/joint_states", self._hear_joints, self._second)
        hear_one(self, WrenchStamped, "arm/wrench", self._hear_wrench, self._second)
        hear_one(self, SetPointMessage, "controller/set_point", self._hear_set_point, self._second)
        self._follow = self.create_client(SetBool, "arm/follow")
        self.create_service(Activate, "controller/activate", self._activate)
        self.create_service(Tare, "controller/tare", self._tare)
        self.create_service(Relimit, "controller/relimit", self._relimit)

    # Lifecycle.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Build the controller of plan and station; the arm is not touched."""
        try:
            performance = performed(self)
        except (InputError, OSError) as error:
            self.get_logger().error(f"not configured: {error}")
            return TransitionCallbackReturn.FAILURE
        self._controller = performance.controller
        self._allowed = performance.task.allowed_limits
        self._names = performance.joint_names
        self._reader = StateReader(self._names)
        self._frame = performance.station.profile.base
        self._targets = performance.station.command.kind == "set_points"
        kind, topic = (CartesianTarget, "arm/target") if self._targets else (JointEffort, "arm/effort")
        self._commands = self.create_publisher(kind, topic, NEWEST)
        settle()
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Command the arm from now on: hold it where it is until set-points come."""
        newest = self._newest
        if newest is None:
            self.get_logger().error("not activated: nothing was heard on arm/joint_states")
            return TransitionCallbackReturn.FAILURE
        if why := self._reader.read(*newest):
            self.get_logger().error(f"not activated: {why}")
            return TransitionCallbackReturn.FAILURE
        if why := self._unsafe:
            self.get_logger().error(f"not activated: {why}")
            return TransitionCallbackReturn.FAILURE
        with self._lock:
            self._begin()
            self._active = True
        self._follow.call_async(SetBool.Request(data=True)).add_done_callback(self._answered)
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Command the arm no more; refused while anything is pressed."""
        if why := self._busy:
            self.get_logger().error(f"not deactivated: {why}")
            return TransitionCallbackReturn.FAILURE
        self._leave()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget plan and station."""
        self._controller = None
        self.destroy_publisher(self._commands)
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Command the arm no more, whatever is pressed: it lets go when torques stop coming."""
        self._leave()
        return TransitionCallbackReturn.SUCCESS

    on_error = on_shutdown

    def _leave(self) -> None:
        if self._active:
            self._follow.call_async(SetBool.Request(data=False))
        self._active = False

    # The loop.

    def work(self, stop: threading.Event) -> None:
        """A cycle for every state of the arm; a heartbeat with every fifth, or, before it is active, as often."""
        cycle = 0
        while not stop.is_set():
            if not self._woken.wait(_SILENCE):
                if self._active:
                    self.get_logger().error(f"the arm has been silent for {_SILENCE:g} s", throttle_duration_sec=1.0)
                continue
            self._woken.clear()
            newest = self._newest
            cycle += 1
            if cycle % _STATUS_EVERY == 0:
                self._heartbeat.publish(Heartbeat(node=self.get_name()))
            if not self._active or newest is None:
                continue
            if why := self._reader.read(*newest):
                self.get_logger().error(why, throttle_duration_sec=1.0)
                continue
            with self._lock:
                time = self._step()
            if time is not None and cycle % _STATUS_EVERY == 0:
                assert self._controller is not None
                self._statuses.publish(status_message(self._controller.status, time, self._age, self._trouble))

    def _step(self) -> float | None:
        """One cycle; the arm's time [s] in it, None where that has not gone on."""
        assert self._controller is not None
        state = self._reader.state
        time = self._now = float(state.time)
        if time <= self._last:
            return None
        asked = self._set_point or self._holding
        if self._set_point is not None:
            self._age = time - self._asked_at
        self._trouble = self._trouble or self._unsafe
        if self._trouble:
            asked.task = Task.STOP
        command, status = self._controller.step(state, asked, time - self._last)
        self._last = time
        self._sequence += 1
        if self._targets:
            self._commands.publish(target_message(status, time, self._sequence, self._frame))
        else:
            self._commands.publish(effort_message(command.torque, self._names, time, self._sequence))
        return time

    def _begin(self) -> None:
        """Activate where the arm is, and hold it there."""
        assert self._controller is not None
        state = self._reader.state
        self._controller.activate(state)
        pose = self._controller.model.forward(state.q)
        hold = SetPoint()
        hold.task = Task.HOLD
        hold.position[:] = pose[:3, 3]
        hold.quaternion[:] = Rotation.from_matrix(pose[:3, :3]).as_quat()
        hold.press_direction[:] = pose[:3, 2]
        hold.valid_until = state.time + FIRST_WAIT
        self._holding, self._set_point, self._trouble = hold, None, ""
        self._now = float(state.time)
        self._safety_heard = Heard(self._now, monotonic())
        self._last, self._sequence = self._now - self._controller.settings.period, 0

    @property
    def _unsafe(self) -> str:
        """Why the supervisor lets nothing be pressed; empty: it does."""
        if self._safety is None:
            return "the supervisor has not been heard"
        if self._safety.stop:
            return str(self._safety.text)
        return "the supervisor is silent" if self._safety_heard.silent(self._now, monotonic()) else ""

    @property
    def _busy(self) -> str:
        """Why nothing may be changed under way; empty: nothing is pressed."""
        if self._controller is None:
            return "the controller is not configured"
        contact = self._controller.status.contact_state
        free = contact in (ContactState.IDLE, ContactState.FAULT)
        return "" if free else f"the tool is on its way to, on or from the body ({str(contact.name).lower()})"

    # What comes in.

    def _second(self, why: str) -> None:
        self._trouble = self._trouble or why

    def _hear_safety(self, message: Safety) -> None:
        self._safety, self._safety_heard = message, Heard(self._now, monotonic())

    def _hear_joints(self, message: JointState) -> None:
        self._newest = (message, self._wrench)
        self._woken.set()

    def _hear_wrench(self, message: WrenchStamped) -> None:
        self._wrench = message

    def _hear_set_point(self, message: SetPointMessage) -> None:
        asked_at = seconds(message.header.stamp)
        if why := misdated(asked_at, message.valid_until, self._now):
            self._trouble = self._trouble or why
        elif self._set_point is None or asked_at >= self._asked_at:  # else a newer one has overtaken it
            self._asked_at, self._set_point = asked_at, set_point_of(message)

    def _answered(self, future: object) -> None:
        answer = future.result()  # type: ignore[attr-defined]
        if answer is None or not answer.success:
            self.get_logger().error(f"the arm does not follow: {'no answer' if answer is None else answer.message}")
            self._active = False

    def _activate(self, request: Activate.Request, response: Activate.Response) -> Activate.Response:
        with self._lock:
            response.text = ("" if self._active else "the controller is not active") or self._busy or self._unsafe
            if not response.text:
                try:
                    self._begin()
                except ValueError as error:
                    response.text = str(error)
            response.done = not response.text
        return response

    def _tare(self, request: Tare.Request, response: Tare.Response) -> Tare.Response:
        """Only of what its own sensor says too, and only while nothing is pressed: a press counts from there."""
        with self._lock:
            response.text = self._busy or self._untrue(np.array(request.wrench))
            if not response.text:
                assert self._controller is not None
                response.done = self._controller.tare(np.array(request.wrench), self._reader.state.q)
        return response

    def _untrue(self, wrench: Floats) -> str:
        state = self._reader.state
        off = float(np.linalg.norm((wrench - state.wrench)[:3]))
        if state.has_wrench and off <= TARE_OFF_N:
            return ""
        return f"the reading is {off:.1f} N from what the sensor says; at most {TARE_OFF_N:g} N is allowed"

    def _relimit(self, request: Relimit.Request, response: Relimit.Response) -> Relimit.Response:
        """Take limits only where its own reading of the plan has the same ones, and only while nothing is pressed."""
        with self._lock:
            response.text = self._busy
            if response.text:
                return response
            assert self._controller is not None
            asked = dict(zip(request.names, request.values, strict=False))
            for cap, limits in self._allowed:
                if asked == {k: float(v) for k, v in asdict(limits).items()} and 0.0 < request.force_max <= cap:
                    self._controller.relimit(request.force_max, limits)
                    response.done = True
                    return response
        most = max(cap for cap, _ in self._allowed)
        response.text = f"force_max {request.force_max:g} N with these limits is not in the plan; at most {most:g} N is"
        return response


def main() -> None:
    """Entry point of the process."""
    serve(ControllerNode)


if __name__ == "__main__":
    main()
