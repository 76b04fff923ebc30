"""A user's own scan: clouds and meshes become sites where they belong; what is no scan of one back is named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from massage_arm.control.body import Body, body_bytes, load_body
from massage_arm.control.registration import LANDMARKS, Registered, register
from massage_arm.control.scan import height_map, read_cloud
from massage_arm.native import InputError
from pypcd4 import PointCloud
from scipy.spatial.transform import Rotation

NAME = "woman_38_average"


def body() -> Body:
    return load_body(NAME)


def cloud_of(person: Body) -> np.ndarray:
    """The back as a fine scanner sees it, 4 mm from point to point, and the table around it."""
    points, _ = trimesh.remesh.subdivide_to_size(person.vertices, person.triangles, 0.008)
    points = points[points[:, 2] > 0.05]
    x, y = np.meshgrid(np.arange(-0.9, 0.9, 0.01), np.arange(-0.36, 0.36, 0.01))
    return np.concatenate([points, np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])])


def marks_of(person: Body) -> dict[str, np.ndarray]:
    return {name: person.landmarks[name][:2] for name in LANDMARKS}


def off(found: Registered, person: Body, turn: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    R = Rotation.from_rotvec([0.0, 0.0, turn])
    true = {name: R.apply(site.position) + np.array([*shift, 0.0]) for name, site in person.sites.items()}
    return np.array([np.linalg.norm(found.body.sites[name].position - at) for name, at in true.items()])


CLOUD = cloud_of(body())


@settings(max_examples=5, deadline=None)
@given(st.floats(-0.5, 0.5), st.floats(-0.08, 0.08), st.floats(-0.08, 0.08))
def test_sites_are_found_wherever_the_person_lies(turn: float, x: float, y: float) -> None:
    R = Rotation.from_rotvec([0.0, 0.0, turn]).as_matrix()
    marks = {name: R[:2, :2] @ at + (x, y) for name, at in marks_of(body()).items()}
    found = register("cloud", height_map("cloud", CLOUD @ R.T + (x, y, 0.0)), marks)
    errors = off(found, body(), turn, (x, y))
    assert errors.mean() < 0.003 and errors.max() < 0.006
    for name, site in found.body.sites.items():
        assert site.normal @ (R @ body().sites[name].normal) > np.cos(np.radians(6.0))


def write_pcd(file: Path, scale: float) -> None:
    PointCloud.from_xyz_points((scale * CLOUD).astype(np.float32)).save(file)


def write_mesh(file: Path, scale: float) -> None:
    trimesh.Trimesh(scale * body().vertices, body().triangles, process=False).export(file)


def write_cloud(file: Path, scale: float) -> None:
    trimesh.PointCloud(scale * CLOUD).export(file)


FILES = [("a.pcd", write_pcd), ("a.ply", write_cloud), *((f"b.{kind}", write_mesh) for kind in ("ply", "obj", "stl"))]


@pytest.mark.parametrize(("name", "write"), FILES)
@pytest.mark.parametrize(("unit", "scale"), [("m", 1.0), ("mm", 1000.0)])
def test_files_of_users_are_read(
    tmp_path: Path, name: str, write: Callable[[Path, float], None], unit: str, scale: float
) -> None:
    write(tmp_path / name, scale)
    found = register(name, height_map(name, read_cloud(tmp_path / name, unit)), marks_of(body()))
    assert off(found, body()).mean() < 0.003


def registered(cloud: np.ndarray) -> Registered:
    return register("back.ply", height_map("back.ply", cloud), marks_of(body()))


def without(site: str, radius: float) -> np.ndarray:
    at = body().sites[site].position[:2]
    return CLOUD[np.linalg.norm(CLOUD[:, :2] - at, axis=1) > radius]


@pytest.mark.parametrize(
    ("cloud", "said"),
    [
        (np.empty((0, 3)), "0 points"),
        (np.full((5000, 3), np.nan), "0 finite points"),
        (CLOUD[:500], "500 finite points; 2000 or more"),
        (CLOUD * 1000.0, "millimetres.*--unit mm"),
        (CLOUD * 0.05, "m long; 0.25 to 3 m"),
        (CLOUD * (1.0, 1.0, -1.0), "no back in view"),
        (CLOUD[CLOUD[:, 2] == 0.0], "no back in view"),
        (np.concatenate([CLOUD, CLOUD + np.array([0.0, 0.9, 0.0])]), "2 bodies.*one is allowed"),
        (without("interscapular_left", 0.05), "a hole at interscapular_left"),
        (without("lumbar_erector_right", 0.06), "a hole at lumbar_erector_right"),
        (CLOUD * (-1.0, -1.0, 1.0), "no back is recognised"),
    ],
)
def test_what_is_no_scan_of_one_back_is_refused(cloud: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        registered(cloud)
    assert "back.ply" in str(raised.value) and "\n" not in str(raised.value)


def test_a_mesh_that_is_inside_out_is_refused(tmp_path: Path) -> None:
    trimesh.Trimesh(body().vertices, body().triangles[:, ::-1], process=False).export(tmp_path / "a.stl")
    with pytest.raises(InputError, match=r"a\.stl: its triangles face inwards"):
        read_cloud(tmp_path / "a.stl")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.ply", b"", "cannot be read"),
        (
            "a.ply",
            b"ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nend_header\n",
            "holds no points|cannot be",
        ),
        ("a.pcd", b"rubbish", "cannot be read"),
        ("a.obj", b"hello", "holds no points|cannot be read"),
        ("a.las", b"x", r"\.las is not known; \.obj, \.ply, \.stl or \.pcd"),
    ],
)
def test_a_file_that_is_no_cloud_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said) as raised:
        read_cloud(tmp_path / name)
    assert name in str(raised.value)


def test_a_file_that_is_not_there_and_a_unit_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_cloud(tmp_path / "a.ply")
    with pytest.raises(InputError, match="unit: 'inch' is not allowed; one of m, cm, mm"):
        read_cloud(tmp_path / "a.ply", "inch")


def test_a_landmark_that_was_not_felt_is_named() -> None:
    marks = marks_of(body())
    del marks["c7"]
    with pytest.raises(InputError, match="landmark c7 is missing"):
        register("cloud", height_map("cloud", CLOUD), marks)


@pytest.mark.parametrize(
    ("mark", "by"), [("acromion_left", (0.0, -0.06)), ("c7", (0.08, 0.0)), ("iliac_spine_right", (0.0, 0.1))]
)
def test_a_landmark_written_down_wrongly_is_named(mark: str, by: tuple[float, float]) -> None:
    marks = marks_of(body())
    marks[mark] = marks[mark] + by
    with pytest.raises(InputError, match=f"landmark {mark} .*at most 30 mm"):
        register("cloud", height_map("cloud", CLOUD), marks)


def test_left_for_right_is_refused() -> None:
    marks = marks_of(body())
    marks["iliac_crest_left"], marks["iliac_crest_right"] = marks["iliac_crest_right"], marks["iliac_crest_left"]
    with pytest.raises(InputError, match="landmark iliac_crest_"):
        register("cloud", height_map("cloud", CLOUD), marks)


def test_the_scanned_surface_is_that_of_the_person() -> None:
    found, person = registered(CLOUD).body, body()
    for site in person.sites.values():
        x, y = site.position[:2]
        assert abs(found.height_field.value_and_gradient(x, y)[0] - site.position[2]) < 0.003, site.name


def test_a_body_file_reads_back_equal(tmp_path: Path) -> None:
    file = tmp_path / "me.npz"
    written = registered(CLOUD).body
    file.write_bytes(body_bytes(written))
    read = load_body(str(file))
    assert np.array_equal(read.height_field.coefficients, written.height_field.coefficients)
    assert np.array_equal(read.vertices, written.vertices) and np.array_equal(read.triangles, written.triangles)
    assert list(read.sites) == list(written.sites) and list(read.keep_out) == list(written.keep_out)
    for name, site in written.sites.items():
        assert np.array_equal(read.sites[name].fibre, site.fibre) and read.sites[name].radius == site.radius


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04rubbish", None])
def test_a_file_that_is_no_body_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "me.npz"
    if content is None:
        np.savez(file, schema=np.array("other/1"))
    else:
        file.write_bytes(content)
    with pytest.raises(InputError, match=r"me\.npz"):
        load_body(str(file))
    with pytest.raises(InputError, match="there is no such file"):
        load_body(str(tmp_path / "you.npz"))


def test_a_camera_that_is_mounted_askew_is_levelled_on_the_table(tmp_path: Path) -> None:
    askew = Rotation.from_rotvec([0.006, -0.008, 0.0]).apply(CLOUD) + np.array([0.0, 0.0, 0.006])
    trimesh.PointCloud(askew).export(tmp_path / "a.ply")
    assert off(registered(read_cloud(tmp_path / "a.ply")), body()).mean() < 0.003
    assert off(registered(askew), body()).mean() > 0.004, "levelling does something"
