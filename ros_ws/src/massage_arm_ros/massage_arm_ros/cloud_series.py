"""The clouds of one scan, taken as they come: which of them count, and what makes them no scan of one person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from massage_arm.control.registration import Registered, register
from massage_arm.control.scan import HeightMap, height_map, level
from massage_arm.control.scan_series import check_still, mean_map
from massage_arm.native import InputError
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import PointCloud2

from .messages import seconds
from .point_cloud import points_of

Floats = NDArray[np.float64]

MOST = 20
"""Clouds of one scan: with as many, what noise is left is far below what a camera gets wrong for good."""
BREATH_S = 4.0
"""s, of a breath: 12 to 18 a minute, as in `disturbances.yaml`."""
_AHEAD = 0.5  # s that a stamp may be ahead of this machine's clock; assumption
_FARTHEST = 10.0  # m that half of the points are allowed away from a camera over a table
_FLOOR = -0.1  # m from the table top; what is lower is no part of a scan


@dataclass(frozen=True)
class Camera:
    """Where the frame of the clouds lies in the body frame (x to the head, y to the left, z up from the table top)."""

    frame: str
    """Its frame_id."""
    place: Floats
    """(3,) m."""
    turn: Rotation
    """Of the camera's axes into those of the body frame."""

    @classmethod
    def at(cls, frame: str, place: Floats, roll_pitch_yaw_deg: Floats) -> Camera:
        """Angles as in a URDF: about the fixed x, then y, then z."""
        return cls(frame, place, Rotation.from_euler("xyz", roll_pitch_yaw_deg, degrees=True))

    def on_table(self, points: Floats) -> Floats:
        """(N, 3) m, body frame, of points in the camera's."""
        placed: Floats = self.turn.apply(points) + self.place
        return placed


class CloudSeries:
    """Takes clouds until there are enough of them; times are those of the node's clock, s."""

    def __init__(self, name: str, camera: Camera, asked_at: float, length_s: float) -> None:
        """`name` stands before every refusal; `length_s`: how long clouds are going to be taken."""
        self._name, self._camera, self._asked_at, self._length = name, camera, asked_at, length_s
        self._maps: list[HeightMap] = []
        self._newest = -np.inf
        self._oldest_by = 0.0
        self._level = True
        self.points = 0
        """Finite ones, in all clouds that were taken."""

    @property
    def clouds(self) -> int:
        """Taken so far."""
        return len(self._maps)

    def take(self, message: PointCloud2, now: float) -> None:
        """Take a cloud that was heard at `now`, or leave it: from before the scan was asked for, or soon after another.

        Raises InputError for what can be no part of a scan of one person who lies still.
        """
        if not self._counts(message, now):
            return
        points = points_of(self._name, message)
        if len(points) and (far := float(np.median(np.linalg.norm(points, axis=1)))) > _FARTHEST:
            raise InputError(
                f"{self._name}: half of the points are {far:.0f} m or more from the camera; metres are needed, these "
                "may be millimetres"
            )
        placed = self._camera.on_table(points)
        above = placed[placed[:, 2] > _FLOOR]
        levelled = level(above)
        seen = height_map(self._name, levelled)
        if self._maps:
            check_still(self._name, self._maps[0], seen)
        self._level = self._level and levelled is not above
        self._maps.append(seen)
        self.points += len(points)

    def _counts(self, message: PointCloud2, now: float) -> bool:
        """Whether this cloud is of the scan; refusals of its frame and time."""
        if message.header.frame_id != self._camera.frame:
            raise InputError(
                f"{self._name}: frame_id {message.header.frame_id!r} is not allowed; {self._camera.frame!r}, whose "
                "place is known, is"
            )
        at = seconds(message.header.stamp)
        if at == 0.0:
            raise InputError(f"{self._name}: a cloud without a time (stamp 0) is not allowed")
        if at > now + _AHEAD:
            raise InputError(
                f"{self._name}: a cloud from {at - now:.1f} s ahead of this machine's clock; at most {_AHEAD:g} s is "
                "allowed"
            )
        if at < self._asked_at:
            self._oldest_by = self._asked_at - at
            return False
        if at < self._newest + self._length / MOST or at == self._newest:
            return False
        self._newest = at
        return True

    def register(self, name: str, felt: dict[str, Floats]) -> Registered:
        """The sites on the mean of the clouds; `felt`: landmarks (2,) [m], body frame. InputError where none came."""
        if not self._maps and self._oldest_by:
            raise InputError(
                f"{self._name}: only clouds from before the scan was asked for came, the last {self._oldest_by:.1f} s "
                "older; does the camera go by this machine's clock?"
            )
        if not self._maps:
            raise InputError(f"{self._name}: no cloud came within {self._length:g} s")
        return register(name, mean_map(self._maps), felt)

    @property
    def warnings(self) -> list[str]:
        """What a person should know before they use the result."""
        told = []
        if self._length < BREATH_S:
            told.append(f"{self._length:g} s is less than a breath: the back is as high as it happened to be")
        if self.clouds == 1:
            told.append("one cloud only: whether the person lay still is not known")
        if not self._level:
            told.append("too little of the table was seen: heights are as good as the camera's place is known")
        return told
