"""A person as a surface: skin mesh, a smooth height field over the back, and named sites on it; body frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import spline_filter

from ..control.sites import REGIONS, SIDES
from ..control.yaml_file import Field, read_yaml
from ..native import InputError

Floats = NDArray[np.float64]
FOLDER = Path(__file__).with_name("bodies")
_SITES_SCHEMA = "massage-arm/body-sites/1"


@dataclass(frozen=True)
class HeightField:
    """The surface z = h(x, y) as a uniform cubic B-spline, so that normals and their slopes are continuous.

    With u = (x - x0) / spacing, i = floor(u): h = sum over a, b in 0..3 of
    B_a(u - i) B_b(v - j) c[i - 1 + a, j - 1 + b].
    The compiled tissue law evaluates the same sum.
    """

    x0: float
    y0: float
    spacing: float
    coefficients: Floats
    """(nx, ny) m."""

    def contains(self, x: float, y: float) -> bool:
        """Whether all 16 coefficients around (x, y) [m] exist."""
        u, v = (x - self.x0) / self.spacing, (y - self.y0) / self.spacing
        nx, ny = self.coefficients.shape
        return bool(1.0 <= u < nx - 2 and 1.0 <= v < ny - 2)

    def value_and_gradient(self, x: float, y: float) -> tuple[float, float, float]:
        """Height [m] and its slopes along x and y at (x, y) [m]; raises ValueError beyond the field."""
        if not self.contains(x, y):
            raise ValueError(f"({x:g}, {y:g}) m lies beyond the back that is known")
        u, v = (x - self.x0) / self.spacing, (y - self.y0) / self.spacing
        i, j = math.floor(u), math.floor(v)
        patch = self.coefficients[i - 1 : i + 3, j - 1 : j + 3]
        (bu, du), (bv, dv) = _basis(u - i), _basis(v - j)
        return float(bu @ patch @ bv), float(du @ patch @ bv) / self.spacing, float(bu @ patch @ dv) / self.spacing


@dataclass(frozen=True)
class Site:
    """A named place on the skin."""

    name: str
    position: Floats
    """(3,) m."""
    normal: Floats
    """(3,) unit, out of the body."""


@dataclass(frozen=True)
class Body:
    """One person, prone: origin on the table top under the middle, x towards the head, y to their left, z up."""

    name: str
    vertices: Floats
    """(V, 3) m."""
    triangles: NDArray[np.int32]
    """(T, 3), outward by the right-hand rule."""
    height_field: HeightField
    places: dict[str, tuple[float, float]]
    """x, y [m] of every site."""

    @cached_property
    def sites(self) -> dict[str, Site]:
        """All sites by name, such as `interscapular_right`."""
        return {name: self._site(name, x, y) for name, (x, y) in self.places.items()}

    def _site(self, name: str, x: float, y: float) -> Site:
        z, slope_x, slope_y = self.height_field.value_and_gradient(x, y)
        normal = np.array([-slope_x, -slope_y, 1.0])
        return Site(name, np.array([x, y, z]), normal / np.linalg.norm(normal))


def load_body(name: str = "average") -> Body:
    """The body `name` of those shipped in `bodies/`; raises InputError for another name."""
    file = FOLDER / f"{name}.npz"
    known = sorted(path.stem for path in FOLDER.glob("*.npz"))
    if name not in known:
        raise InputError(f"body: {name!r} is not known; one of {', '.join(known)} is allowed")
    with np.load(file) as data:
        quantum, height_quantum, spacing = data["scale"]
        heights = data["heights"] * height_quantum
        x0, y0 = data["origin"]
        vertices, triangles = data["vertices"] * quantum, data["triangles"].astype(np.int32)
    field = HeightField(
        float(x0), float(y0), float(spacing), np.ascontiguousarray(spline_filter(heights, mode="mirror"))
    )
    return Body(name, vertices, triangles, field, _places(name))


def _places(name: str) -> dict[str, tuple[float, float]]:
    pair = Field((float, float), -2000.0, 2000.0)
    left = read_yaml(FOLDER / f"{name}_sites.yaml", _SITES_SCHEMA, dict.fromkeys(REGIONS, pair))
    sign = dict(zip(SIDES, (1.0, -1.0), strict=True))
    return {f"{region}_{side}": (x * 1e-3, sign[side] * y * 1e-3) for region, (x, y) in left.items() for side in SIDES}


def _basis(t: float) -> tuple[Floats, Floats]:
    """Uniform cubic B-spline basis and its derivative at t in [0, 1)."""
    s = 1.0 - t
    value = [s**3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, (3 * s**3 - 6 * s**2 + 4) / 6, t**3 / 6]
    slope = [-0.5 * s**2, 1.5 * t**2 - 2 * t, -1.5 * s**2 + 2 * s, 0.5 * t**2]
    return np.array(value), np.array(slope)
