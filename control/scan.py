"""A cloud of points as a map of heights over the table, and what makes a cloud no scan of a back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter, label, median_filter
from scipy.spatial.transform import Rotation

from ..native import InputError

Floats = NDArray[np.float64]

SPACING = 0.005  # m, of the map
_LEAST_POINTS = 2000  # a back seen at 15 mm from point to point; assumption
_LOWEST, _HIGHEST = 0.06, 0.50  # m over the table that a back lies between
_LONGEST = 3.0  # m, more is not a person in metres
_SHORTEST = 0.25  # m
_TOP = 0.012  # m below the highest point of a cell that still belong to its surface
_SPIKE = 0.012  # m off the median around it, by which a cell is a stray
_TABLE_WITHIN = 0.025  # m from z = 0, where the table top is looked for
_FLAT = 0.004  # m off a plane that still counts as on it
_TABLE_SEEN = 0.4  # m, along and across, that must be seen of it
_FILL = 4  # cells over which a hole is closed


@dataclass(frozen=True)
class HeightMap:
    """Heights over the table on a grid; the frame is the cloud's: x towards the head, y to their left, z up."""

    x: Floats
    """(nx,) m."""
    y: Floats
    """(ny,) m."""
    height: Floats
    """(nx, ny) m; where not `known`, a guess from around."""
    known: NDArray[np.bool_]
    """(nx, ny) seen, or a small hole between what was seen."""

    @property
    def spacing(self) -> float:
        """M."""
        return SPACING

    def at(self, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
        """Heights (N,) [m], slopes along x and y, and whether they are known, at places (N,) [m]; bilinear."""
        u, v = (x - self.x[0]) / SPACING, (y - self.y[0]) / SPACING
        inside = (u >= 0.0) & (u < len(self.x) - 1) & (v >= 0.0) & (v < len(self.y) - 1)
        i = np.clip(u.astype(int), 0, len(self.x) - 2)
        j = np.clip(v.astype(int), 0, len(self.y) - 2)
        s, t = u - i, v - j
        h00, h10, h01, h11 = (self.height[i + a, j + b] for a, b in ((0, 0), (1, 0), (0, 1), (1, 1)))
        known = self.known[i, j] & self.known[i + 1, j] & self.known[i, j + 1] & self.known[i + 1, j + 1]
        height = (1 - s) * (1 - t) * h00 + s * (1 - t) * h10 + (1 - s) * t * h01 + s * t * h11
        slope_x = ((1 - t) * (h10 - h00) + t * (h11 - h01)) / SPACING
        slope_y = ((1 - s) * (h01 - h00) + s * (h11 - h10)) / SPACING
        return height, slope_x, slope_y, known & inside


def height_map(name: str, cloud: Floats) -> HeightMap:
    """Heights from a levelled cloud (N, 3) [m]; raises InputError for what is no scan of one back from above."""
    cloud = np.asarray(cloud, float)
    if cloud.ndim != 2 or cloud.shape[-1] != 3 or not len(cloud):
        raise InputError(f"{name}: {len(cloud)} points; a cloud of {_LEAST_POINTS} or more is needed")
    cloud = cloud[np.isfinite(cloud).all(axis=1)]
    _check_size(name, cloud)
    back = cloud[(cloud[:, 2] > _LOWEST) & (cloud[:, 2] < _HIGHEST)]
    if len(back) < _LEAST_POINTS:
        raise InputError(
            f"{name}: no back in view: {len(back)} points lie {_LOWEST:g} to {_HIGHEST:g} m over the table (z), "
            f"{_LEAST_POINTS} or more are needed"
        )
    x, y, height, count = _bin(back)
    usual = median_filter(height, 5)
    stray = (count > 0) & (np.abs(height - usual) > _SPIKE)
    count = np.where(stray, 0, count)
    _check_bodies(name, count, x, y)
    return HeightMap(x, y, *_close(height, count))


def level(cloud: Floats) -> Floats:
    """The cloud (N, 3) [m] turned and shifted so that the table top it sees is z = 0, as the arm knows it to be.

    That takes out most of how badly the camera's mounting is known. A cloud that sees too little of the table stays.
    """
    near = cloud[np.abs(cloud[:, 2]) < _TABLE_WITHIN]
    if len(near) < _LEAST_POINTS or (np.ptp(near[:, :2], axis=0) < _TABLE_SEEN).any():
        return cloud
    plane = _largest_plane(near)
    for _ in range(3):
        top = near[np.abs(near[:, 2] - near[:, :2] @ plane[:2] - plane[2]) < _FLAT]
        plane = np.linalg.lstsq(np.column_stack([top[:, :2], np.ones(len(top))]), top[:, 2], rcond=None)[0]
    slope, middle = plane[:2], top.mean(axis=0)
    normal = np.array([-slope[0], -slope[1], 1.0]) / np.sqrt(1.0 + slope @ slope)
    turn, _ = Rotation.align_vectors([[0.0, 0.0, 1.0]], [normal])
    foot = np.array([*middle[:2], 0.0])
    levelled: Floats = turn.apply(cloud - middle) + foot
    return levelled


def _largest_plane(points: Floats) -> Floats:
    """(a, b, c) of the plane z = a x + b y + c near most points (N, 3): RANSAC (Fischler and Bolles 1981).

    A drape lies on the table too, but is creased.
    """
    rng = np.random.default_rng(0)
    few = points[rng.integers(len(points), size=3000)]
    flat = np.column_stack([few[:, :2], np.ones(len(few))])
    best, most = np.zeros(3), -1
    for corners in rng.integers(len(few), size=(300, 3)):
        if abs(np.linalg.det(flat[corners])) < 1e-3:  # m², twice the triangle's area
            continue
        plane = np.linalg.solve(flat[corners], few[corners, 2])
        count = int(np.sum(np.abs(few[:, 2] - flat @ plane) < _FLAT))
        if count > most:
            best, most = plane, count
    return best


def _check_size(name: str, cloud: Floats) -> None:
    if len(cloud) < _LEAST_POINTS:
        raise InputError(f"{name}: {len(cloud)} finite points; {_LEAST_POINTS} or more are needed")
    low, high = np.quantile(cloud, (0.01, 0.99), axis=0)
    size = float((high - low)[:2].max())
    if size > 100.0:
        raise InputError(f"{name}: {size:.0f} m long as it stands, so it may be in millimetres; a file takes --unit mm")
    if size > _LONGEST or size < _SHORTEST:
        raise InputError(f"{name}: {size:.3g} m long; {_SHORTEST:g} to {_LONGEST:g} m are allowed; is its unit m?")


def _bin(back: Floats) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
    """Grid x (nx,), y (ny,), mean height and count (nx, ny) of the topmost points in each cell.

    A mesh of a whole person has points below the back too.
    """
    low = np.floor(back[:, :2].min(axis=0) / SPACING).astype(int) - 2
    high = np.ceil(back[:, :2].max(axis=0) / SPACING).astype(int) + 2
    nx, ny = high - low + 1
    cell = np.rint(back[:, :2] / SPACING).astype(int) - low
    flat = cell[:, 0] * ny + cell[:, 1]
    highest = np.zeros(nx * ny)
    np.maximum.at(highest, flat, back[:, 2])
    top = back[:, 2] > highest[flat] - _TOP
    flat, back = flat[top], back[top]
    count = np.bincount(flat, minlength=nx * ny)
    total = np.bincount(flat, weights=back[:, 2], minlength=nx * ny)
    height = (total / np.maximum(count, 1)).reshape(nx, ny)
    x, y = SPACING * (low[0] + np.arange(nx)), SPACING * (low[1] + np.arange(ny))
    return x, y, height, count.reshape(nx, ny)


def _check_bodies(name: str, count: NDArray[Any], x: Floats, y: Floats) -> None:
    """One person: what else is as large as a back and apart from it is another."""
    parts, number = label(binary_dilation(count > 0, iterations=2))
    sizes = np.bincount(parts[count > 0], minlength=number + 1)[1:] * SPACING**2
    large = np.flatnonzero(sizes > 0.06) + 1  # m²; half of a small back
    if len(large) > 1:
        places = [(x[np.nonzero(parts == part)[0]].mean(), y[np.nonzero(parts == part)[1]].mean()) for part in large]
        said = " and ".join(f"({px:.2f}, {py:.2f}) m" for px, py in places)
        raise InputError(f"{name}: {len(large)} bodies, about {said}; one is allowed")


def _close(height: Floats, count: NDArray[Any]) -> tuple[Floats, NDArray[np.bool_]]:
    """Heights with holes filled from around, and which of the cells count as known."""
    seen = (count > 0).astype(float)
    filled, weight = height * seen, seen
    near = gaussian_filter(weight, 2.0)
    guess = gaussian_filter(filled, 2.0) / np.maximum(near, 1e-9)
    wide = gaussian_filter(weight, 10.0)
    far = gaussian_filter(filled, 10.0) / np.maximum(wide, 1e-9)
    whole = np.where(seen > 0.0, height, np.where(near > 0.02, guess, far))
    known = ~binary_dilation(~binary_dilation(seen > 0.0, iterations=_FILL), iterations=_FILL)
    return whole, known & (near > 0.02)


UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001}
MESHES, CLOUDS = (".obj", ".ply", ".stl"), (".ply", ".pcd")
_MESH_STEP = 0.004  # m between the points that a mesh is turned into


def read_cloud(file: Path, unit: str = "m") -> Floats:
    """(N, 3) m: the points of a PLY or PCD cloud, levelled, or of the surface of an OBJ, PLY or STL mesh.

    Raises InputError for a file that is none of these, that is empty, or whose triangles face inwards.
    """
    if unit not in UNITS:
        raise InputError(f"unit: {unit!r} is not allowed; one of {', '.join(UNITS)} is")
    if file.suffix.lower() not in MESHES + CLOUDS:
        raise InputError(f"{file}: {file.suffix or 'no ending'} is not known; .obj, .ply, .stl or .pcd is allowed")
    if not file.is_file():
        raise InputError(f"{file}: there is no such file")
    try:
        cloud, camera = (_read_pcd(file), True) if file.suffix.lower() == ".pcd" else _read_mesh(file, UNITS[unit])
    except InputError:
        raise
    except Exception as error:
        # The readers raise whatever a broken file makes them stumble over.
        raise InputError(f"{file}: cannot be read: {error or type(error).__name__}") from error
    if not len(cloud):
        raise InputError(f"{file}: holds no points")
    cloud = cloud * UNITS[unit]
    return level(cloud) if camera else cloud


def _read_pcd(file: Path) -> Floats:
    from pypcd4.pypcd4 import PointCloud

    cloud: Floats = np.asarray(PointCloud.from_path(str(file)).numpy(("x", "y", "z")), float)
    return cloud


def _read_mesh(file: Path, scale: float) -> tuple[Floats, bool]:
    """Points as they are in the file, close enough to each other for a map of heights; True when it is a cloud."""
    import trimesh

    loaded: Any = trimesh.load(file, process=False)
    if isinstance(loaded, trimesh.Scene):
        if not loaded.geometry:
            return np.empty((0, 3)), True
        loaded = loaded.to_geometry()
    points: Floats = np.asarray(loaded.vertices, float)
    if not isinstance(loaded, trimesh.Trimesh) or not len(loaded.faces):
        return points, True
    _check_facing(file, loaded)
    longest = float(np.ptp(points[np.isfinite(points).all(axis=1)], axis=0).max())
    if longest * scale > _LONGEST:
        return points, False  # in another unit; `height_map` says so
    subdivide: Any = trimesh.remesh.subdivide_to_size
    dense, _ = subdivide(loaded.vertices, loaded.faces, _MESH_STEP / scale, max_iter=20)
    return np.asarray(dense, float), False


def _check_facing(file: Path, mesh: Any) -> None:
    """What is seen from above must face up."""
    low, high = mesh.bounds
    x, y = np.meshgrid(*(np.linspace(low[k], high[k], 22)[1:-1] for k in (0, 1)), indexing="ij")
    above = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, 2.0 * high[2] - low[2] + 1e-3)])
    first = mesh.ray.intersects_first(above, np.tile([0.0, 0.0, -1.0], (x.size, 1)))
    up = mesh.face_normals[first[first >= 0], 2]
    if len(up) and np.mean(up < 0.0) > 0.5:
        raise InputError(f"{file}: its triangles face inwards; turn the mesh's normals round")
