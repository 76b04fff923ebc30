"""What a person may ask of the arm, as actions: run a session, move to its start, see whether the arm stays in place.

The slow side is the one that a simulation runs in process; arm and controller are other processes. Nothing begins
before a goal comes, one goal at a time; every step of the start is told, and a step that is missing ends it with its
name.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import WrenchStamped
from massage_arm.native import ContactState, InputError
from massage_msgs.action import MoveToStart, RunMassage, VerifyHold
from massage_msgs.msg import ArmStatus, Heartbeat, SessionState
from massage_msgs.msg import SetPoint as SetPointMessage
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import JointState

from .heartbeats import Listener
from .messages import NEWEST, StateReader, causes_in_words, set_point_message, stamp
from .moves import Floating, ToStart
from .performance import Performance, performed
from .process import serve
from .remote_controller import RemoteController
from .start import PERIOD, Missing, Start

_SILENCE = 0.5  # s without a state of the arm after which a session is over


class SessionNode(Node):
    """Offers actions for the plan and the station that it is given."""

    def __init__(self) -> None:
        super().__init__("session")
        for name in ("plan", "station"):
            self.declare_parameter(name, "")
        self._performance: Performance = performed(self, self._elsewhere)
        self._remote: RemoteController = self._performance.controller
        self._frame = self._performance.station.profile.base
        self._reader = StateReader(self._performance.joint_names)
        self.joints: JointState | None = None
        self.wrench: WrenchStamped | None = None
        self.arm: ArmStatus | None = None
        self._woken, self._wanted = threading.Event(), threading.Event()
        self._goal: Any = None
        self._doing: Callable[[threading.Event], Any] = self._run
        self._done: Future | None = None
        self._set_points = self.create_publisher(SetPointMessage, "controller/set_point", NEWEST)
        self._heartbeat = self.create_publisher(Heartbeat, "heartbeat", 10)
        self._states = self.create_publisher(SessionState, "session/state", 10)
        self.create_subscription(JointState, "arm/joint_states", self._hear_joints, NEWEST)
        self.create_subscription(WrenchStamped, "arm/wrench", self._hear_wrench, NEWEST)
        self.create_subscription(ArmStatus, "arm/status", self._hear_arm, 10)
        self._heart = Listener(self)
        self._start = Start(self)
        self._actions = [
            ActionServer(
                self, kind, name, self._executing(doing), goal_callback=wish, cancel_callback=self._cancel
            )
            for kind, name, doing, wish in (
                (RunMassage, "run_massage", self._run, self._wish),
                (MoveToStart, "move_to_start", self._move, self._free),
                (VerifyHold, "verify_hold", self._float, self._wish_hold),
            )
        ]  # fmt: skip

    def _elsewhere(self, model: Any, settings: Any, *_: object, limits: Any, **__: object) -> RemoteController:
        """The controller of the plan, which another process has."""
        return RemoteController(self, model, settings, limits)

    # The actions.

    def _free(self, goal: Any) -> GoalResponse:
        if self._goal is None:
            return GoalResponse.ACCEPT
        self.get_logger().error("refused: something is being done; one thing at a time is allowed")
        return GoalResponse.REJECT

    def _wish(self, goal: RunMassage.Goal) -> GoalResponse:
        name = self._performance.plan.title
        if goal.session in ("", name):
            return self._free(goal)
        self.get_logger().error(f"refused: {goal.session} is asked for, {name} is what the nodes are configured for")
        return GoalResponse.REJECT

    def _wish_hold(self, goal: VerifyHold.Goal) -> GoalResponse:
        if 3.0 <= goal.seconds <= 60.0:
            return self._free(goal)
        self.get_logger().error(f"refused: seconds: {goal.seconds:g} s is not allowed; 3 to 60 s is")
        return GoalResponse.REJECT

    def _cancel(self, goal: object) -> CancelResponse:
        """The loop lets the force out and withdraws, or stands still; the action ends when that is done."""
        return CancelResponse.ACCEPT

    def _executing(self, doing: Callable[[threading.Event], Any]) -> Callable[[Any], Any]:
        async def execute(goal: Any) -> Any:
            self._goal, self._doing, self._done = goal, doing, Future()
            self._wanted.set()
            result = await self._done
            if goal.is_cancel_requested:
                goal.canceled()
            elif result.done:
                goal.succeed()
            else:
                goal.abort()
            self._goal = None
            return result

        return execute

    # Its work.

    def work(self, stop: threading.Event) -> None:
        """Wait for goals and carry them out, one after the other."""
        while not stop.is_set():
            if not self._wanted.wait(PERIOD):
                self.beat()
                continue
            self._wanted.clear()
            result = self._doing(stop)
            assert self._done is not None
            self._done.set_result(result)

    def beat(self) -> None:
        """Tell the supervisor that this loop goes on."""
        self._heartbeat.publish(Heartbeat(node=self.get_name()))

    def state(self) -> str:
        """Bring the reader up to date; why that cannot be done, or nothing."""
        return "nothing was heard" if self.joints is None else self._reader.read(self.joints, self.wrench)

    def _run(self, stop: threading.Event) -> RunMassage.Result:
        result, performance = RunMassage.Result(), self._performance
        withdrawing = False

        def update(now: float) -> bool:
            nonlocal withdrawing
            if (stop.is_set() or self._goal.is_cancel_requested) and not withdrawing:
                performance.slow.end()
                withdrawing = True
            self._heart.tell(performance.heart, now)
            performance.slow.update(self._reader.state, now)
            self._report(now)
            return performance.slow.over

        try:
            rests = performance.plan.rest_s > 0.0
            self._start.all_steps(heart=rests)
            performance.begin(self._reader.state)
            self._heart.begin(needed=rests)
            result.seconds = self._drive(update)
            result.text = "; ".join(performance.slow.refusals) or causes_in_words(self._remote.status)
            result.done = not result.text
        except (Missing, InputError) as error:
            result.text = str(error)
        result.told = [*performance.told, *self._heart.told]
        return result

    def _move(self, stop: threading.Event) -> MoveToStart.Result:
        result = MoveToStart.Result()
        try:
            self._start.all_steps()
            way = ToStart(self._performance, self._reader.state)

            def update(now: float) -> bool:
                self._goal.publish_feedback(MoveToStart.Feedback(text=way.told, seconds=now))
                ended = way.update(self._reader.state, now, stop.is_set() or self._goal.is_cancel_requested)
                return ended or bool(self._remote.status.causes)

            self._drive(update)
            result.text = causes_in_words(self._remote.status) or way.missed
            result.done = not result.text
        except (Missing, InputError) as error:
            result.text = str(error)
        return result

    def _float(self, stop: threading.Event) -> VerifyHold.Result:
        result = VerifyHold.Result()
        try:
            self._start.all_steps()
            floating = Floating(self._performance, self._reader.state, self._goal.request.seconds)

            def update(now: float) -> bool:
                self._goal.publish_feedback(VerifyHold.Feedback(seconds=now, drift=floating.drift))
                ended = floating.update(self._reader.state, now, stop.is_set() or self._goal.is_cancel_requested)
                return ended or bool(self._remote.status.causes)

            self._drive(update)
            result.drift = floating.drift
            result.text = causes_in_words(self._remote.status) or floating.wrong
            result.done = not result.text
        except (Missing, InputError) as error:
            result.text = str(error)
        return result

    def _drive(self, update: Callable[[float], bool]) -> float:
        """Send set-points until `update` says that it is over; then the controller commands the arm no more.

        `update` is given the time [s] since the first of them, which is what this returns of the last.
        """
        set_point, since, due, ended = self._performance.set_point, -1.0, -1.0, False
        while not ended:
            if not self._woken.wait(_SILENCE):
                raise Missing(f"the arm has been silent for {_SILENCE:g} s")
            self._woken.clear()
            if why := self.state():
                raise Missing(why)
            now = float(self._reader.state.time)
            if now < due:
                continue
            since = now if since < 0.0 else since
            due = max(due + PERIOD, now) if due >= 0.0 else now + PERIOD
            self._reader.state.time = now - since
            self._reader.state.wrench_time -= since
            ended = update(now - since)
            message = set_point_message(set_point, now, self._frame)
            message.valid_until += since  # the slow side counts from its own begin
            self._set_points.publish(message)
            self.beat()
        self._start.let_go()
        return now - since

    def _report(self, now: float) -> None:
        """To whoever looks on, ten times a second."""
        if int(now / PERIOD) % 10:
            return
        status, told = self._remote.status, list(self._performance.told)
        state = SessionState(
            state=str(self._performance.slow.state),
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

    # What comes in.

    def _hear_joints(self, message: JointState) -> None:
        self.joints = message
        self._woken.set()

    def _hear_wrench(self, message: WrenchStamped) -> None:
        self.wrench = message

    def _hear_arm(self, message: ArmStatus) -> None:
        self.arm = message


def main() -> None:
    """Entry point of the process."""
    serve(SessionNode)


if __name__ == "__main__":
    main()
