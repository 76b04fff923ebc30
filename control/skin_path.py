"""Ways over the skin: geodesics from a site along its fibres or across them, and circles around it; body frame.

A geodesic is what a stroke along a muscle follows: straight on the skin, not in space. It is traced by going on
straight in the tangent plane and taking point and direction back to the skin, in steps of 1 mm (the straightest
geodesic of Polthier and Schmies 1998, for a smooth surface).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from ..native import InputError
from .body import HeightField, Site

Floats = NDArray[np.float64]

_STEP = 1e-3  # m
_NEAR = 0.02  # m; the tool slows down ahead of a bend
_BESIDE = 0.012  # m to either side, over which it is told how skin falls off: a tool that slides is stopped at 8 mm
_ROUND = 48  # points that make a circle


@dataclass(frozen=True)
class SkinPoint:
    """Where a tool stands on the way; (3,) each, body axes."""

    position: Floats
    """m."""
    along: Floats
    """m per m of the way: its direction, of length 1 but for rounding."""
    normal: Floats
    """Unit, out of the body."""
    bend: Floats
    """rad/m: how the normal turns with the way."""


class SkinPath:
    """A way over the skin by its length; a closed one goes round for ever."""

    def __init__(self, field: HeightField, points: Floats, *, closed: bool = False) -> None:
        """`points` (N, 2) [m], seen from above, in order; of a closed way the last is the first."""
        self.closed = closed
        self._field = field
        heights = [_height(field, x, y) for x, y in points]
        steps = np.linalg.norm(np.diff(np.column_stack([points, heights]), axis=0), axis=1)
        lengths = np.concatenate([[0.0], np.cumsum(steps)])
        self.length = float(lengths[-1])
        """m."""
        self._xy = CubicSpline(lengths, points, bc_type="periodic" if closed else "natural") if self.length else None
        self._only = points[0]
        self._bends = self._bending_near() if self.length else np.zeros(1)

    def at(self, s: float) -> SkinPoint:
        """The place at `s` [m] from the begin; beyond the ends of an open way, its ends."""
        if self._xy is None:
            return self._point(self._only, np.zeros(2), np.zeros(3))
        s = s % self.length if self.closed else float(np.clip(s, 0.0, self.length))
        slope = self._xy(s, 1)
        low, high = s - _STEP, s + _STEP
        if not self.closed:
            low, high = max(low, 0.0), min(high, self.length)
        # Of a closed way the spline goes round by itself.
        turn = (self._normal(self._xy(high)) - self._normal(self._xy(low))) / (high - low)
        return self._point(self._xy(s), slope, turn)

    def bending(self, s: float) -> float:
        """How sharply [rad/m] the normal turns at `s` [m] or near it, `_NEAR` to either side; changes softly."""
        if not self.length:
            return 0.0
        s = s % self.length if self.closed else float(np.clip(s, 0.0, self.length))
        return float(np.interp(s, np.linspace(0.0, self.length, len(self._bends)), self._bends))

    def _bending_near(self) -> Floats:
        """The sharpest bend around each of some places a step apart, smoothed."""
        bends = np.array([np.linalg.norm(point.bend) for point in self.sampled(2.0 * _STEP)])
        width, mode = round(_NEAR / _STEP) // 2 * 2 + 1, "wrap" if self.closed else "nearest"
        return np.asarray(uniform_filter1d(maximum_filter1d(bends, width, mode=mode), width // 2, mode=mode))

    def falling_off(self) -> float:
        """Rad/m by which the normal turns outwards at most, a little to either side of the way; 0 in a hollow."""
        return max(0.0, *(self._falling_off_at(point) for point in self.sampled(5.0 * _STEP)), 0.0)

    def _falling_off_at(self, point: SkinPoint) -> float:
        side = np.cross(point.normal, point.along)
        length = float(np.linalg.norm(side))
        if length == 0.0:
            return 0.0
        steps = (_BESIDE / length * side, -_BESIDE / length * side)
        return max(float((self._normal((point.position + d)[:2]) - point.normal) @ d) / _BESIDE**2 for d in steps)

    def sampled(self, spacing: float) -> list[SkinPoint]:
        """Places about `spacing` [m] apart, both ends among them."""
        count = max(2, round(self.length / spacing) + 1) if self.length else 1
        return [self.at(s) for s in np.linspace(0.0, self.length, count)]

    def _point(self, xy: Floats, slope: Floats, turn: Floats) -> SkinPoint:
        z, dx, dy = self._field.value_and_gradient(*xy)
        normal = _unit(np.array([-dx, -dy, 1.0]))
        along = np.array([*slope, dx * slope[0] + dy * slope[1]])
        return SkinPoint(np.array([*xy, z]), along, normal, np.cross(normal, turn))

    def _normal(self, xy: Floats) -> Floats:
        _, dx, dy = self._field.value_and_gradient(*xy)
        return _unit(np.array([-dx, -dy, 1.0]))


def spot(field: HeightField, site: Site) -> SkinPath:
    """A way that stays at the site."""
    return SkinPath(field, site.position[None, :2])


def line(field: HeightField, site: Site, length: float, *, across: bool = False) -> SkinPath:
    """A geodesic of `length` [m] with the site in its middle, along the fibres or across them."""
    direction = np.cross(site.normal, site.fibre) if across else site.fibre
    back = _trace(field, site.position[:2], -direction, 0.5 * length)
    there = _trace(field, site.position[:2], direction, 0.5 * length)
    return SkinPath(field, np.concatenate([back[:0:-1], there]))


def circle(field: HeightField, site: Site, radius: float) -> SkinPath:
    """All places at `radius` [m] from the site, as measured on the skin."""
    side = np.cross(site.normal, site.fibre)
    angles = np.linspace(0.0, 2.0 * np.pi, _ROUND, endpoint=False)
    ends = [_trace(field, site.position[:2], np.cos(a) * site.fibre + np.sin(a) * side, radius)[-1] for a in angles]
    return SkinPath(field, np.array([*ends, ends[0]]), closed=True)


def _trace(field: HeightField, start: Floats, direction: Floats, length: float) -> Floats:
    """(N, 2) [m], seen from above: the geodesic from `start` (2,) in the direction (3,), ends included."""
    steps = max(1, round(length / _STEP))
    step = length / steps
    at = np.array([*start, _height(field, *start)])
    points = [at[:2]]
    for _ in range(steps):
        _, dx, dy = field.value_and_gradient(*at[:2])
        normal = _unit(np.array([-dx, -dy, 1.0]))
        direction = _unit(direction - (direction @ normal) * normal)
        at = at + step * direction
        at[2] = _height(field, *at[:2])
        points.append(at[:2].copy())
    return np.array(points)


def _height(field: HeightField, x: float, y: float) -> float:
    try:
        return field.value_and_gradient(x, y)[0]
    except ValueError as error:
        raise InputError(f"stroke: {error}") from None


def _unit(a: Floats) -> Floats:
    return np.asarray(a / np.linalg.norm(a))
