"""Heartbeats between nodes: what a simulated person's belt sends, and what a session takes of what it hears."""

from __future__ import annotations

import math
from collections import deque

from massage_arm.control.heart import RR_S
from massage_arm.control.pacing import COVERED, Pacing
from massage_msgs.msg import Biosignal
from rclpy.node import Node

from .messages import hear_one, stamp

BIOSIGNAL = "biosignal"
"""Topic of `Biosignal`; one node speaks on it."""
LATE_S = 2.0
"""s after which a device must have told a beat; assumption: sensors notify once a second, of all since."""
SILENT_S = 5.0
"""s without a beat after which the sensor is called silent."""
_QUEUE = 20
_MOST = 200  # beats that wait for a cycle of the session: bounds memory


def refusal(message: Biosignal) -> str:
    """Why a beat is not taken; empty: it is."""
    if not RR_S[0] <= message.rr_s <= RR_S[1]:
        return f"rr_s: {message.rr_s:g} s is not allowed; {RR_S[0]:g} to {RR_S[1]:g} s is"
    if not 0.0 <= message.age_s <= LATE_S:
        return f"age_s: {message.age_s:g} s is not allowed; 0 to {LATE_S:g} s is"
    if not COVERED <= message.quality <= 1.0:
        return f"quality: {message.quality:g} is not allowed; {COVERED:g} to 1 is"
    return ""


class Belt:
    """A heart belt on the simulated person: it misses nothing and adds nothing."""

    def __init__(self, node: Node) -> None:
        self._says = node.create_publisher(Biosignal, BIOSIGNAL, _QUEUE)
        self._count, self._last = 0.0, math.nan

    def tell(self, beats: float, now: float) -> None:
        """Send a beat when their count has risen; `now` [s] on the arm's clock."""
        if beats <= self._count:
            return
        rr, self._count, self._last = now - self._last, beats, now
        if math.isfinite(rr):  # the first beat has none before it
            message = Biosignal(rr_s=rr, age_s=0.0, quality=1.0)
            message.header.stamp = stamp(now)
            self._says.publish(message)


class Listener:
    """What a session hears of the heart; it tells `Pacing`, which may slow down and lighten, never more."""

    def __init__(self, node: Node) -> None:
        """Listen on `node`, whose log is told what is wrong, too."""
        self.told: list[str] = []
        """What was wrong with the sensor in this session, and when."""
        self._log = node.get_logger()
        self._waiting: deque[Biosignal] = deque(maxlen=_MOST)
        self._second = ""
        self._newest = math.nan
        hear_one(node, Biosignal, BIOSIGNAL, self._hear, self._hear_second, _QUEUE)

    def begin(self, *, needed: bool) -> None:
        """A session begins: what was heard until now is of no use to it. `needed`: silence is told from the start."""
        self.told, self._newest = [], 0.0 if needed else math.nan
        self._waiting.clear()

    def tell(self, heart: Pacing, now: float) -> None:
        """Tell `heart` of what has come; `now` [s] on the session's clock."""
        if self._second:
            self._say_once(now, f"{self._second}; the heart is not heard any more")
            return
        while self._waiting:
            message = self._waiting.popleft()
            if why := refusal(message):
                self._say_once(now, f"heartbeats are left out: {why}")
            else:
                self._newest = now
                heart.beat(now - message.age_s, message.rr_s)
        if now - self._newest > SILENT_S:
            self._say_once(now, f"the sensor of the heart has been silent for {SILENT_S:g} s")
            self._newest = math.nan

    def _say_once(self, now: float, what: str) -> None:
        """Tell each kind of trouble once in a session."""
        kind = what.split(": ")[0]
        if not any(kind in told for told in self.told):
            self.told.append(f"{now:.1f} s: {what}")
            self._log.error(what)

    def _hear(self, message: Biosignal) -> None:
        self._waiting.append(message)

    def _hear_second(self, why: str) -> None:
        self._second = why
