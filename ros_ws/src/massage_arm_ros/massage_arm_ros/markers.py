"""What the tool does as markers for RViz and Foxglove: its force, where it is wanted, and the way that it came.

Green: no limit binds. Amber: a clamp holds a command back. Red: the guard has let go, as beyond the cap. Grey: nothing
was heard any more, so that what is drawn is old.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point
from massage_arm.native import Level, Status
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from .diagnostics import words
from .messages import causes_in_words

Floats = NDArray[np.float64]

M_PER_N = 0.004
"""Length of the arrow: 50 N are 20 cm."""
FELT_N = 0.5
"""Below which no arrow is drawn: what a force sensor on an arm that moves says of nothing."""
_AXIS_M = 0.05
_TEXT_M = 0.025
_LINE_M = 0.003

GREEN = ColorRGBA(r=0.1, g=0.8, b=0.2, a=1.0)
AMBER = ColorRGBA(r=1.0, g=0.7, b=0.0, a=1.0)
RED = ColorRGBA(r=0.9, g=0.1, b=0.1, a=1.0)
GREY = ColorRGBA(r=0.5, g=0.5, b=0.5, a=0.6)
_AXES = (ColorRGBA(r=1.0, a=1.0), ColorRGBA(g=1.0, a=1.0), ColorRGBA(b=1.0, a=1.0))


def colour(status: Status, live: bool) -> ColorRGBA:
    """Of what the tool does."""
    if not live:
        return GREY
    if status.level != Level.NONE:
        return RED
    return AMBER if status.limited else GREEN


def markers(status: Status, way: Sequence[Floats], frame: str, live: bool) -> MarkerArray:
    """Everything that is drawn; `way`: places (3,) [m] of the tool in axes of `frame`, the oldest first.

    What is no number is not drawn, and taken away where it was. Stamps are 0: the newest transform counts, since our
    stamps are of the arm's clock.
    """
    shade = colour(status, live)
    drawn = [_force(status, shade), _text(status, shade, live), _set_point(status), _way(way, shade)]
    names = ("force", "text", "set_point", "way")
    array = MarkerArray()
    for name, marker in zip(names, drawn, strict=True):
        marker = marker or Marker(action=Marker.DELETE)
        marker.header.frame_id, marker.ns = frame, name
        marker.pose.orientation.w = 1.0
        array.markers.append(marker)
    return array


def _force(status: Status, shade: ColorRGBA) -> Marker | None:
    """From the contact along the press direction, as long as the force is large."""
    place, force = status.position, status.force_measured
    if not _numbers(place, status.press_direction, force) or force < FELT_N:
        return None
    marker = Marker(type=Marker.ARROW, color=shade, points=[_point(place), _point(_end(status))])
    marker.scale.x, marker.scale.y = 0.01, 0.02  # m, shaft and head
    return marker


def _text(status: Status, shade: ColorRGBA, live: bool) -> Marker | None:
    """Beside the end of the arrow."""
    if not _numbers(status.position):
        return None
    measured = f"{status.force_measured:.1f} N" if _numbers(status.force_measured) else "no number"
    lines = [f"{measured}, asked {status.force_reference:.1f} N"]
    lines += [causes_in_words(status) or words(status.limited)] if live else ["old: nothing is heard"]
    marker = Marker(type=Marker.TEXT_VIEW_FACING, color=shade, text="\n".join(filter(None, lines)))
    marker.pose.position = _point(status.position + np.array([0.0, 0.0, 0.1]))
    marker.scale.z = _TEXT_M
    return marker


def _set_point(status: Status) -> Marker | None:
    """Three axes, red, green, blue, at the pose that the governor has made of the set-point."""
    place, quaternion = status.set_position, status.set_quaternion
    if not _numbers(place, quaternion) or not np.any(quaternion):
        return None
    marker = Marker(type=Marker.LINE_LIST)
    marker.scale.x = _LINE_M
    for axis, shade in zip(Rotation.from_quat(quaternion).as_matrix().T, _AXES, strict=True):
        marker.points += [_point(place), _point(place + _AXIS_M * axis)]
        marker.colors += [shade, shade]
    return marker


def _way(way: Sequence[Floats], shade: ColorRGBA) -> Marker | None:
    if len(way) < 2:
        return None
    marker = Marker(type=Marker.LINE_STRIP, color=shade, points=[_point(place) for place in way])
    marker.scale.x = _LINE_M
    return marker


def _end(status: Status) -> Floats:
    end: Floats = status.position + M_PER_N * status.force_measured * status.press_direction
    return end


def _numbers(*values: Floats | float) -> bool:
    return all(bool(np.all(np.isfinite(value))) for value in values)


def _point(place: Floats) -> Point:
    x, y, z = place.tolist()
    return Point(x=x, y=y, z=z)
