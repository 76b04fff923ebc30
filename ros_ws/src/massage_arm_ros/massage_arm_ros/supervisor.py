"""Watches over all others from a process of its own: who falls silent, a stop that is asked for, a second hand.

Everything that is wrong stops, and stays so until somebody acknowledges. The controller follows only while it hears
this node, so that its own death stops, too. A node is silent by the arm's clock and by this machine's: one that is too
slow for real time slows all of it down alike.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

from massage_msgs.msg import ArmStatus, Heartbeat, Safety, StopInput
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_srvs.srv import Trigger

from .messages import NEWEST, hear_one, seconds, stamp
from .process import serve
from .rescue import Rescue
from .station import load_station

ARM = "arm"
"""As which the simulated arm or the adapter of a real one sends its heartbeat."""
WATCHED = (ARM, "controller", "session")
"""Whose heartbeats must keep coming."""
SILENT_S = 0.12
"""After which a node counts as dead: with what letting go takes, below 5 N within 0.3 s."""
ADAPTER_SILENT_S = 0.15
"""The same of the adapter, by this machine's clock alone: with it the arm's clock stands still."""
STOP_SILENT_S = 0.5
"""The same of the stop input, which a person's hand and a radio link are behind; ros_arms, 4.3: 0.5 s."""
STOP_RATE_MAX = 200.0
"""Messages/s of the stop input: more is somebody who floods it."""
_PERIOD = 0.02


@dataclass(frozen=True)
class Heard:
    """When somebody was heard last."""

    arm: float
    """s, the arm's clock."""
    own: float
    """s, this machine's clock."""

    def silent(self, arm_now: float, own_now: float) -> bool:
        """By both clocks: a slow machine slows the arm's, and a late message of the arm makes that one leap."""
        return arm_now - self.arm > SILENT_S and own_now - self.own > SILENT_S


class Supervisor(Node):
    """Says `safety` 50 times a second; begins stopped, until it has heard everybody and somebody has acknowledged."""

    def __init__(self) -> None:
        super().__init__("supervisor")
        self.declare_parameter("station", "")
        station = str(self.get_parameter("station").value)
        self._rescue = _rescue(self, station) if station else None
        self._arm_now, self._arm_at = 0.0, -1.0
        self._heard: dict[str, Heard] = {}
        self._stop_at, self._stop_asked = -1.0, False
        self._stops: deque[float] = deque(maxlen=int(STOP_RATE_MAX * STOP_SILENT_S))
        self._latched = "nobody has acknowledged yet"
        self._lock = threading.Lock()
        self._says = self.create_publisher(Safety, "safety", NEWEST)
        hear_one(self, ArmStatus, "arm/status", self._hear_arm, self._second, 10)
        self.create_subscription(Heartbeat, "heartbeat", self._hear_heartbeat, QoSProfile(depth=50))
        hear_one(self, StopInput, "stop", self._hear_stop, self._second, 10)
        self.create_service(Trigger, "supervisor/acknowledge", self._acknowledge)

    def work(self, stop: threading.Event) -> None:
        """Look, and say what was seen."""
        while not stop.wait(_PERIOD):
            with self._lock:
                if self._rescue is not None and self._arm_lost:
                    self._latched = self._latched or "the arm's adapter is silent"
                    self._rescue.send()
                if wrong := self._wrong():
                    if not self._latched:
                        self.get_logger().error(f"stop: {wrong}")
                    self._latched = self._latched or wrong
                message = Safety(stop=bool(self._latched), text=self._latched)
            message.header.stamp = stamp(self._arm_now)
            self._says.publish(message)

    @property
    def _arm_lost(self) -> bool:
        """Whether nobody stands between us and the arm's driver any more."""
        heard = self._heard.get(ARM)
        return heard is not None and time.monotonic() - heard.own > ADAPTER_SILENT_S

    def _wrong(self) -> str:
        """What is wrong now; empty: nothing."""
        now = time.monotonic()
        if self._stop_asked:
            return "a stop is asked for"
        if self.count_publishers("stop") > 1:
            return "two publishers on stop; one is allowed"
        if now - self._arm_at > STOP_SILENT_S:
            return "the arm is silent"
        if now - self._stop_at > STOP_SILENT_S:
            return "the stop input is silent"
        if len(self._stops) == self._stops.maxlen and now - self._stops[0] < STOP_SILENT_S:
            return f"the stop input comes more than {STOP_RATE_MAX:g} times a second"
        for name in WATCHED:
            if name not in self._heard:
                return f"{name} has not been heard"
            if self._heard[name].silent(self._arm_now, now):
                return f"{name} is silent"
        return ""

    def _hear_arm(self, message: ArmStatus) -> None:
        with self._lock:
            self._arm_now, self._arm_at = seconds(message.header.stamp), time.monotonic()
            if not message.ready and not self._latched:
                self._latched = f"the arm let go: {message.text}"

    def _hear_heartbeat(self, message: Heartbeat) -> None:
        with self._lock:
            self._heard[message.node] = Heard(self._arm_now, time.monotonic())

    def _hear_stop(self, message: StopInput) -> None:
        with self._lock:
            self._stop_at, self._stop_asked = time.monotonic(), message.stop
            self._stops.append(self._stop_at)
            if message.stop:
                self._latched = self._latched or "a stop is asked for"

    def _second(self, why: str) -> None:
        """Latched at once, and until it is gone and somebody acknowledges."""
        self.get_logger().error(f"stop: {why}")
        with self._lock:
            self._latched = self._latched or why

    def _acknowledge(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Whoever acknowledges has seen to it; refused while something is wrong."""
        with self._lock:
            response.message = self._wrong()
            response.success = not response.message
            if response.success:
                self._latched = ""
        return response


def _rescue(node: Node, file: str) -> Rescue | None:
    """None for an arm that lets go by itself when commands stop."""
    station = load_station(file)
    return None if station.command.protects else Rescue(node, station)


def main() -> None:
    """Entry point of the process."""
    serve(Supervisor)


if __name__ == "__main__":
    main()
