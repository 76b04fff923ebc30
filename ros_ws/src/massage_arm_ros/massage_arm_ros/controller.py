"""The controller of a session as a lifecycle node: set-points in at 100 Hz, torques out in every cycle of the arm.

The compiled step runs in a thread of its own, woken by the arm's state; ROS only fills the newest values in. Who sends
set-points can die, freeze or flood: a set-point is good until its own time, and two senders are refused.
"""

from __future__ import annotations

import threading
from dataclasses import asdict

import numpy as np
from geometry_msgs.msg import WrenchStamped
from massage_arm.native import ContactState, InputError, SetPoint, Task
from massage_msgs.msg import ControllerStatus, Heartbeat, JointEffort, Safety
from massage_msgs.msg import SetPoint as SetPointMessage
from massage_msgs.srv import Activate, Relimit, Tare
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from .messages import NEWEST, StateReader, effort_message, seconds, set_point_of, status_message
from .process import serve
from .rehearsed import simulated
from .supervisor import SILENT_S

Floats = NDArray[np.float64]

FIRST_WAIT = 1.0
"""s of the arm's clock after activation within which the first set-point must come."""
_SILENCE = 0.5  # s without a state of the arm, after which that is said
_STATUS_EVERY = 5  # cycles
_LOOK_EVERY = 100  # cycles between looks at who sends set-points


class ControllerNode(LifecycleNode):
    """Owns the compiled loop; configure builds it, activate lets it command the arm."""

    def __init__(self) -> None:
        super().__init__("controller")
        self._lock = threading.Lock()  # of the controller: services change it between two steps
        self._woken = threading.Event()
        self._newest: tuple[JointState, WrenchStamped | None] | None = None
        self._wrench: WrenchStamped | None = None
        self._set_point: SetPoint | None = None
        self._asked_at = 0.0
        self._active = False
        self._trouble = ""
        self._safety: Safety | None = None
        self._safety_at = 0.0
        self._last, self._sequence = 0.0, 0
        self._age = float("nan")

    # Lifecycle.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Build the controller of the plan; the arm is not touched."""
        try:
            simulation = simulated(self)
        except (InputError, OSError) as error:
            self.get_logger().error(f"not configured: {error}")
            return TransitionCallbackReturn.FAILURE
        self._controller = simulation.controller
        self._allowed = simulation.allowed_limits
        self._names = simulation.joint_names
        self._reader = StateReader(self._names)
        simulation.close()
        self._efforts = self.create_publisher(JointEffort, "arm/effort", NEWEST)
        self._heartbeat = self.create_publisher(Heartbeat, "heartbeat", 10)
        self.create_subscription(Safety, "safety", self._hear_safety, NEWEST)
        self._statuses = self.create_publisher(ControllerStatus, "controller/status", NEWEST)
        self.create_subscription(JointState, "arm/joint_states", self._hear_joints, NEWEST)
        self.create_subscription(WrenchStamped, "arm/wrench", self._hear_wrench, NEWEST)
        self.create_subscription(SetPointMessage, "controller/set_point", self._hear_set_point, NEWEST)
        self._follow = self.create_client(SetBool, "arm/follow")
        self.create_service(Activate, "controller/activate", self._activate)
        self.create_service(Tare, "controller/tare", self._tare)
        self.create_service(Relimit, "controller/relimit", self._relimit)
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
        if self._controller.status.contact_state not in (ContactState.IDLE, ContactState.FAULT):
            self.get_logger().error("not deactivated: something is pressed; release it first")
            return TransitionCallbackReturn.FAILURE
        self._follow.call_async(SetBool.Request(data=False))
        self._active = False
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget the plan."""
        return TransitionCallbackReturn.SUCCESS

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
            if cycle % _LOOK_EVERY == 0 and self.count_publishers("controller/set_point") > 1:
                self._trouble = "two publishers on controller/set_point; one is allowed"
            if time is not None and cycle % _STATUS_EVERY == 0:
                self._statuses.publish(status_message(self._controller.status, time, self._age, self._trouble))

    def _step(self) -> float | None:
        """One cycle; the arm's time [s] in it, None where that has not gone on."""
        state = self._reader.state
        time = float(state.time)
        if time <= self._last:
            return None
        asked = self._set_point or self._holding
        if self._set_point is not None:
            self._age = time - self._asked_at
        self._trouble = self._trouble or self._unsafe
        if self._trouble:
            asked.task = Task.STOP
        command = self._controller.step(state, asked, time - self._last)[0]
        self._last = time
        self._sequence += 1
        self._efforts.publish(effort_message(command.torque, self._names, time, self._sequence))
        return time

    def _begin(self) -> None:
        """Activate where the arm is, and hold it there."""
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
        self._safety_at = float(state.time)
        self._last, self._sequence = float(state.time) - self._controller.settings.period, 0

    @property
    def _unsafe(self) -> str:
        """Why the supervisor lets nothing be pressed; empty: it does."""
        if self._safety is None:
            return "the supervisor has not been heard"
        if self._safety.stop:
            return str(self._safety.text)
        return "the supervisor is silent" if self._reader.state.time - self._safety_at > SILENT_S else ""

    # What comes in.

    def _hear_safety(self, message: Safety) -> None:
        self._safety, self._safety_at = message, float(self._reader.state.time)

    def _hear_joints(self, message: JointState) -> None:
        self._newest = (message, self._wrench)
        self._woken.set()

    def _hear_wrench(self, message: WrenchStamped) -> None:
        self._wrench = message

    def _hear_set_point(self, message: SetPointMessage) -> None:
        time = seconds(message.header.stamp)
        if self._set_point is not None and time < self._asked_at:
            return  # overtaken by a newer one
        self._asked_at, self._set_point = time, set_point_of(message)

    def _answered(self, future: object) -> None:
        answer = future.result()  # type: ignore[attr-defined]
        if answer is None or not answer.success:
            self.get_logger().error(f"the arm does not follow: {'no answer' if answer is None else answer.message}")
            self._active = False

    def _activate(self, request: Activate.Request, response: Activate.Response) -> Activate.Response:
        with self._lock:
            if not self._active:
                response.text = "the controller is not active"
                return response
            if why := self._unsafe:
                response.text = why
                return response
            try:
                self._begin()
                response.done = True
            except InputError as error:
                response.text = str(error)
        return response

    def _tare(self, request: Tare.Request, response: Tare.Response) -> Tare.Response:
        with self._lock:
            response.done = self._controller.tare(np.array(request.wrench), np.array(request.position))
        return response

    def _relimit(self, request: Relimit.Request, response: Relimit.Response) -> Relimit.Response:
        """Take limits only where its own reading of the plan has the same ones."""
        asked = dict(zip(request.names, request.values, strict=False))
        for cap, limits in self._allowed:
            if asked == {k: float(v) for k, v in asdict(limits).items()} and 0.0 < request.force_max <= cap:
                with self._lock:
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
