"""What the supervisor tells an arm's driver when the adapter is gone: a driver repeats the last command for ever.

Before that the tool pressed. The force is taken away and the tool drawn back along its own axis, its attitude kept.
"""

from __future__ import annotations

import copy

import numpy as np
from geometry_msgs.msg import PoseStamped, WrenchStamped
from massage_msgs.msg import CartesianTarget
from rclpy.node import Node
from scipy.spatial.transform import Rotation
from std_msgs.msg import Float64MultiArray

from .adapted import command_topics
from .messages import NEWEST
from .station import Station

BACK_M = 0.04
"""m that the tool is drawn back: more than flesh gives under 60 N. Own choice."""


class Rescue:
    """Of one station; silent until `send`."""

    def __init__(self, node: Node, station: Station) -> None:
        """Raises InputError where the driver's commands are not topics that we can send."""
        self._node, self._frame, self._count = node, station.profile.base, station.model.n
        topics = command_topics(station.command)
        self._says = {carried: node.create_publisher(kind, topic, NEWEST) for carried, (topic, kind) in topics.items()}
        self._last: CartesianTarget | None = None
        if "pose" in self._says:
            node.create_subscription(CartesianTarget, "arm/target", self._hear, NEWEST)

    def send(self) -> None:
        """Take the force away, and draw the tool back from where it was wanted last."""
        if "effort" in self._says:
            self._says["effort"].publish(Float64MultiArray(data=[0.0] * self._count))
        if "wrench" in self._says:
            nothing = WrenchStamped()
            nothing.header.stamp, nothing.header.frame_id = self._node.get_clock().now().to_msg(), self._frame
            self._says["wrench"].publish(nothing)
        if "pose" in self._says and self._last is not None:
            back = PoseStamped(pose=copy.deepcopy(self._last.pose))
            back.header.stamp, back.header.frame_id = self._node.get_clock().now().to_msg(), self._frame
            p, q = back.pose.position, back.pose.orientation
            axis = Rotation.from_quat([q.x, q.y, q.z, q.w]).apply([0.0, 0.0, 1.0])
            p.x, p.y, p.z = (np.array([p.x, p.y, p.z]) - BACK_M * axis).tolist()
            self._says["pose"].publish(back)

    def _hear(self, message: CartesianTarget) -> None:
        self._last = message
