"""Makes heartbeats for the session of what a device gives: RR intervals on a topic, or a recorded series.

Intervals that no heart has are left out, counted, and told with their reason; so is silence.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from pathlib import Path

import numpy as np
from massage_arm.control.heart import RR_S
from massage_arm.native import InputError
from massage_msgs.msg import Biosignal
from rclpy.node import Node
from std_msgs.msg import Float32

from .heartbeats import BIOSIGNAL, LATE_S, SILENT_S
from .messages import hear_one
from .process import serve

RR_TOPIC = "rr_ms"
"""Of std_msgs/Float32: RR intervals in ms, as bridges of Bluetooth belts publish them."""
UNITS = {"s": 1.0, "ms": 1e-3}
_NEWEST = 25  # intervals that the quality is of; those among which `heart.good_intervals` finds artefacts
_PERIOD = 0.02  # s
_QUEUE = 20


def read_series(file: Path, unit: str) -> list[float]:
    """RR intervals [s] of a text file: one number a line; lines that are empty or begin with # do not count.

    Raises InputError for another unit than s or ms, for what is no number, and where half of them or more are none of a
    heart in that unit.
    """
    if unit not in UNITS:
        raise InputError(f"unit: {unit!r} is not allowed; s or ms, of the numbers in {file}, is")
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"file: {str(file)!r} cannot be read ({error})") from None
    intervals = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            intervals.append(UNITS[unit] * float(line))
        except ValueError:
            raise InputError(f"{file}:{number}: {line.strip()!r} is not allowed; one number is") from None
    plausible = sum(RR_S[0] <= rr <= RR_S[1] for rr in intervals)
    if 2 * plausible <= len(intervals):
        raise InputError(
            f"{file}: {plausible} of {len(intervals)} intervals are {RR_S[0]:g} to {RR_S[1]:g} s long; more than half "
            f"must be. Is {unit} their unit?"
        )
    return intervals


class Intervals:
    """Turns intervals, which a device tells singly or some at once, into heartbeats with their age and quality."""

    def __init__(self) -> None:
        self.left_out = 0
        """Intervals of no heart so far."""
        self._last = -math.inf  # s, when the beat before fell
        self._good: deque[bool] = deque(maxlen=_NEWEST)

    def heartbeat(self, rr: float, now: float) -> Biosignal | str:
        """The beat that ends an interval `rr` [s] heard at `now` [s]; why it is none."""
        good = RR_S[0] <= rr <= RR_S[1]
        self._good.append(good)
        if not good:
            self.left_out += 1
            self._last = -math.inf
            return f"{rr:g} s is left out; {RR_S[0]:g} to {RR_S[1]:g} s from beat to beat is a heart's"
        due = self._last + rr
        self._last = due if now - LATE_S <= due <= now else now
        return Biosignal(rr_s=rr, age_s=now - self._last, quality=float(np.mean(self._good)))


class BiosignalNode(Node):
    """Its parameter `device` says where intervals come from: `topic`, or `file` (with `file` and `unit`)."""

    def __init__(self) -> None:
        super().__init__("biosignal")
        device, file, unit = (self._given(name) for name in ("device", "file", "unit"))
        if device not in ("file", "topic"):
            raise InputError(f"device: {device!r} is not allowed; file or topic is")
        self._series = read_series(Path(file), unit) if device == "file" else None
        self._intervals = Intervals()
        self._heard: deque[float] = deque(maxlen=_QUEUE)
        self._second = ""
        self._says = self.create_publisher(Biosignal, BIOSIGNAL, _QUEUE)
        if device == "topic":
            hear_one(self, Float32, RR_TOPIC, self._hear, self._hear_second, _QUEUE)

    def work(self, stop: threading.Event) -> None:
        """Until it is stopped or the recorded series ends; exit code 2 where a second device speaks."""
        if self._series is None:
            self._pass_on(stop)
        else:
            self._replay(self._series, stop)
        self.get_logger().info(f"{self._intervals.left_out} intervals were left out")

    def _replay(self, series: list[float], stop: threading.Event) -> None:
        due = time.monotonic()
        for rr in series:
            due += min(max(0.0, rr), SILENT_S) if math.isfinite(rr) else 0.0
            if stop.wait(max(0.0, due - time.monotonic())):
                return
            self._send(rr)
        self.get_logger().info(f"the recorded series of {len(series)} intervals has ended")

    def _pass_on(self, stop: threading.Event) -> None:
        heard_at, silent = time.monotonic(), False
        while not stop.wait(_PERIOD):
            if self._second:
                self.get_logger().error(self._second)
                raise SystemExit(2)
            now = time.monotonic()
            while self._heard:
                if silent:
                    self.get_logger().info(f"{RR_TOPIC} is heard again")
                heard_at, silent = now, False
                self._send(self._heard.popleft())
            if now - heard_at > SILENT_S and not silent:
                self.get_logger().error(f"{RR_TOPIC} has been silent for {SILENT_S:g} s")
                silent = True

    def _send(self, rr: float) -> None:
        message = self._intervals.heartbeat(rr, time.monotonic())
        if isinstance(message, str):
            self.get_logger().error(message)
            return
        message.header.stamp = self.get_clock().now().to_msg()
        self._says.publish(message)

    def _given(self, name: str) -> str:
        self.declare_parameter(name, "")
        return str(self.get_parameter(name).value)

    def _hear(self, message: Float32) -> None:
        self._heard.append(UNITS["ms"] * float(message.data))

    def _hear_second(self, why: str) -> None:
        self._second = why


def main() -> None:
    """Entry point of the process."""
    serve(BiosignalNode)


if __name__ == "__main__":
    main()
