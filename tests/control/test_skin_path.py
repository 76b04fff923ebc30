"""Ways over the skin: straight on it, as long as asked, with the skin's own normals."""

from collections.abc import Callable

import numpy as np
import pytest
from massage_arm.control.body import HeightField, Site, load_body
from massage_arm.control.skin_path import SkinPath, circle, line, spot
from massage_arm.native import InputError
from numpy.typing import NDArray
from scipy.ndimage import spline_filter

Floats = NDArray[np.float64]

RADIUS = 0.15  # m, of the cylinder, whose axis is x


def field_of(height: Callable[[Floats, Floats], Floats], half: float = 0.12) -> HeightField:
    """The function as a spline on a square of twice `half` [m] about the origin."""
    spacing = 0.004
    x = np.arange(-half, half + 0.5 * spacing, spacing)
    heights = height(*np.meshgrid(x, x, indexing="ij"))
    return HeightField(float(x[0]), float(x[0]), spacing, np.ascontiguousarray(spline_filter(heights, mode="mirror")))


def site_at(field: HeightField, x: float, y: float, heading: float) -> Site:
    """A place whose fibres run at `heading` [rad] from x, as measured in the skin."""
    z, dx, dy = field.value_and_gradient(x, y)
    normal = np.array([-dx, -dy, 1.0]) / np.sqrt(1.0 + dx * dx + dy * dy)
    first = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    first /= np.linalg.norm(first)
    fibre = np.cos(heading) * first + np.sin(heading) * np.cross(normal, first)
    return Site("here", np.array([x, y, z]), normal, fibre, 0.02)


PLANE = field_of(lambda x, y: 0.2 + 0.3 * x - 0.2 * y)
CYLINDER = field_of(lambda x, y: np.sqrt(RADIUS**2 - y**2) + 0.0 * x)
BUMPS = field_of(lambda x, y: 0.01 * np.sin(30.0 * x) * np.cos(25.0 * y))


def positions(path: SkinPath, count: int = 60) -> Floats:
    return np.array([path.at(s).position for s in np.linspace(0.0, path.length, count)])


@pytest.mark.parametrize("across", [False, True])
def test_on_a_plane_it_is_straight_with_the_site_in_its_middle(across: bool) -> None:
    site = site_at(PLANE, 0.01, -0.02, 0.7)
    path = line(PLANE, site, 0.10, across=across)
    direction = np.cross(site.normal, site.fibre) if across else site.fibre
    expected = site.position + np.linspace(-0.05, 0.05, 60)[:, None] * direction
    np.testing.assert_allclose(positions(path), expected, atol=2e-6)


@pytest.mark.parametrize("heading", [0.0, 0.4, 0.9, np.pi / 2])
def test_on_a_cylinder_it_is_a_helix(heading: float) -> None:
    path = line(CYLINDER, site_at(CYLINDER, 0.0, 0.03, heading), 0.12)
    assert path.length == pytest.approx(0.12, rel=0.01)
    s = np.linspace(-0.5, 0.5, 60) * path.length
    angle = np.arcsin(0.03 / RADIUS) + s * np.sin(heading) / RADIUS  # unrolled, a helix is a straight line
    helix = np.column_stack([s * np.cos(heading), RADIUS * np.sin(angle), RADIUS * np.cos(angle)])
    np.testing.assert_allclose(positions(path), helix, atol=3e-4)


@pytest.mark.parametrize("field", [PLANE, CYLINDER, BUMPS])
def test_normals_are_those_of_the_skin_and_the_direction_lies_in_it(field: HeightField) -> None:
    path = line(field, site_at(field, 0.01, 0.02, 0.5), 0.10)
    for s in np.linspace(0.0, path.length, 40):
        point = path.at(s)
        z, dx, dy = field.value_and_gradient(*point.position[:2])
        assert point.position[2] == pytest.approx(z, abs=1e-12)
        assert np.linalg.norm(point.normal) == pytest.approx(1.0, abs=1e-12)
        np.testing.assert_allclose(np.cross(point.normal, [-dx, -dy, 1.0]), 0.0, atol=1e-12)
        assert point.normal[2] > 0.0
        assert point.along @ point.normal == pytest.approx(0.0, abs=1e-9)
        assert np.linalg.norm(point.along) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("closed", [False, True])
def test_the_place_and_the_normal_move_as_along_and_bend_say(closed: bool) -> None:
    """At the ends of an open way, and where a closed one goes round, as anywhere else."""
    site, e = site_at(BUMPS, 0.01, 0.02, 0.5), 1e-5
    path = circle(BUMPS, site, 0.02) if closed else line(BUMPS, site, 0.10)
    for s in [0.0, 1e-4, *np.linspace(0.1, 0.9, 20) * path.length, path.length - 1e-4, path.length]:
        low, high = (s - e, s + e) if closed else (max(0.0, s - e), min(path.length, s + e))
        before, after = path.at(low), path.at(high)
        point = path.at(0.5 * (low + high))
        np.testing.assert_allclose((after.position - before.position) / (high - low), point.along, atol=2e-3)
        # The normal turns by `bend` per metre: bumps of 10 mm bend it by about 9 rad/m.
        turned = (after.normal - before.normal) / (high - low)
        np.testing.assert_allclose(turned, np.cross(point.bend, point.normal), atol=0.5)
        assert point.bend @ point.normal == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("field", [PLANE, CYLINDER])
def test_a_circle_keeps_its_distance_on_the_skin(field: HeightField) -> None:
    site = site_at(field, 0.01, 0.02, 0.3)
    path = circle(field, site, 0.03)
    places = positions(path, 100)
    if field is PLANE:
        far = np.linalg.norm(places - site.position, axis=1)
    else:  # unrolled
        angle = np.arctan2(places[:, 1], places[:, 2]) - np.arctan2(site.position[1], site.position[2])
        far = np.hypot(places[:, 0] - site.position[0], RADIUS * angle)
    np.testing.assert_allclose(far, 0.03, rtol=0.01)
    assert path.length == pytest.approx(2.0 * np.pi * 0.03, rel=0.01)


def test_a_closed_way_goes_round_without_a_seam() -> None:
    path = circle(BUMPS, site_at(BUMPS, 0.0, 0.0, 0.0), 0.02)
    for s in (0.0, path.length, 3.0 * path.length):
        before, after = path.at(s - 1e-6), path.at(s + 1e-6)
        np.testing.assert_allclose(before.position, after.position, atol=3e-6)
        np.testing.assert_allclose(before.along, after.along, atol=1e-3)
        np.testing.assert_allclose(before.normal, after.normal, atol=1e-4)
        np.testing.assert_allclose(before.bend, after.bend, atol=0.05)
    np.testing.assert_allclose(path.at(2.5 * path.length).position, path.at(0.5 * path.length).position, atol=1e-9)


def test_an_open_way_stays_at_its_ends() -> None:
    path = line(PLANE, site_at(PLANE, 0.0, 0.0, 0.0), 0.05)
    np.testing.assert_array_equal(path.at(-1.0).position, path.at(0.0).position)
    np.testing.assert_array_equal(path.at(1.0).position, path.at(path.length).position)


def test_a_spot_stays() -> None:
    site = site_at(CYLINDER, 0.01, 0.02, 0.0)
    path = spot(CYLINDER, site)
    assert path.length == 0.0
    for s in (0.0, 0.5):
        np.testing.assert_allclose(path.at(s).position, site.position)
        np.testing.assert_allclose(path.at(s).normal, site.normal)
        assert not path.at(s).along.any()
        assert not path.at(s).bend.any()
    assert len(path.sampled(0.01)) == 1


def test_places_are_sampled_from_end_to_end() -> None:
    path = line(PLANE, site_at(PLANE, 0.0, 0.0, 0.0), 0.05)
    places = np.array([point.position for point in path.sampled(0.01)])
    np.testing.assert_allclose(np.linalg.norm(np.diff(places, axis=0), axis=1), 0.01, rtol=0.01)
    np.testing.assert_array_equal(places[[0, -1]], [path.at(0.0).position, path.at(path.length).position])


def test_a_way_that_leaves_the_back_is_refused() -> None:
    site = site_at(PLANE, 0.08, 0.0, 0.0)
    with pytest.raises(InputError, match=r"stroke: \(0\.1\d*, .*\) m lies beyond the back that is known"):
        line(PLANE, site, 0.10)
    with pytest.raises(InputError, match="beyond the back that is known"):
        circle(PLANE, site, 0.05)


def test_on_a_real_back_a_long_line_keeps_its_length_and_turns_no_corner() -> None:
    body = load_body()
    path = line(body.height_field, body.sites["thoracic_erector_left"], 0.16)
    assert path.length == pytest.approx(0.16, rel=0.01)
    along = np.array([path.at(s).along for s in np.linspace(0.0, path.length, 161)])
    assert np.linalg.norm(np.diff(along, axis=0), axis=1).max() < 0.05  # rad per mm


def test_how_the_skin_falls_off_beside_a_way() -> None:
    """The force at which a tool slides off goes with it: a ridge, its hollow, along its top and across it."""
    along, across = site_at(CYLINDER, 0.0, 0.0, 0.0), site_at(CYLINDER, 0.0, 0.0, np.pi / 2)
    hollow = field_of(lambda x, y: -np.sqrt(RADIUS**2 - y**2) + 0.0 * x)
    assert line(CYLINDER, along, 0.08).falling_off() == pytest.approx(1.0 / RADIUS, rel=0.03)
    assert line(CYLINDER, across, 0.08).falling_off() == pytest.approx(0.0, abs=0.1)
    assert line(hollow, site_at(hollow, 0.0, 0.0, 0.0), 0.08).falling_off() == 0.0
    assert line(PLANE, site_at(PLANE, 0.0, 0.0, 0.4), 0.08).falling_off() == pytest.approx(0.0, abs=1e-6)
    assert spot(CYLINDER, along).falling_off() == 0.0
