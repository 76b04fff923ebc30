"""A depth camera over the table: what it sees of a person, with noise, holes and a drape; a cloud of points.

PyBullet renders the depths; what a stereo camera makes of them is added here. The cloud is in the body frame as the
camera's mounting is believed to be, so it is off by what that is known to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter
from scipy.spatial.transform import Rotation

from ..control.body import Body
from .bullet import BulletClient, pybullet, silent

Floats = NDArray[np.float64]

LANDMARK_ERROR = 0.005  # m, standard deviation across each axis of a landmark that a person felt and marked; assumption


@dataclass(frozen=True)
class Camera:
    """A stereo depth camera that looks straight down. Figures of a RealSense D435 where they have no other source."""

    width: int = 640
    height: int = 480
    view_deg: float = 70.0
    """Across the width, which lies along the table."""
    above: float = 1.05
    """m over the table top; assumption."""
    over: tuple[tuple[float, float], ...] = ((0.10, 0.0), (0.62, 0.0))
    """m, body frame: where it looks down from, one after the other; assumption."""
    baseline: float = 0.05
    """m."""
    noise_px: float = 0.08
    """Of disparity, standard deviation in one frame (Intel: 0.08 with good texture)."""
    frames: int = 120
    """Four seconds of frames, averaged: about one breath."""
    fixed_mm: float = 1.0
    """Noise that stays from frame to frame, standard deviation; assumption."""
    fixed_px: float = 4.0
    """How far it hangs together: half a matching window of 9 pixels."""
    grazing_deg: float = 72.0
    """Skin that is seen more slantingly gives no depth; assumption."""
    holes: int = 12
    """Spots without depth: shine, hair, marks; assumption."""
    mount_mm: float = 1.5
    """How well its place over the table is known, standard deviation of each axis; assumption."""
    mount_deg: float = 0.2
    """The same for its direction; assumption."""


@dataclass(frozen=True)
class Lying:
    """How a person lies on the table against the middle of it: m, m, rad; and how far breath lifts the back now [m]."""

    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0
    breath: float = 0.0

    def place(self, points: Floats) -> Floats:
        """Points (..., 3) of the body where they are now."""
        turned = points @ Rotation.from_rotvec([0.0, 0.0, self.turn]).as_matrix().T
        placed: Floats = turned + np.array([self.x, self.y, 0.0])
        return placed

    def turn_only(self, directions: Floats) -> Floats:
        """Directions (..., 3) of the body as they are now."""
        turned: Floats = directions @ Rotation.from_rotvec([0.0, 0.0, self.turn]).as_matrix().T
        return turned


def look(body: Body, rng: np.random.Generator, lying: Lying | None = None, camera: Camera | None = None) -> Floats:
    """(N, 3) m: what the camera reports of a person with a drape over the legs."""
    lying, camera = lying or Lying(), camera or Camera()
    vertices = lying.place(body.vertices)
    vertices[:, 2] += lying.breath * _breathes(body.vertices)
    tilt = Rotation.from_rotvec(np.radians(camera.mount_deg) * rng.standard_normal(3))
    off = 1e-3 * camera.mount_mm * rng.standard_normal(3)
    drape = 0.02 * rng.standard_normal()
    middle = np.array([*np.mean(camera.over, axis=0), 0.0])  # where it was calibrated: a plate on the table
    clouds = []
    for over, depth in zip(camera.over, _render(vertices, body, camera), strict=True):
        seen, slant = _points(depth, camera, over)
        good = (depth < camera.above + 0.2) & (slant < np.radians(camera.grazing_deg))
        good &= ~_holes(depth.shape, camera, rng)
        seen = _points(_stereo(depth, camera, rng), camera, over)[0]
        _drape(seen, lying.x + drape, rng)
        clouds.append(tilt.apply(seen[good] - middle) + middle + off)
    return np.concatenate(clouds)


def feel_landmarks(body: Body, rng: np.random.Generator, lying: Lying | None = None) -> dict[str, Floats]:
    """Landmarks (2,) [m] as a person would mark them on the skin, each off by `LANDMARK_ERROR`."""
    lying = lying or Lying()
    return {
        name: lying.place(mark)[:2] + LANDMARK_ERROR * rng.standard_normal(2) for name, mark in body.landmarks.items()
    }


def _breathes(vertices: Floats) -> Floats:
    """(V,) share of the breath's lift: all on the trunk, fading towards head and legs."""
    share: Floats = np.interp(vertices[:, 0], (-0.2, 0.1, 0.6, 0.8), (0.0, 1.0, 1.0, 0.3))
    return share


def _render(vertices: Floats, body: Body, camera: Camera) -> list[Floats]:
    """For each view (height, width) m along the camera's axis; pixel rows along y, columns along x."""
    with silent(1):
        bullet = BulletClient(pybullet.DIRECT)
    try:
        shape = bullet.createVisualShape(
            pybullet.GEOM_MESH, vertices=vertices.tolist(), indices=body.triangles.ravel().tolist()
        )
        bullet.createMultiBody(0.0, -1, shape)
        table = bullet.createVisualShape(pybullet.GEOM_BOX, halfExtents=[1.2, 0.4, 0.01])
        bullet.createMultiBody(0.0, -1, table, [0.0, 0.0, -0.01])
        near, far = 0.3, 2.0
        high = 2.0 * np.degrees(np.arctan(np.tan(np.radians(camera.view_deg) / 2) * camera.height / camera.width))
        lens = bullet.computeProjectionMatrixFOV(high, camera.width / camera.height, near, far)
        buffers = [
            bullet.getCameraImage(
                camera.width, camera.height,
                bullet.computeViewMatrix([x, y, camera.above], [x, y, 0.0], [0.0, 1.0, 0.0]),
                lens, renderer=pybullet.ER_TINY_RENDERER, flags=pybullet.ER_NO_SEGMENTATION_MASK,
            )[3]
            for x, y in camera.over
        ]  # fmt: skip
    finally:
        bullet.disconnect()
    shares = [np.asarray(buffer, float).reshape(camera.height, camera.width) for buffer in buffers]
    return [far * near / (far - (far - near) * share) for share in shares]


def _points(depth: Floats, camera: Camera, over: tuple[float, float]) -> tuple[Floats, Floats]:
    """(h, w, 3) m body frame, and (h, w) rad between the line of sight and the skin's normal."""
    pixel = camera.width / (2.0 * np.tan(np.radians(camera.view_deg) / 2))
    right = (np.arange(camera.width) + 0.5 - camera.width / 2) / pixel
    up = (camera.height / 2 - np.arange(camera.height) - 0.5) / pixel
    ray = np.stack(np.broadcast_arrays(right[None, :], up[:, None], -1.0), axis=-1)
    points = ray * depth[..., None] + (*over, camera.above)
    across, along = np.gradient(points, axis=1), np.gradient(points, axis=0)
    normal = np.cross(across, along)
    cosine = np.abs(np.sum(normal * ray, axis=-1)) / (np.linalg.norm(normal, axis=-1) * np.linalg.norm(ray, axis=-1))
    return points, np.arccos(np.clip(cosine, 0.0, 1.0))


def _stereo(depth: Floats, camera: Camera, rng: np.random.Generator) -> Floats:
    """Depths with a stereo camera's noise: it grows with the square of the distance; edges are smeared."""
    pixel = camera.width / (2.0 * np.tan(np.radians(camera.view_deg) / 2))
    passing = camera.noise_px * depth**2 / (pixel * camera.baseline) / np.sqrt(camera.frames)
    fixed = gaussian_filter(rng.standard_normal(depth.shape), camera.fixed_px)
    fixed *= 1e-3 * camera.fixed_mm / fixed.std()
    noisy = depth + passing * rng.standard_normal(depth.shape) + fixed
    low, high = minimum_filter(depth, 5), maximum_filter(depth, 5)
    edge = high - low > 0.03
    seen: Floats = np.where(edge, low + (high - low) * rng.random(depth.shape), noisy)
    return seen


def _holes(shape: tuple[int, ...], camera: Camera, rng: np.random.Generator) -> NDArray[np.bool_]:
    rows, columns = np.indices(shape)
    lost = rng.random(shape) < 0.02
    for _ in range(camera.holes):
        row, column, radius = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(3, 14)
        lost |= (rows - row) ** 2 + (columns - column) ** 2 < radius**2
    return lost


def _drape(points: Floats, edge: float, rng: np.random.Generator) -> None:
    """A towel over the legs up to x = `edge` [m], below the buttocks: thick and creased."""
    crease = gaussian_filter(rng.standard_normal(points.shape[:2]), 12.0)
    under = points[..., 0] < edge
    points[..., 2] += np.where(under, 0.010 + 0.005 * crease / crease.std(), 0.0)
