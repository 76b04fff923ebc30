"""Looks on and tells people: `/diagnostics` once a second, `markers` for RViz and Foxglove. It commands nothing.

It only listens to what the other nodes say, and nobody listens to it who moves anything: it may die, hang or be left
out, and nothing else changes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from itertools import count

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from massage_msgs.msg import ArmStatus, ControllerStatus, Heartbeat, Safety, SessionState
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from visualization_msgs.msg import MarkerArray

from .diagnostics import STALE_S, SUPERVISOR, Arrivals, Known, diagnose, status_of
from .markers import Floats, markers
from .process import serve
from .station import load_station

WAY_S = 10.0
"""s of the tool's way that are drawn."""
MOST_NODES = 20
"""Names in heartbeats that are kept: somebody who sends ever new ones must not fill the memory."""
_DRAW_S = 0.1
_REPORT_EVERY = 10
_EVERY_MESSAGE = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)  # hears reliable senders, too
_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Onlooker(Node):
    """Of one installation, whose station its parameter `station` names."""

    def __init__(self) -> None:
        super().__init__("onlooker")
        self.declare_parameter("station", "")
        station = load_station(str(self.get_parameter("station").value))
        self._hardware, self._frame = station.profile.name, station.profile.base
        now = time.monotonic()
        self._lock = threading.Lock()  # of all that is heard
        self._nodes: dict[str, Arrivals] = {}
        self._joints, self._statuses, self._states = Arrivals(now), Arrivals(now), Arrivals(now)
        self._arm: ArmStatus | None = None
        self._controller: ControllerStatus | None = None
        self._session: SessionState | None = None
        self._safety: Safety | None = None
        self._status_at = -1.0
        self._drawn_at, self._drawn_live = -1.0, False
        self._way: deque[tuple[float, Floats]] = deque()
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._markers = self.create_publisher(MarkerArray, "markers", _LATCHED)
        self.create_subscription(Heartbeat, "heartbeat", self._hear_heartbeat, _EVERY_MESSAGE)
        self.create_subscription(ArmStatus, "arm/status", self._hear_arm, _EVERY_MESSAGE)
        self.create_subscription(ControllerStatus, "controller/status", self._hear_controller, _EVERY_MESSAGE)
        self.create_subscription(SessionState, "session/state", self._hear_session, _EVERY_MESSAGE)
        self.create_subscription(Safety, "safety", self._hear_safety, _EVERY_MESSAGE)
        # Joint states are only counted: raw, they cost half as much at 500 Hz.
        self.create_subscription(JointState, "arm/joint_states", self._hear_joints, _EVERY_MESSAGE, raw=True)

    def work(self, stop: threading.Event) -> None:
        """Draw what is new ten times a second, report once a second."""
        for tick in count(1):
            if stop.wait(_DRAW_S):
                return
            self._draw()
            if tick % _REPORT_EVERY == 0:
                self._report()

    def _report(self) -> None:
        now = time.monotonic()
        with self._lock:
            known = Known(
                nodes={name: arrivals.coming(now) for name, arrivals in self._nodes.items()},
                joints=self._joints.coming(now),
                statuses=self._statuses.coming(now),
                states=self._states.coming(now),
                arm=self._arm,
                controller=self._controller,
                session=self._session,
                safety=self._safety,
            )
        self._diagnostics.publish(diagnose(known, self._hardware, self.get_clock().now().to_msg()))

    def _draw(self) -> None:
        """What is new; once more, in grey, when nothing new comes."""
        with self._lock:
            message, heard_at = self._controller, self._status_at
        live = time.monotonic() - heard_at <= STALE_S
        if message is None or (heard_at == self._drawn_at and live == self._drawn_live):
            return
        status = status_of(message)
        if status is None:  # the diagnostics tell
            return
        if np.all(np.isfinite(status.position)) and heard_at != self._drawn_at:
            self._way.append((heard_at, status.position.copy()))
        while self._way and heard_at - self._way[0][0] > WAY_S:
            self._way.popleft()
        self._drawn_at, self._drawn_live = heard_at, live
        self._markers.publish(markers(status, [place for _, place in self._way], self._frame, live))

    # What comes in.

    def _hear_heartbeat(self, message: Heartbeat) -> None:
        self._hear_node(message.node)

    def _hear_node(self, name: str) -> None:
        now = time.monotonic()
        with self._lock:
            if name in self._nodes or len(self._nodes) < MOST_NODES:
                self._nodes.setdefault(name, Arrivals(now)).hear(now)

    def _hear_arm(self, message: ArmStatus) -> None:
        self._arm = message

    def _hear_controller(self, message: ControllerStatus) -> None:
        now = time.monotonic()
        with self._lock:
            self._controller, self._status_at = message, now
            self._statuses.hear(now)

    def _hear_session(self, message: SessionState) -> None:
        with self._lock:
            self._session = message
            self._states.hear(time.monotonic())

    def _hear_safety(self, message: Safety) -> None:
        self._safety = message
        self._hear_node(SUPERVISOR)

    def _hear_joints(self, message: bytes) -> None:
        with self._lock:
            self._joints.hear(time.monotonic())


def main() -> None:
    """Entry point of the process."""
    serve(Onlooker)


if __name__ == "__main__":
    main()
