"""From one place above the body to another: over the skin at a safe height, by minimum jerk, turning with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from .body import HeightField
from .strokes import smooth

Floats = NDArray[np.float64]

SPEED = 0.10
"""M/s, the most; the guard allows 0.30 m/s near a body (docs/safety.md A.9)."""
TURNING = 0.35
"""rad/s, the most; the governor allows 0.5."""
CLEARANCE = 0.08
"""M above the skin, midway; own choice: above a start of 30 mm and what a scan may be off."""
_PLACES = 25


@dataclass(frozen=True)
class Hover:
    """Where the tool is and how it moves on the way; body axes."""

    position: Floats
    velocity: Floats
    normal: Floats
    """Unit, against which the tool points."""
    turning: Floats
    """rad/s of it."""


class Travel:
    """A way from `begin` to `end` (3,) [m, body axes], each above the skin; it begins at the time of the first `at`."""

    def __init__(
        self, field: HeightField, begin: Floats, begin_normal: Floats, end: Floats, end_normal: Floats
    ) -> None:
        """The normals are those against which the tool points there."""
        share = np.linspace(0.0, 1.0, _PLACES)[:, None]
        points = begin + share * (end - begin)
        for point, s in zip(points, share[:, 0], strict=True):
            height, rise = _height(field, point), smooth(4.0 * min(s, 1.0 - s))
            point[2] += rise * max(0.0, height + CLEARANCE - point[2])
        normals = begin_normal + share * (end_normal - begin_normal)
        normals /= np.linalg.norm(normals, axis=1)[:, None]
        self._points, self._normals = CubicSpline(share[:, 0], points), CubicSpline(share[:, 0], normals)
        self.seconds = 1.0
        hovers = [self.at(age) for age in np.linspace(0.0, 1.0, 8 * _PLACES)]
        fastest = max(float(np.linalg.norm(hover.velocity)) for hover in hovers)
        turning = max(float(np.linalg.norm(hover.turning)) for hover in hovers)
        self.seconds = max(0.5, fastest / SPEED, turning / TURNING)

    def at(self, age: float) -> Hover:
        """Where the tool is `age` [s] after the begin."""
        x = float(np.clip(age / self.seconds, 0.0, 1.0))
        share, rate = smooth(x), 30.0 * x * x * (1.0 - x) ** 2 / self.seconds
        normal = self._normals(share)
        length = np.linalg.norm(normal)
        turning = np.cross(normal / length, self._normals(share, 1) * rate / length)
        return Hover(self._points(share), self._points(share, 1) * rate, normal / length, turning)


def _height(field: HeightField, point: Floats) -> float:
    """The skin's height; beyond the back that is known, the point's own: nothing is there to keep clear of."""
    if not field.contains(point[0], point[1]):
        return float(point[2])
    return field.value_and_gradient(point[0], point[1])[0]
