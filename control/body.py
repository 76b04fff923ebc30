"""A person as a surface: skin mesh, a smooth height field over the back, and named sites on it; body frame."""

from __future__ import annotations

import difflib
import io
import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.ndimage import spline_filter

from ..native import InputError
from .atlas import load_atlas
from .yaml_file import Field, read_yaml

Floats = NDArray[np.float64]
FOLDER = Path(__file__).with_name("bodies")
TEMPLATE = "average"
"""The body that the atlas is drawn on."""
BODY_FILE = ".npz"
_FILE_SCHEMA = "massage-arm/scanned-body/1"


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

    def grid(self, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
        """Heights (len x, len y) [m] and their slopes along x and y, where `contains` holds for all of x and y [m]."""
        (rows, slopes_x), (columns, slopes_y) = (
            _basis_matrix(at, start, self.spacing, count)
            for at, start, count in zip((x, y), (self.x0, self.y0), self.coefficients.shape, strict=True)
        )
        half, slope = rows @ self.coefficients, slopes_x @ self.coefficients
        return half @ columns.T, slope @ columns.T, half @ slopes_y.T


@dataclass(frozen=True)
class Site:
    """A named place on the skin."""

    name: str
    position: Floats
    """(3,) m."""
    normal: Floats
    """(3,) unit, out of the body."""
    fibre: Floats
    """(3,) unit, in the skin, along the muscle's fibres."""
    radius: float
    """m, how far the muscle reaches around the place."""


@dataclass(frozen=True)
class Body:
    """One person, prone: origin on the table top under the middle, x towards the head, y to their left, z up."""

    name: str
    vertices: Floats
    """(V, 3) m."""
    triangles: NDArray[np.int32]
    """(T, 3), outward by the right-hand rule."""
    height_field: HeightField
    sites: dict[str, Site]
    """By name, such as `interscapular_right`."""
    landmarks: dict[str, Floats]
    """(3,) m, on the skin: `c7`, `sacrum`, `acromion_left` and so on."""
    keep_out: dict[str, Floats]
    """Corners (N, 2) [m] of areas, as seen from above, that must not be pressed."""

    @cached_property
    def mesh(self) -> trimesh.Trimesh:
        """The skin for closest points, rays and volume."""
        return trimesh.Trimesh(self.vertices, self.triangles, process=False)

    def kept_out(self, x: float, y: float, margin: float = 0.0) -> str | None:
        """Name of the first area that holds (x, y) [m] or comes nearer than `margin` [m] to it; None when none does."""
        for name, (west, east, south, north) in self._boxes.items():  # rules out most, at a hundredth of the cost
            near = west - margin <= x <= east + margin and south - margin <= y <= north + margin
            if near and _distance_to_area(np.array([x, y]), self.keep_out[name]) <= margin:
                return name
        return None

    @cached_property
    def _boxes(self) -> dict[str, tuple[float, float, float, float]]:
        """Least and largest x and y [m] of the areas to keep out of."""
        ends = {name: (corners.min(axis=0), corners.max(axis=0)) for name, corners in self.keep_out.items()}
        return {name: (float(a[0]), float(b[0]), float(a[1]), float(b[1])) for name, (a, b) in ends.items()}


@dataclass(frozen=True)
class Build:
    """What a body was made from."""

    sex: str
    """female, male or both."""
    age: float
    """Years."""
    stature_m: float
    mass_kg: float
    """Of its volume at 1 kg per litre."""


@cache
def builds() -> dict[str, Build]:
    """Sex, age and size of every body that comes with the package."""
    share = Field(float, -1.0, 2.0)
    fields = {
        "sex": Field(str, choices=("female", "male", "both")),
        "age": Field(float, 18.0, 100.0),
        "stature_m": Field(float, 1.2, 2.2),
        "weight": share,
        "muscle": share,
        "mass_kg": Field(float, 30.0, 200.0),
    }
    entries = read_yaml(FOLDER / "bodies.yaml", "massage-arm/bodies/1", dict.fromkeys(body_names(), fields))
    kept = ("sex", "age", "stature_m", "mass_kg")
    return {name: Build(**{key: entry[key] for key in kept}) for name, entry in entries.items()}


def body_names() -> list[str]:
    """The bodies that come with the package."""
    return [*sorted(path.stem for path in FOLDER.glob("*_*.npz")), TEMPLATE]


def load_body(name: str = TEMPLATE) -> Body:
    """The body `name` of those shipped in `bodies/`, or of a file of `body_bytes`; InputError for another name."""
    if name.endswith(BODY_FILE):
        return _read_file(Path(name))
    known = body_names()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InputError(f"body: {name!r} is not known; one of {', '.join(known)} is allowed{hint}")
    return _shipped(name)


@cache
def _shipped(name: str) -> Body:
    vertices, field = _read(name)
    vertices.setflags(write=False)  # everyone gets the same body
    field.coefficients.setflags(write=False)
    return assemble(name, vertices, _triangles(), field, partial(carry, *_template(), vertices))


def body_bytes(body: Body) -> bytes:
    """A body as a file that `load_body` reads back equal: an .npz of arrays, SI, body frame."""
    field, out = body.height_field, io.BytesIO()
    sites = body.sites.values()
    np.savez_compressed(
        out,
        schema=np.array(_FILE_SCHEMA),
        vertices=body.vertices,
        triangles=body.triangles,
        field=np.array([field.x0, field.y0, field.spacing]),
        coefficients=field.coefficients,
        site_names=np.array(list(body.sites)),
        sites=np.array([[*site.position, *site.normal, *site.fibre, site.radius] for site in sites]),
        landmark_names=np.array(list(body.landmarks)),
        landmarks=np.array(list(body.landmarks.values())),
        area_names=np.array(list(body.keep_out)),
        areas=np.array(list(body.keep_out.values())),
    )
    return out.getvalue()


def _read_file(file: Path) -> Body:
    try:
        with np.load(file) as data:
            if str(data["schema"]) != _FILE_SCHEMA:
                raise InputError(f"{file}: schema: {str(data['schema'])!r} is not allowed; {_FILE_SCHEMA} is")
            numbers = {name: data[name] for name in data.files}
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such file") from None
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{file}: is no body of `massage-arm scan`: {error}") from error
    if not all(np.isfinite(array).all() for array in numbers.values() if array.dtype.kind == "f"):
        raise InputError(f"{file}: holds numbers that are not finite")
    rows = dict(zip(numbers["site_names"].tolist(), numbers["sites"], strict=True))
    x0, y0, spacing = (float(value) for value in numbers["field"])
    return Body(
        file.name,
        numbers["vertices"],
        numbers["triangles"],
        HeightField(x0, y0, spacing, np.ascontiguousarray(numbers["coefficients"])),
        {name: Site(name, row[:3], row[3:6], row[6:9], float(row[9])) for name, row in rows.items()},
        dict(zip(numbers["landmark_names"].tolist(), numbers["landmarks"], strict=True)),
        dict(zip(numbers["area_names"].tolist(), numbers["areas"], strict=True)),
    )


def assemble(
    name: str,
    vertices: Floats,
    triangles: NDArray[np.int32],
    field: HeightField,
    carry: Callable[[Floats], Floats],
) -> Body:
    """A body with the atlas on it; `carry` takes points (N, 2) [m] on the template to (N, 2) on this body."""
    atlas = load_atlas()
    places = carry(np.array([[site.at, site.fibre] for site in atlas.sites.values()]).reshape(-1, 2)).reshape(-1, 2, 2)
    sites = {
        place: _site(place, field, at, fibre, site.radius)
        for (place, site), (at, fibre) in zip(atlas.sites.items(), places, strict=True)
    }
    marks = carry(np.array(list(atlas.landmarks.values())))
    landmarks = {
        mark: np.array([x, y, field.value_and_gradient(x, y)[0]])
        for mark, (x, y) in zip(atlas.landmarks, marks, strict=True)
    }
    keep_out = {area: carry(corners) for area, corners in atlas.keep_out.items()}
    return Body(name, vertices, triangles, field, sites, landmarks, keep_out)


def _site(name: str, field: HeightField, at: Floats, fibre: Floats, radius: float) -> Site:
    z, slope_x, slope_y = field.value_and_gradient(*at)
    normal = np.array([-slope_x, -slope_y, 1.0])
    normal /= np.linalg.norm(normal)
    along = np.array([*(fibre - at), 0.0])
    along -= (along @ normal) * normal
    return Site(name, np.array([*at, z]), normal, along / np.linalg.norm(along), radius)


def _read(name: str) -> tuple[Floats, HeightField]:
    with np.load(FOLDER / f"{name}.npz") as data:
        quantum, height_quantum, spacing = data["scale"]
        heights = data["heights"] * height_quantum
        x0, y0 = data["origin"]
        vertices: Floats = data["vertices"] * quantum
    coefficients = np.ascontiguousarray(spline_filter(heights, mode="mirror"))
    return vertices, HeightField(float(x0), float(y0), float(spacing), coefficients)


@cache
def _triangles() -> NDArray[np.int32]:
    with np.load(FOLDER / "triangles.npz") as data:
        triangles: NDArray[np.int32] = data["triangles"].astype(np.int32)
    return triangles


@cache
def _template() -> tuple[Floats, NDArray[np.int32]]:
    """Vertices of the template, and its triangles that face up."""
    vertices, _ = _read(TEMPLATE)
    triangles = _triangles()
    a, b, c = vertices[triangles, :2].transpose(1, 0, 2)
    up = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]) > 0.0
    return vertices, triangles[up]


def carry(template: Floats, triangles: NDArray[np.int32], vertices: Floats, points: Floats) -> Floats:
    """Where points (N, 2) [m] of a template skin, seen from above, lie on another one with the same triangles.

    Along the spine a point goes where its triangle goes. Across, it keeps its share of the breadth of the shoulders:
    what a triangle does there follows fat and muscle on the skin, not the bones and muscles below it (assumption).
    """
    acromion = load_atlas().landmarks["acromion_left"]
    breadth = _carry_one(template, triangles, vertices, acromion)[1] / acromion[1]
    return np.array([[_carry_one(template, triangles, vertices, p)[0], breadth * p[1]] for p in points])


def _carry_one(template: Floats, triangles: NDArray[np.int32], vertices: Floats, point: Floats) -> Floats:
    """The point's share of the corners of the topmost triangle over it, or of the nearest vertex beyond the body."""
    a, b, c = template[triangles].transpose(1, 0, 2)
    u, v, w = b[:, :2] - a[:, :2], c[:, :2] - a[:, :2], point - a[:, :2]
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    s = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area
    t = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area
    over = np.flatnonzero((s >= 0.0) & (t >= 0.0) & (s + t <= 1.0))
    if not len(over):
        top = template[:, 2] > 0.02
        nearest = np.flatnonzero(top)[np.argmin(np.linalg.norm(template[top, :2] - point, axis=1))]
        beyond: Floats = vertices[nearest, :2] + (point - template[nearest, :2])
        return beyond
    height = a[over, 2] + s[over] * (b[over, 2] - a[over, 2]) + t[over] * (c[over, 2] - a[over, 2])
    k = over[np.argmax(height)]
    corners = vertices[triangles[k], :2]
    at: Floats = corners[0] + s[k] * (corners[1] - corners[0]) + t[k] * (corners[2] - corners[0])
    return at


def _distance_to_area(point: Floats, corners: Floats) -> float:
    """M from a point (2,) to a polygon (N, 2); 0 inside."""
    start, end = corners, np.roll(corners, -1, axis=0)
    edge, to = end - start, point - start
    crosses = (start[:, 1] > point[1]) != (end[:, 1] > point[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = start[:, 0] + (point[1] - start[:, 1]) / edge[:, 1] * edge[:, 0]
    if np.count_nonzero(crosses & (point[0] < at)) % 2:
        return 0.0
    share = np.clip(np.sum(to * edge, axis=1) / np.sum(edge * edge, axis=1), 0.0, 1.0)
    return float(np.linalg.norm(to - share[:, None] * edge, axis=1).min())


def _basis_matrix(at: Floats, start: float, spacing: float, count: int) -> tuple[Floats, Floats]:
    """(len at, count) weights of the coefficients at each place, and of the slope."""
    u = (at - start) / spacing
    first = np.floor(u).astype(int)
    value, slope = np.zeros((2, len(at), count))
    for row, (i, t) in enumerate(zip(first, u - first, strict=True)):
        value[row, i - 1 : i + 3], slope[row, i - 1 : i + 3] = _basis(t)
    return value, slope / spacing


def _basis(t: float) -> tuple[Floats, Floats]:
    """Uniform cubic B-spline basis and its derivative at t in [0, 1)."""
    s = 1.0 - t
    value = [s**3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, (3 * s**3 - 6 * s**2 + 4) / 6, t**3 / 6]
    slope = [-0.5 * s**2, 1.5 * t**2 - 2 * t, -1.5 * s**2 + 2 * s, 0.5 * t**2]
    return np.array(value), np.array(slope)
