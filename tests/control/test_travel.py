"""From one place above the body to another: where asked, high enough, and no faster than stated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from massage_arm.control.body import HeightField
from massage_arm.control.travel import CLEARANCE, SPEED, TURNING, Travel
from numpy.typing import NDArray
from scipy.ndimage import spline_filter

Floats = NDArray[np.float64]
HALF, SPACING = 0.26, 0.01
AXIS = np.arange(-HALF, HALF + 0.5 * SPACING, SPACING)
X, Y = np.meshgrid(AXIS, AXIS, indexing="ij")


def field_of(height: float, wave: float) -> HeightField:
    """Hills of `height` [m], `wave` [m] from one to the next."""
    turn = 2.0 * np.pi / wave
    heights = 0.2 + height * np.sin(turn * X) * np.cos(turn * Y)
    return HeightField(-HALF, -HALF, SPACING, np.ascontiguousarray(spline_filter(heights, mode="mirror")))


FIELDS = st.builds(field_of, st.floats(0.0, 0.04), st.floats(0.12, 0.6))
PLACES = st.tuples(st.floats(-0.17, 0.17), st.floats(-0.17, 0.17), st.floats(0.03, 0.06))


def above(field: HeightField, place: tuple[float, float, float]) -> tuple[Floats, Floats]:
    """(3,) m at some height along the normal, and the normal."""
    x, y, high = place
    z, dx, dy = field.value_and_gradient(x, y)
    normal = np.array([-dx, -dy, 1.0]) / np.sqrt(1.0 + dx * dx + dy * dy)
    return np.array([x, y, z]) + high * normal, normal


def travel(field: HeightField, begin: tuple[float, float, float], end: tuple[float, float, float]) -> Travel:
    return Travel(field, *above(field, begin), *above(field, end))


def gap(field: HeightField, point: Floats) -> float:
    """M above the skin."""
    return float(point[2] - field.value_and_gradient(point[0], point[1])[0])


@settings(max_examples=30, deadline=None)
@given(FIELDS, PLACES, PLACES)
def test_it_begins_and_ends_where_asked_at_rest(
    field: HeightField, begin: tuple[float, float, float], end: tuple[float, float, float]
) -> None:
    way = travel(field, begin, end)
    for age, place in ((0.0, begin), (-1.0, begin), (way.seconds, end), (way.seconds + 5.0, end)):
        position, normal = above(field, place)
        hover = way.at(age)
        np.testing.assert_allclose(hover.position, position, atol=1e-12)
        np.testing.assert_allclose(hover.normal, normal, atol=1e-12)
        np.testing.assert_allclose([hover.velocity, hover.turning], 0.0, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(FIELDS, PLACES, PLACES)
def test_it_stays_clear_of_the_skin(
    field: HeightField, begin: tuple[float, float, float], end: tuple[float, float, float]
) -> None:
    """Midway by the clearance, towards the ends by no less than they are, less what a sharp hill takes."""
    way = travel(field, begin, end)
    places = np.array([way.at(x * way.seconds).position for x in np.linspace(0.0, 1.0, 300)])
    gaps = np.array([gap(field, place) for place in places])
    far = np.linalg.norm(end[0] - np.array(begin[0])) + abs(end[1] - begin[1])
    share = np.linspace(0.0, 1.0, 300)
    moved = share**3 * (10.0 - 15.0 * share + 6.0 * share**2)
    midway = (moved > 0.27) & (moved < 0.73)
    assert gaps[midway].min() > CLEARANCE - 0.004
    assert gaps.min() > min(gaps[0], gaps[-1]) - 0.01 - 0.05 * far


@settings(max_examples=30, deadline=None)
@given(FIELDS, PLACES, PLACES)
def test_velocity_and_turning_are_those_of_the_motion_and_within_what_is_stated(
    field: HeightField, begin: tuple[float, float, float], end: tuple[float, float, float]
) -> None:
    way, e = travel(field, begin, end), 1e-4
    for age in np.linspace(0.01, 0.99, 60) * way.seconds:
        before, hover, after = (way.at(age + k * e) for k in (-1, 0, 1))
        np.testing.assert_allclose((after.position - before.position) / (2.0 * e), hover.velocity, atol=1e-4)
        turned = (after.normal - before.normal) / (2.0 * e)
        np.testing.assert_allclose(turned, np.cross(hover.turning, hover.normal), atol=1e-3)
        assert np.linalg.norm(hover.velocity) <= 1.01 * SPEED
        assert np.linalg.norm(hover.turning) <= 1.01 * TURNING
        assert np.linalg.norm(hover.normal) == pytest.approx(1.0)


def test_it_takes_no_longer_than_it_must() -> None:
    flat = field_of(0.0, 0.3)
    far = travel(flat, (-0.15, 0.0, 0.05), (0.15, 0.0, 0.05))
    fastest = max(np.linalg.norm(far.at(age).velocity) for age in np.linspace(0.0, far.seconds, 400))
    assert fastest == pytest.approx(SPEED, rel=0.01)
    still = travel(flat, (0.0, 0.0, 0.05), (0.0, 0.0, 0.05))
    assert still.seconds < 3.0  # up to the clearance and down again


def test_beyond_the_back_that_is_known_it_goes_straight_on() -> None:
    flat = field_of(0.0, 0.3)
    begin = np.array([0.5, 0.0, 0.3])  # as above the head
    way = Travel(flat, begin, np.array([0.0, 0.0, 1.0]), *above(flat, (0.0, 0.0, 0.05)))
    places = np.array([way.at(age).position for age in np.linspace(0.0, way.seconds, 100)])
    assert places[0] == pytest.approx(begin)
    outside = places[places[:, 0] > 0.26]
    assert np.isfinite(places).all()
    assert outside[:, 2].min() > 0.24
