"""The start, step by step: who must be there and agree before the controller may hold the arm, and the end of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from std_srvs.srv import Trigger

from .heartbeats import BIOSIGNAL

if TYPE_CHECKING:
    from .session import SessionNode

PERIOD = 0.01
"""s of the arm's clock between set-points."""
LIVE_S = 10.0
"""s that a step of the start may take: discovery takes 3 s now and then."""
HEARD_S = 0.1
"""s in which the controller hears what the supervisor says, five times over."""


class Missing(Exception):
    """A step of the start that could not be done, in words."""


class Start:
    """Of a session node."""

    def __init__(self, node: SessionNode) -> None:
        self._node = node
        self._against = ""
        self._change = node.create_client(ChangeState, "controller/change_state")
        self._ask = node.create_client(GetState, "controller/get_state")
        self._acknowledge = node.create_client(Trigger, "supervisor/acknowledge")

    def all_steps(self, *, heart: bool = False) -> None:
        """Every step in order; Missing with the name of the one that is not there. `heart`: its sensor is needed."""
        node = self._node
        self._against = ""
        self._step("the arm is heard", lambda: node.joints is not None)
        if why := node.state():
            raise Missing(why)
        self._step("its force sensor is heard", lambda: node.wrench is not None)
        self._step("the arm has nothing against it", self._arm_ready)
        self._against = ""
        self._step("the controller is there", lambda: self._ask.service_is_ready() and self._change.service_is_ready())
        state = self._controller_state()
        if state == State.PRIMARY_STATE_ACTIVE:  # of something that was given up
            self.let_go()
        if state == State.PRIMARY_STATE_UNCONFIGURED:
            self._transit(Transition.TRANSITION_CONFIGURE, "the controller is configured")
        self._step("nobody else sends set-points", lambda: node.count_publishers("controller/set_point") == 1)
        if heart:
            self._step(
                "one sensor of the heart is there",
                lambda: node.count_publishers(node.resolve_topic_name(BIOSIGNAL)) == 1,
            )
        self._step("the supervisor agrees", self._agreed)
        agreed = time.monotonic()
        self._step("everybody has heard that", lambda: time.monotonic() > agreed + HEARD_S and self._agreed())
        self._transit(Transition.TRANSITION_ACTIVATE, "the controller holds the arm")
        node.state()

    def let_go(self) -> None:
        """The controller commands the arm no more."""
        self._transit(Transition.TRANSITION_DEACTIVATE, "the controller has let go of the arm")

    def _step(self, name: str, there: Callable[[], bool]) -> None:
        until = time.monotonic() + LIVE_S
        while not there():
            if time.monotonic() > until:
                why = f": {self._against}" if self._against else ""
                raise Missing(f"start: missing: {name} (waited {LIVE_S:g} s){why}")
            self._node.beat()
            time.sleep(PERIOD)
        self._tell(f"start: {name}")

    def _arm_ready(self) -> bool:
        arm = self._node.arm
        self._against = "" if arm is None else arm.text
        return arm is not None and arm.ready

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
            self._node.beat()
            if time.monotonic() > until:
                raise Missing(f"start: no answer on {client.srv_name} within {LIVE_S:g} s")
        return future.result()

    def _tell(self, what: str) -> None:
        self._node.get_logger().info(what)
