"""The atlas laid on a scanned back: a shape model fitted to landmarks and surface, then the surface itself.

Fitted are the place on the table (3), the turn about the vertical, a small tilt a (2), and the shares b (16) of the
modes in which backs differ (`bodies/shapes.npz`): v = R (mean + sum b_k mode_k) + t. Least squares, reweighted (Tukey
1960) so that drape, edges and holes do not count:

    sum w (n_z (v_z - h(v_x, v_y)) / s_h)² + sum ((m - m_felt) / s_m)² + sum (a / s_a)² + sum b²

h is the scanned height with its slopes, m a landmark of the model, which follows v linearly. Where along the back a
site lies comes from the model; how high it is and how it slopes from the scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, spline_filter

from ..native import InputError
from .atlas import load_atlas
from .body import FOLDER, TEMPLATE, Body, HeightField, assemble, carry, load_body
from .scan import HeightMap
from .yaml_file import Field, read_yaml

Floats = NDArray[np.float64]

LANDMARKS_SCHEMA = "massage-arm/landmarks/1"
LANDMARKS = (
    "c7", "sacrum", "acromion_left", "acromion_right", "iliac_spine_left", "iliac_spine_right", "iliac_crest_left",
    "iliac_crest_right", "scapula_tip_left", "scapula_tip_right",
)  # fmt: skip
_FELT = 0.005  # m, standard deviation of a landmark that was felt and marked; assumption
_MARK_OFF = 0.030  # m, six times that: a slip, not a finger
_SEEN = 0.008  # m, the same for a height; larger than the noise, as heights beside each other are off alike
_CUT = 0.025  # m, beyond which a height does not count
_ROUNDS = 25
_TILT = 0.02  # rad, standard deviation of how a back lies against the model's
_WORST_FIT = 0.012  # m, median distance at which no back is recognised; assumption
_LEAST_SEEN = 0.4  # share of the back that must be seen; assumption
_LEAST_SITE = 0.5  # share of a site that must be seen; assumption
_INDEPENDENT = 400.0  # heights that are off independently of each other, of all that are seen
_STEEP = 0.35  # cosine of the slope beyond which a height says little
_FALL = 0.06  # m beside the back, where its height comes down to the table, as in the bodies
_MODEL_BLUR = 0.006  # m, the same as for the bodies (`export_makehuman.py`)
_BLUR = 0.022  # m, over which the difference between scan and model is averaged


@dataclass(frozen=True, eq=False)
class Shapes:
    """How backs differ."""

    back: NDArray[np.int64]
    """(n,) which vertices of the bodies these are."""
    mean: Floats
    """(n, 3) m."""
    modes: Floats
    """(k, n, 3) m, one standard deviation each."""
    triangles: NDArray[np.int32]
    """(T, 3), of the `back`, facing up."""
    template: Floats
    """(n, 3) m, the body that the atlas is drawn on."""


@dataclass(frozen=True)
class Registered:
    """A back as it is known from a scan."""

    body: Body
    """Sites, landmarks and areas where the scan says that they are; the surface is that of the scan."""
    fit: float
    """m, median distance between the fitted model and the scan."""
    seen: float
    """0..1, share of the back that the scan saw."""


@cache
def load_shapes() -> Shapes:
    """The shape model that comes with the package (made by `bodies/export_shapes.py`)."""
    with np.load(Path(FOLDER) / "shapes.npz") as data:
        back = data["back"].astype(np.int64)
        scale = data["scale"]
        mean = data["mean"] * scale[0]
        modes = data["modes"] * scale[1:, None, None]
    template = load_body(TEMPLATE)
    number = np.full(len(template.vertices), -1)
    number[back] = np.arange(len(back))
    triangles = number[template.triangles]
    triangles = triangles[(triangles >= 0).all(axis=1)]
    a, b, c = template.vertices[back][triangles].transpose(1, 0, 2)
    up = np.cross(b - a, c - a)[:, 2] > 0.0
    return Shapes(back, mean, modes, triangles[up].astype(np.int32), template.vertices[back])


def load_landmarks(path: Path) -> dict[str, Floats]:
    """Every landmark (2,) [m], in the scan's frame, of a file of `LANDMARKS_SCHEMA`; InputError for another file."""
    mark = Field((float, float), -3000.0, 3000.0)
    felt = read_yaml(path, LANDMARKS_SCHEMA, {"landmarks_mm": dict.fromkeys(LANDMARKS, mark)})["landmarks_mm"]
    return {name: 1e-3 * np.array(at) for name, at in felt.items()}


def register(name: str, seen: HeightMap, felt: dict[str, Floats]) -> Registered:
    """The atlas on a scanned back; `felt`: landmarks (2,) [m] in the scan's frame.

    Raises InputError when a landmark is missing or elsewhere than on this back, when no back is recognised, and when
    the scan has a hole where a site lies.
    """
    missing = [mark for mark in LANDMARKS if mark not in felt]
    if missing:
        raise InputError(f"{name}: landmark {missing[0]} is missing; needed are {', '.join(LANDMARKS)}")
    shapes = load_shapes()
    marks = np.array([felt[mark] for mark in LANDMARKS])
    x = _fit(shapes, seen, marks)
    vertices, jacobian = _place(shapes, x)
    distance, weight, _ = _heights(seen, vertices, jacobian, _CUT)
    share = float(np.mean(weight > 0.0))
    fit = float(np.median(np.abs(distance[weight > 0.0]))) if share else np.inf
    if not fit < _WORST_FIT or share < _LEAST_SEEN:
        raise InputError(
            f"{name}: no back is recognised: {share:.0%} of one lies within {1e3 * _CUT:.0f} mm of the scan; "
            f"{_LEAST_SEEN:.0%} or more are needed. Check landmarks, frame (x towards the head, z up) and unit"
        )
    _check_marks(name, marks, _marks(x, *_mark_model(shapes))[0])
    field = _surface(shapes, vertices, seen)
    shape = _shape(shapes, x)

    def carried(points: Floats) -> Floats:
        return carry(shapes.template, shapes.triangles, shape, points) @ _turn(x[3]).T + x[:2]

    body = assemble(name, vertices, shapes.triangles, field, carried)
    _check_holes(name, body, seen)
    return Registered(body, fit, share)


def _check_marks(name: str, felt: Floats, fitted: Floats) -> None:
    """Raise InputError when a landmark (10, 2) was felt far from where the back that was seen has it."""
    off = np.linalg.norm(felt - fitted, axis=1)
    worst = int(off.argmax())
    if not off[worst] < _MARK_OFF:
        (x, y), (u, v) = 1e3 * felt[worst], 1e3 * fitted[worst]
        raise InputError(
            f"{name}: landmark {LANDMARKS[worst]} at ({x:.0f}, {y:.0f}) mm does not fit back and other landmarks, "
            f"which have it near ({u:.0f}, {v:.0f}) mm; at most {1e3 * _MARK_OFF:.0f} mm apart is allowed"
        )


def _check_holes(name: str, body: Body, seen: HeightMap) -> None:
    """Raise InputError when the scan has a hole where a site lies."""
    angle = np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    for site in body.sites.values():
        places = site.position[:2] + site.radius * np.concatenate([0.33 * ring, 0.67 * ring, ring])
        known = seen.at(places[:, 0], places[:, 1])[3]
        if known.mean() < _LEAST_SITE:
            x, y = 1e3 * site.position[:2]
            raise InputError(
                f"{name}: a hole at {site.name} ({x:.0f}, {y:.0f}) mm: {known.mean():.0%} of the site was seen, "
                f"{_LEAST_SITE:.0%} or more are needed; scan again"
            )


def _fit(shapes: Shapes, seen: HeightMap, marks: Floats) -> Floats:
    """X = (shift (3) [m], turn, tilt (2) [rad], shares of the modes (k)) that fits landmarks (10, 2) [m] and scan."""
    k = len(shapes.modes)
    usual, change = _mark_model(shapes)
    x = np.zeros(6 + k)
    x[3] = _heading(marks) - _heading(usual)
    x[:2] = (marks - usual @ _turn(x[3]).T).mean(axis=0)
    x[2] = _lift(shapes, seen, x)
    prior = np.concatenate([np.zeros(4), np.full(2, 1.0 / _TILT), np.ones(k)])
    for k_round in range(_ROUNDS):
        cut = _CUT * max(1.0, 4.0 * 0.8**k_round)
        vertices, jacobian = _place(shapes, x)
        distance, weight, rows = _heights(seen, vertices, jacobian, cut)
        at, slope = _marks(x, usual, change)
        # Heights beside each other are off alike: all of them together count as so many.
        scale = np.sqrt(weight * _INDEPENDENT / max(1.0, weight.sum())) / _SEEN
        A = np.concatenate([rows * scale[:, None], slope.reshape(-1, len(x)) / _FELT, np.diag(prior)])
        b = np.concatenate([distance * scale, (at - marks).ravel() / _FELT, prior * x])
        step = np.linalg.lstsq(A, -b, rcond=None)[0]
        x = x + step
        if cut == _CUT and np.abs(step[6:]).max() < 1e-3:
            break
    return x


def _turn(angle: float) -> Floats:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def _heading(marks: Floats) -> float:
    """Rad, of the line from sacrum to C7."""
    along = marks[LANDMARKS.index("c7")] - marks[LANDMARKS.index("sacrum")]
    return float(np.arctan2(along[1], along[0]))


def _shape(shapes: Shapes, x: Floats) -> Floats:
    """(n, 3) m, before it is turned and shifted."""
    shape: Floats = shapes.mean + np.tensordot(x[6:], shapes.modes, axes=1)
    return shape


def _lift(shapes: Shapes, seen: HeightMap, x: Floats) -> float:
    """M by which the model is too low at first, in the middle of what the scan knows."""
    vertices, _ = _place(shapes, x)
    height, _, _, known = seen.at(vertices[:, 0], vertices[:, 1])
    return float(np.median((height - vertices[:, 2])[known])) if known.any() else 0.0


@cache
def _mark_model(shapes: Shapes) -> tuple[Floats, Floats]:
    """Landmarks (10, 2) [m] of the mean back, and how they move with the modes (10, 2, k)."""
    at = np.array([load_atlas().landmarks[mark] for mark in LANDMARKS])
    usual = carry(shapes.template, shapes.triangles, shapes.mean, at)
    moved = [carry(shapes.template, shapes.triangles, shapes.mean + mode, at) - usual for mode in shapes.modes]
    return usual, np.stack(moved, axis=-1)


def _marks(x: Floats, usual: Floats, change: Floats) -> tuple[Floats, Floats]:
    """Landmarks (10, 2) [m] of the model, and how they move with x (10, 2, 6 + k)."""
    flat, R = usual + change @ x[6:], _turn(x[3])
    slope = np.zeros((len(usual), 2, len(x)))
    slope[:, 0, 0] = slope[:, 1, 1] = 1.0
    slope[:, :, 3] = flat @ (R @ np.array([[0.0, -1.0], [1.0, 0.0]])).T
    slope[:, :, 6:] = np.einsum("ij,njk->nik", R, change)
    return flat @ R.T + x[:2], slope


def _place(shapes: Shapes, x: Floats) -> tuple[Floats, Floats]:
    """Vertices (n, 3) [m] for x, and how they move with it (n, 3, 6 + k)."""
    shape, R = _shape(shapes, x), np.eye(3)
    R[:2, :2] = _turn(x[3])
    lean = shape[:, [1, 0]] - shapes.mean[:, [1, 0]].mean(axis=0)
    turned = shape @ R.T
    vertices = turned + x[:3]
    vertices[:, 2] += lean @ x[4:6]
    jacobian = np.zeros((len(shape), 3, len(x)))
    jacobian[:, [0, 1, 2], [0, 1, 2]] = 1.0
    jacobian[:, 0, 3], jacobian[:, 1, 3] = -turned[:, 1], turned[:, 0]
    jacobian[:, 2, 4:6] = lean
    jacobian[:, :, 6:] = np.einsum("ij,knj->nik", R, shapes.modes)
    return vertices, jacobian


def _heights(seen: HeightMap, vertices: Floats, jacobian: Floats, cut: float) -> tuple[Floats, Floats, Floats]:
    """Distance (n,) [m] of each vertex from the scanned surface, its weight (n,), and how it moves (n, 6 + k)."""
    height, slope_x, slope_y, known = seen.at(vertices[:, 0], vertices[:, 1])
    upright = 1.0 / np.sqrt(1.0 + slope_x**2 + slope_y**2)
    distance = np.where(known, (vertices[:, 2] - height) * upright, 0.0)
    rows = jacobian[:, 2] - slope_x[:, None] * jacobian[:, 0] - slope_y[:, None] * jacobian[:, 1]
    weight = np.where(known & (np.abs(distance) < cut), (1.0 - (distance / cut) ** 2) ** 2 * (upright > _STEEP), 0.0)
    return distance, weight, rows * upright[:, None]


def _rasterise(triangles: Floats, x: Floats, y: Floats) -> Floats:
    """Largest height (len x, len y) [m] of triangles (T, 3, 3) over a grid, NaN where there is none."""
    heights = np.full((len(x), len(y)), np.nan)
    step = x[1] - x[0]
    low = np.ceil((triangles[:, :, :2].min(axis=1) - (x[0], y[0])) / step).astype(int)
    high = np.floor((triangles[:, :, :2].max(axis=1) - (x[0], y[0])) / step).astype(int)
    low, high = np.maximum(low, 0), np.minimum(high, (len(x) - 1, len(y) - 1))
    for (a, b, c), (i0, j0), (i1, j1) in zip(triangles, low, high, strict=True):
        if i0 > i1 or j0 > j1:
            continue
        u, v = b - a, c - a
        px, py = x[i0 : i1 + 1, None] - a[0], y[None, j0 : j1 + 1] - a[1]
        area = u[0] * v[1] - u[1] * v[0]
        s, t = (px * v[1] - v[0] * py) / area, (u[0] * py - px * u[1]) / area
        inside = (s >= -1e-9) & (t >= -1e-9) & (s + t <= 1.0 + 1e-9)
        patch = heights[i0 : i1 + 1, j0 : j1 + 1]
        patch[inside] = np.fmax(patch[inside], (a[2] + s * u[2] + t * v[2])[inside])
    return heights


def _surface(shapes: Shapes, vertices: Floats, seen: HeightMap) -> HeightField:
    """The back as a smooth surface: the fitted model plus what the scan says otherwise, averaged over `_BLUR`.

    Averaging the difference from a model leaves the curves of the back as they are; averaging heights would flatten
    them. Beside the back the height comes down to the table, as on the bodies that come with the package.
    """
    x, y = seen.x, seen.y
    model = _rasterise(vertices[shapes.triangles], x, y)
    beyond, nearest = distance_transform_edt(np.isnan(model), sampling=seen.spacing, return_indices=True)
    model = gaussian_filter(model[tuple(nearest)], _MODEL_BLUR / seen.spacing, mode="nearest")
    off = seen.height - model
    counts = (seen.known & (np.abs(off) < _CUT)).astype(float)
    blur = _BLUR / seen.spacing
    weight = gaussian_filter(counts, blur, mode="constant")
    mean = gaussian_filter(np.where(counts > 0.0, off, 0.0), blur, mode="constant") / np.maximum(weight, 1e-9)
    # Where the scan says nothing, the model stands.
    height = model + mean * np.minimum(1.0, weight / 0.2)
    fade = 0.5 + 0.5 * np.cos(np.pi * np.minimum(beyond / _FALL, 1.0))
    coefficients = np.ascontiguousarray(spline_filter(height * fade, mode="mirror"))
    return HeightField(float(x[0]), float(y[0]), seen.spacing, coefficients)
