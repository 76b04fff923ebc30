"""The person on the table: sized like one, lying on it, with sites on a smooth back."""

from itertools import product

import numpy as np
import pytest
import trimesh
from massage_arm.control.atlas import load_atlas
from massage_arm.control.body import Body, body_names, load_body
from massage_arm.control.sites import REGIONS
from massage_arm.native.errors import InputError
from numpy.typing import NDArray


@pytest.fixture(scope="module", params=body_names())
def body(request: pytest.FixtureRequest) -> Body:
    return load_body(request.param)


@pytest.fixture(scope="module")
def mesh(body: Body) -> trimesh.Trimesh:
    return body.mesh


def over_the_back(body: Body, count: int) -> NDArray[np.float64]:
    """(count, 2) seeded places on the back, inside its sides and above the cleft, which the smoothing rounds off."""
    low, high = np.array([0.18, -0.10]), np.array([0.58, 0.10])
    return np.random.default_rng(7).uniform(low, high, (count, 2))


def skin_above(mesh: trimesh.Trimesh, x: float, y: float) -> tuple[float, NDArray[np.float64]]:
    """Height [m] of the topmost skin over (x, y) and the outward normal (3,) of its triangle."""
    a, b, c = mesh.triangles.transpose(1, 0, 2)
    sides = [
        (q[:, 0] - p[:, 0]) * (y - p[:, 1]) - (q[:, 1] - p[:, 1]) * (x - p[:, 0]) for p, q in ((a, b), (b, c), (c, a))
    ]
    over = np.flatnonzero(np.min(sides, axis=0) >= 0.0)  # to the left of all three sides: below (x, y), and facing up
    n = mesh.face_normals[over]
    heights = a[over, 2] - (n[:, 0] * (x - a[over, 0]) + n[:, 1] * (y - a[over, 1])) / n[:, 2]
    top = int(np.argmax(heights))
    return float(heights[top]), n[top]


def test_body_is_one_closed_skin_that_faces_outward(body: Body, mesh: trimesh.Trimesh) -> None:
    assert np.isfinite(body.vertices).all()
    assert mesh.is_watertight
    assert mesh.body_count == 1
    assert 0.045 < mesh.volume < 0.092  # m³, positive only when the triangles face outward: 45 to 92 kg


def test_body_is_as_long_as_a_person_and_fits_the_table(body: Body) -> None:
    low, high = body.vertices.min(axis=0), body.vertices.max(axis=0)
    assert 1.50 < high[0] - low[0] < 2.00
    assert low[0] > -1.0
    assert high[0] < 1.0
    assert low[1] > -0.38  # the table is 0.72 m wide; an elbow may hang over its edge
    assert high[1] < 0.38


def test_trunk_lies_on_the_table(body: Body) -> None:
    x, y, z = body.vertices.T
    trunk = (x > 0.0) & (x < 0.58) & (np.abs(y) < 0.12)
    assert z[trunk].min() >= -1e-3
    for part in (trunk & (x < 0.2), trunk & (x > 0.35)):  # belly and chest both
        assert z[part].min() < 8e-3
    assert 0.15 < z[trunk].max() < 0.30


def test_all_sites_of_the_back_exist(body: Body) -> None:
    assert set(body.sites) >= {f"{region}_{side}" for region, side in product(REGIONS, ("left", "right"))}
    assert all(site.name == name for name, site in body.sites.items())


@pytest.mark.parametrize("region", REGIONS)
def test_left_site_mirrors_the_right_one(body: Body, region: str) -> None:
    left, right = body.sites[f"{region}_left"], body.sites[f"{region}_right"]
    assert left.position[1] > 0.0 > right.position[1]
    np.testing.assert_allclose(left.position * [1, -1, 1], right.position, atol=0.015)
    np.testing.assert_allclose(left.normal * [1, -1, 1], right.normal, atol=0.1)


def test_sites_run_down_the_back_in_anatomical_order(body: Body) -> None:
    along = [body.sites[f"{region}_left"].position[0] for region in REGIONS]
    assert along == sorted(along, reverse=True)
    across = {region: body.sites[f"{region}_left"].position[1] for region in REGIONS}
    assert across["infraspinatus"] > across["interscapular"] > across["thoracic_erector"]


def test_sites_lie_on_the_skin_with_normals_out_of_it(body: Body, mesh: trimesh.Trimesh) -> None:
    for site in body.sites.values():
        x, y, z = site.position
        height, normal = skin_above(mesh, x, y)
        assert z == pytest.approx(height, abs=3e-3), site.name
        assert np.linalg.norm(site.normal) == pytest.approx(1.0, abs=1e-12)
        assert site.normal[2] > 0.65, site.name
        assert site.normal @ normal > np.cos(np.radians(12)), site.name


def test_height_field_follows_the_skin_of_the_back(body: Body, mesh: trimesh.Trimesh) -> None:
    off = []
    for x, y in over_the_back(body, 200):
        height, normal = skin_above(mesh, x, y)
        off.append(normal[2] * abs(body.height_field.value_and_gradient(x, y)[0] - height))  # across the skin
    assert max(off) < 5e-3
    assert np.median(off) < 1e-3


def test_height_field_is_finite_wherever_it_is_said_to_reach(body: Body) -> None:
    field = body.height_field
    assert np.isfinite(field.coefficients).all()
    assert field.coefficients.flags.c_contiguous
    x = field.x0 + field.spacing * np.arange(field.coefficients.shape[0])
    y = field.y0 + field.spacing * np.arange(field.coefficients.shape[1])
    inside = [(a, b) for a, b in product(x[::4], y[::4]) if field.contains(a, b)]
    assert len(inside) > 800
    heights = [field.value_and_gradient(a, b)[0] for a, b in inside]
    assert -0.01 < min(heights) <= max(heights) < 0.30
    assert not field.contains(x[0] - 0.01, 0.0)
    assert not field.contains(0.3, y[-1] + 0.01)
    assert all(field.contains(*site.position[:2]) for site in body.sites.values())


def test_height_field_comes_down_to_the_table_beside_the_waist(body: Body) -> None:
    """A tool that leaves the trunk must not find a shelf of skin in the air."""
    side = body.height_field.y0 + 0.02
    for x, y in product(np.arange(0.25, 0.40, 0.05), (side, -side)):
        height, *slopes = body.height_field.value_and_gradient(x, y)
        assert height == pytest.approx(0.0, abs=1e-3)
        assert np.abs(slopes).max() < 0.05


def test_gradient_is_the_slope_of_the_height(body: Body) -> None:
    field, e = body.height_field, 1e-6
    for x, y in over_the_back(body, 50):
        _, slope_x, slope_y = field.value_and_gradient(x, y)
        along = field.value_and_gradient(x + e, y)[0] - field.value_and_gradient(x - e, y)[0]
        across = field.value_and_gradient(x, y + e)[0] - field.value_and_gradient(x, y - e)[0]
        assert slope_x == pytest.approx(along / (2 * e), abs=1e-7)
        assert slope_y == pytest.approx(across / (2 * e), abs=1e-7)


@pytest.mark.parametrize("axis", [0, 1])
def test_height_slope_and_curvature_do_not_jump_between_patches(body: Body, axis: int) -> None:
    """A gliding tool must feel no edges: from one side of a knot to the other nothing changes but by its own slope."""
    field, e = body.height_field, 1e-6
    for place in over_the_back(body, 40):
        origin = (field.x0, field.y0)[axis]
        place[axis] = origin + field.spacing * np.round((place[axis] - origin) / field.spacing)
        step = e * np.eye(2)[axis]
        around = [field.value_and_gradient(*(place + k * step)) for k in (-3, -1, 1, 3)]
        slope = [values[1 + axis] for values in around]
        assert around[2][0] - around[1][0] == pytest.approx(e * (slope[1] + slope[2]), abs=1e-13)
        before, after = (slope[1] - slope[0]) / (2 * e), (slope[3] - slope[2]) / (2 * e)
        assert after == pytest.approx(before, rel=0.01, abs=0.1)  # 1/m; most curvatures are of the order of 10


def test_unknown_body_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(InputError, match=r"giant.*average"):
        load_body("giant")


def test_hands_keep_their_shape_on_the_table(body: Body, mesh: trimesh.Trimesh) -> None:
    """A palm is 20 to 30 mm thick: hardly anything of the arms may be pressed flat."""
    arms = np.abs(mesh.triangles_center[:, 1]) > 0.2
    flat = mesh.triangles[:, :, 2].max(axis=1) < 1e-3
    assert mesh.area_faces[arms & flat].sum() < 0.3 * mesh.area_faces[arms].sum()
    hands = body.vertices[(np.abs(body.vertices[:, 1]) > 0.2) & (np.abs(body.vertices[:, 0]) < 0.1)]
    assert hands[:, 2].max() > 0.03


def test_feet_and_shins_lie_on_the_table(body: Body) -> None:
    x, _, z = body.vertices.T
    assert z[x < x.min() + 0.25].min() < 0.01


def test_no_site_lies_where_nothing_may_press(body: Body) -> None:
    for site in body.sites.values():
        assert body.kept_out(*site.position[:2]) is None, site.name
    assert body.kept_out(*body.landmarks["c7"][:2]) == "spinous_processes_left"
    lumbar = body.sites["lumbar_erector_left"].position
    assert body.kept_out(lumbar[0], 0.0) == "spinous_processes_left"
    assert body.kept_out(lumbar[0] + 0.04, lumbar[1] + 0.06) == "kidney_left"
    near = body.sites["quadratus_lumborum_right"].position
    assert body.kept_out(*near[:2], margin=0.05) is not None


def test_fibres_lie_in_the_skin(body: Body) -> None:
    for site in body.sites.values():
        assert np.linalg.norm(site.fibre) == pytest.approx(1.0, abs=1e-12)
        assert site.fibre @ site.normal == pytest.approx(0.0, abs=1e-12)
    assert abs(body.sites["thoracic_erector_left"].fibre[0]) > 0.95  # along the spine
    assert body.sites["upper_trapezius_left"].fibre[1] > 0.9  # towards the acromion
    assert body.sites["upper_trapezius_right"].fibre[1] < -0.9


def test_sites_keep_their_order_between_the_landmarks(body: Body) -> None:
    c7, sacrum = body.landmarks["c7"][0], body.landmarks["sacrum"][0]
    share = {name: (site.position[0] - sacrum) / (c7 - sacrum) for name, site in body.sites.items()}
    for name, expected in (("lumbar_erector", 0.20), ("thoracic_erector", 0.52), ("interscapular", 0.76)):
        assert share[f"{name}_left"] == pytest.approx(expected, abs=0.06)
    assert share["posterior_neck_left"] > 1.0 > share["upper_trapezius_left"]
    assert share["gluteal_left"] < 0.0


def test_heights_of_many_places_at_once_are_those_of_each(body: Body) -> None:
    x, y = np.linspace(0.1, 0.5, 7), np.linspace(-0.1, 0.1, 5)
    for grid, single in zip(
        body.height_field.grid(x, y),
        np.array([[body.height_field.value_and_gradient(a, b) for b in y] for a in x]).transpose(2, 0, 1),
        strict=True,
    ):
        np.testing.assert_allclose(grid, single, rtol=0, atol=1e-14)


def test_template_is_where_its_atlas_says() -> None:
    body, atlas = load_body(), load_atlas()
    for name, site in atlas.sites.items():
        np.testing.assert_allclose(body.sites[name].position[:2], site.at, atol=1e-12)
