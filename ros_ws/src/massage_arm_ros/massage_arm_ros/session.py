"""A plan as an action over ROS: brings the controller up, follows the plan 100 times a second, tells how it goes.

The slow side is the one that a simulation runs in process; arm and controller are other processes. Nothing begins
before the goal comes, every step of the start is told, and a step that is missing ends it with its name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import WrenchStamped
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from massage_arm.native import ContactState, InputError
from massage_msgs.action import RunMassage
from massage_msgs.msg import ArmStatus, Heartbeat, SessionState
from massage_msgs.msg import SetPoint as SetPointMessage
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from .messages import NEWEST, StateReader, causes_in_words, set_point_message, stamp
from .process import serve
from .rehearsed import simulated
from .remote_controller import RemoteController

PERIOD = 0.01
"""s of the arm's clock between set-points."""
LIVE_S = 10.0
"""s that a step of the start may take: discovery takes 3 s now and then."""
HEARD_S = 0.1
"""s in which the controller hears what the supervisor says, five times over."""
_SILENCE = 0.5  # s without a state of the arm after which a session is over


class Missing(Exception):
    """A step of the start that could not be done, in words."""


class SessionNode(Node):
    """Offers the action `run_massage` for the plan that it is given."""

    def __init__(self) -> None:
        super().__init__("session")
        self.declare_parameter("plan", "")
        self._simulation = simulated(self, self._elsewhere)
        self._slow = self._simulation.session
        self._remote: RemoteController = self._simulation.controller
        self._reader = StateReader(self._simulation.joint_names)
        self._joints: JointState | None = None
        self._wrench: WrenchStamped | None = None
        self._arm: ArmStatus | None = None
        self._against = ""
        self._woken = threading.Event()
        self._wanted = threading.Event()
        self._goal: Any = None
        self._done: Future | None = None
        self._set_points = self.create_publisher(SetPointMessage, "controller/set_point", NEWEST)
        self._heartbeat = self.create_publisher(Heartbeat, "heartbeat", 10)
        self._states = self.create_publisher(SessionState, "session/state", 10)
        self.create_subscription(JointState, "arm/joint_states", self._hear_joints, NEWEST)
        self.create_subscription(WrenchStamped, "arm/wrench", self._hear_wrench, NEWEST)
        self.create_subscription(ArmStatus, "arm/status", self._hear_arm, 10)
        self._change = self.create_client(ChangeState, "controller/change_state")
        self._acknowledge = self.create_client(Trigger, "supervisor/acknowledge")
        self._ask = self.create_client(GetState, "controller/get_state")
        self._action = ActionServer(
            self, RunMassage, "run_massage", self._execute, goal_callback=self._wish, cancel_callback=self._cancel
        )

    def _elsewhere(self, model: Any, settings: Any, *_: object, limits: Any, **__: object) -> RemoteController:
        """The controller of the plan, which another process has."""
        return RemoteController(self, model, settings, limits)

    # The action.

    def _wish(self, goal: RunMassage.Goal) -> GoalResponse:
        name = self._simulation.plan.title
        if self._goal is not None or goal.session not in ("", name):
            why = f"{goal.session} is asked for, {name} is what the nodes are configured for"
            self.get_logger().error(f"refused: {'it has run' if self._goal is not None else why}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _cancel(self, goal: object) -> CancelResponse:
        """The loop lets the force out and withdraws; the action ends when that is done."""
        return CancelResponse.ACCEPT

    async def _execute(self, goal: Any) -> RunMassage.Result:
        self._goal, self._done = goal, Future()
        self._wanted.set()
        result: RunMassage.Result = await self._done
        if goal.is_cancel_requested:
            goal.canceled()
        elif result.done:
            goal.succeed()
        else:
            goal.abort()
        return result

    # Its work.

    def work(self, stop: threading.Event) -> None:
        """Wait for a goal; carry it out; go on until stopped, so that its result can be fetched."""
        while not stop.is_set() and not self._wanted.wait(PERIOD):
            self._beat()
        if not stop.is_set():
            result = RunMassage.Result()
            try:
                self._start()
                self._follow(stop)
                why = "; ".join(self._slow.refusals) or causes_in_words(self._remote.status)
                result.done, result.text = not why, why
            except (Missing, InputError) as error:
                result.text = str(error)
            result.seconds = float(self._reader.state.time)
            result.told = list(self._simulation.told)
            assert self._done is not None
            self._done.set_result(result)
        while not stop.wait(PERIOD):
            self._beat()

    def _beat(self) -> None:
        self._heartbeat.publish(Heartbeat(node=self.get_name()))

    def _start(self) -> None:
        """Every step in order; Missing with the name of the one that is not there."""
        self._step("the arm is heard", lambda: self._joints is not None)
        why = self._reader.read(self._joints, self._wrench) if self._joints is not None else ""
        if why:
            raise Missing(why)
        self._step("its force sensor is heard", lambda: self._wrench is not None)
        self._step("the arm has nothing against it", lambda: self._arm is not None and self._arm.ready)
        self._step("the controller is there", lambda: self._ask.service_is_ready() and self._change.service_is_ready())
        if self._controller_state() == State.PRIMARY_STATE_UNCONFIGURED:
            self._transit(Transition.TRANSITION_CONFIGURE, "the controller is configured")
        self._step("nobody else sends set-points", lambda: self.count_publishers("controller/set_point") == 1)
        self._remote.connect()
        self._tell("start: the limits are those of the plan")
        self._step("the supervisor agrees", self._agreed)
        agreed = time.monotonic()
        self._step("everybody has heard that", lambda: time.monotonic() > agreed + HEARD_S)
        self._transit(Transition.TRANSITION_ACTIVATE, "the controller holds the arm")

    def _step(self, name: str, there: Callable[[], bool]) -> None:
        until = time.monotonic() + LIVE_S
        while not there():
            if time.monotonic() > until:
                why = f": {self._against}" if self._against else ""
                raise Missing(f"start: missing: {name} (waited {LIVE_S:g} s){why}")
            self._beat()
            time.sleep(PERIOD)
        self._tell(f"start: {name}")

    def _agreed(self) -> bool:
        """Whoever asks for a session acknowledges; why the supervisor does not agree is told once."""
        if not self._acknowledge.service_is_ready():
            return False
        answer = self._answer(self._acknowledge, Trigger.Request())
        if not answer.success and answer.message != self._against:
            self._tell(f"start: the supervisor does not agree: {answer.message}")
            self._against = answer.message
        return bool(answer.success)

    def _controller_state(self) -> int:
        return int(self._answer(self._ask, GetState.Request()).current_state.id)

    def _transit(self, transition: int, name: str) -> None:
        request = ChangeState.Request()
        request.transition.id = transition
        if not self._answer(self._change, request).success:
            raise Missing(f"start: missing: {name}; the controller's log says why")
        self._tell(f"start: {name}")

    def _answer(self, client: Any, request: Any) -> Any:
        future, answered = client.call_async(request), threading.Event()
        future.add_done_callback(lambda _: answered.set())
        until = time.monotonic() + LIVE_S
        while not answered.wait(PERIOD):
            self._beat()
            if time.monotonic() > until:
                raise Missing(f"start: no answer on {client.srv_name} within {LIVE_S:g} s")
        return future.result()

    def _follow(self, stop: threading.Event) -> None:
        """The slow side, until it is over; then the controller commands the arm no more."""
        due, ended, withdrawing = -1.0, False, False
        while not ended:
            if not self._woken.wait(_SILENCE):
                raise Missing(f"the arm has been silent for {_SILENCE:g} s")
            self._woken.clear()
            assert self._joints is not None
            if why := self._reader.read(self._joints, self._wrench):
                raise Missing(why)
            now = float(self._reader.state.time)
            if now < due:
                continue
            due = max(due + PERIOD, now) if due >= 0.0 else now + PERIOD
            if (stop.is_set() or self._goal.is_cancel_requested) and not withdrawing:
                self._simulation.withdraw()
                withdrawing = True
            self._slow.update(self._reader.state, now)
            self._set_points.publish(set_point_message(self._simulation.set_point, now, "arm_base"))
            self._beat()
            self._report(now)
            ended = self._slow.over
        self._transit(Transition.TRANSITION_DEACTIVATE, "the controller has let go of the arm")

    def _report(self, now: float) -> None:
        """To whoever looks on, ten times a second."""
        if int(now / PERIOD) % 10:
            return
        status, told = self._remote.status, list(self._simulation.told)
        state = SessionState(
            state=str(self._slow.state),
            text=told[-1] if told else "",
            force_asked=float(status.force_reference),
            force_measured=float(status.force_measured),
        )
        state.header.stamp = stamp(now)
        self._states.publish(state)
        contact = ContactState(status.contact_state).name or ""
        self._goal.publish_feedback(
            RunMassage.Feedback(
                state=state.state, contact=contact.lower(), seconds=now, force_asked=state.force_asked,
                force_measured=state.force_measured, told=state.text,
            )
        )  # fmt: skip

    def _tell(self, what: str) -> None:
        self.get_logger().info(what)

    # What comes in.

    def _hear_joints(self, message: JointState) -> None:
        self._joints = message
        self._woken.set()

    def _hear_wrench(self, message: WrenchStamped) -> None:
        self._wrench = message

    def _hear_arm(self, message: ArmStatus) -> None:
        self._arm = message


def main() -> None:
    """Entry point of the process."""
    serve(SessionNode)


if __name__ == "__main__":
    main()
