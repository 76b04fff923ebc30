"""Scans the person on the table with a depth camera: clouds in, a body with its sites out, by action.

The body is the file that `massage-arm scan` writes, with the same code; plans name it as their person.
"""

from __future__ import annotations

import math
import os
import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from massage_arm.control.body import BODY_FILE, body_bytes
from massage_arm.control.body_picture import body_picture
from massage_arm.control.registration import Registered, load_landmarks
from massage_arm.native import InputError
from massage_msgs.action import ScanBody
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import PointCloud2
from threadpoolctl import threadpool_limits

from .cloud_series import Camera, CloudSeries
from .process import serve

TOPIC = "body_cloud"
SECONDS = (1.0, 30.0)
"""Shortest and longest time of a scan."""
POSE = ("x_m", "y_m", "z_m", "roll_deg", "pitch_deg", "yaw_deg")
"""Parameters: where the camera's frame is in the body frame; angles as in a URDF."""
_PERIOD = 0.05  # s
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_PATIENCE = 5.0  # s until somebody who publishes clouds is known: discovery takes 3 s now and then


class Cancelled(Exception):
    """Somebody does not want the scan any more."""


class BodyScan(Node):
    """Offers the action `scan_body` for the camera that its parameters place."""

    def __init__(self) -> None:
        super().__init__("body_scan")
        pose = {name: _given(self, name) for name in POSE}
        self._camera = placed_camera(str(_given(self, "camera_frame") or ""), pose)
        self._folder = _folder(self)
        self._heard: deque[PointCloud2] = deque(maxlen=2)
        self._busy = False
        self._goal: Any = None
        self._done: Future | None = None
        self._wanted = threading.Event()
        self._topic = self.resolve_topic_name(TOPIC)
        self._heard_as: ReliabilityPolicy | None = None
        self._clouds: Any = None
        self._action = ActionServer(
            self, ScanBody, "scan_body", self._execute, goal_callback=self._wish, cancel_callback=self._cancel
        )

    # The action.

    def _wish(self, goal: ScanBody.Goal) -> GoalResponse:
        if self._busy:
            self.get_logger().error("refused: a scan is going on; one at a time is allowed")
            return GoalResponse.REJECT
        self._busy = True
        return GoalResponse.ACCEPT

    def _cancel(self, goal: object) -> CancelResponse:
        return CancelResponse.ACCEPT

    async def _execute(self, goal: Any) -> ScanBody.Result:
        self._goal, self._done = goal, Future()
        self._wanted.set()
        result: ScanBody.Result = await self._done
        if result.done:
            goal.succeed()
        elif goal.is_cancel_requested:
            goal.canceled()
        else:
            goal.abort()
        self._goal, self._busy = None, False
        return result

    # Its work.

    def work(self, stop: threading.Event) -> None:
        """Wait for goals and carry them out, one after the other."""
        while not stop.is_set():
            if not self._wanted.wait(_PERIOD):
                continue
            self._wanted.clear()
            result = ScanBody.Result()
            try:
                self._scan(result, stop)
            except (InputError, Cancelled) as error:
                result.text = str(error)
                self.get_logger().error(f"no scan: {error}")
            assert self._done is not None
            self._done.set_result(result)

    def _scan(self, result: ScanBody.Result, stop: threading.Event) -> None:
        goal = self._goal.request
        file = new_file(self._folder, goal.name)
        if not SECONDS[0] <= goal.seconds <= SECONDS[1]:
            raise InputError(f"seconds: {goal.seconds:g} s is not allowed; {SECONDS[0]:g} to {SECONDS[1]:g} s is")
        felt = load_landmarks(Path(goal.landmarks))
        with threadpool_limits(1):  # sums depend on how many threads there are
            series = self._look(goal.seconds, stop)
            found = series.register(goal.name, felt)
            picture, body = body_picture(found.body), body_bytes(found.body)
        self._go_on(stop)
        write_new(file.with_suffix(".png"), picture)
        write_new(file, body)
        _tell(result, file, found, series)

    def _look(self, length: float, stop: threading.Event) -> CloudSeries:
        """The clouds of the next `length` [s]."""
        self._listen(stop)
        series = CloudSeries(TOPIC, self._camera, self._now, length)
        self._heard.clear()
        until = time.monotonic() + length
        while time.monotonic() < until:
            self._go_on(stop)
            if (senders := self.count_publishers(self._topic)) > 1:
                raise InputError(f"{TOPIC}: {senders} publishers; one is allowed")
            if self._heard:
                series.take(self._heard.popleft(), self._now)
                self._goal.publish_feedback(ScanBody.Feedback(clouds=series.clouds, points=series.points))
            else:
                time.sleep(_PERIOD)
        return series

    def _listen(self, stop: threading.Event) -> None:
        """Hear the camera as reliably as it speaks: of clouds of 2 MB, best effort lets none through (0 of 33)."""
        patience = time.monotonic() + _PATIENCE
        while not (senders := self.get_publishers_info_by_topic(self._topic)):
            self._go_on(stop)
            if time.monotonic() > patience:
                raise InputError(f"{TOPIC}: nobody publishes it")
            time.sleep(_PERIOD)
        reliability = senders[0].qos_profile.reliability
        if reliability != self._heard_as:
            if self._clouds is not None:
                self.destroy_subscription(self._clouds)
            quality = QoSProfile(depth=2, reliability=reliability)
            self._clouds, self._heard_as = (
                self.create_subscription(PointCloud2, TOPIC, self._hear, quality),
                reliability,
            )

    def _go_on(self, stop: threading.Event) -> None:
        if stop.is_set() or self._goal.is_cancel_requested:
            raise Cancelled("cancelled; nothing is written")

    @property
    def _now(self) -> float:
        return 1e-9 * float(self.get_clock().now().nanoseconds)

    def _hear(self, message: PointCloud2) -> None:
        if self._busy:
            self._heard.append(message)


def new_file(folder: Path, name: str) -> Path:
    """The file of a body of that name, which is not there yet; InputError."""
    if not _NAME.fullmatch(name):
        raise InputError(f"name: {name!r} is not allowed; letters, digits, _ and - are")
    file = folder / f"{name}{BODY_FILE}"
    for one in (file, file.with_suffix(".png")):
        if one.exists():
            raise InputError(f"name: {one} is there already; a new one is allowed")
    return file


def write_new(file: Path, content: bytes) -> None:
    """A file that is there whole or not at all, and never in place of another; InputError."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_bytes(content)
        os.link(part, file)
    except OSError as error:
        raise InputError(f"name: {file} cannot be written ({error.strerror})") from None
    finally:
        part.unlink(missing_ok=True)


def _tell(result: ScanBody.Result, file: Path, found: Registered, series: CloudSeries) -> None:
    result.done, result.file = True, str(file)
    result.fit, result.seen, result.warnings = found.fit, found.seen, series.warnings
    for name, site in found.body.sites.items():
        result.sites.append(name)
        x, y, z = site.position.tolist()
        result.positions.append(Point(x=x, y=y, z=z))


def placed_camera(frame: str, pose: Mapping[str, Any]) -> Camera:
    """Of the parameters, of which none has a default: a camera that is elsewhere sees a back that is. InputError."""
    if not frame:
        raise InputError("camera_frame: missing; the frame_id of the clouds is needed")
    for name in POSE:
        value = pose.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(
                f"{name}: {'missing' if value is None else f'{value!r} is not allowed'}; a number is needed: where the "
                "camera's frame is in the body frame"
            )
    numbers = np.array([float(pose[name]) for name in POSE])
    return Camera.at(frame, numbers[:3], numbers[3:])


def _given(node: Node, name: str) -> Any:
    """A parameter of whatever type it was given; None where it was not."""
    node.declare_parameter(name, None, ParameterDescriptor(dynamic_typing=True))
    return node.get_parameter(name).value


def _folder(node: Node) -> Path:
    folder = str(_given(node, "folder") or "")
    if not folder or not Path(folder).is_dir():
        raise InputError(f"folder: {folder!r} is not a folder; the one for the files of bodies is needed")
    return Path(folder)


def main() -> None:
    """Entry point of the process."""
    serve(BodyScan)


if __name__ == "__main__":
    main()
