"""Stiffness told while working: found again, whatever the body does meanwhile, and not told before it is known."""

import io
import math
from collections.abc import Callable

import numpy as np
import pytest
from massage_arm.control.body import load_body
from massage_arm.control.stiffness import (
    PlaceStiffness,
    Stiffness,
    StiffnessEstimator,
    before_and_after,
    stiffness_of_run,
)
from massage_arm.control.stiffness_picture import colour, stiffness_picture
from massage_arm.control.ticks import Ticks, tick_dtype
from massage_arm.native import ContactState, InputError, Tissue, TissueLaw, cell_places
from PIL import Image

Signal = Callable[[float], float]

SOFT = TissueLaw(k0=500.0, beta=100.0, bone_depth=0.040, bone=1.0, threshold=3e5)
FIRM = TissueLaw(k0=800.0, beta=160.0, bone_depth=0.040, bone=1.0, threshold=3e5)
BONY = TissueLaw(k0=500.0, beta=130.0, bone_depth=0.014, bone=4.0 * 1e3**1.5, threshold=3e5)
SHAPE, SPACING = (24, 12), 0.02  # of a flat surface at height 1 m, from x = y = 0


def tangent(law: TissueLaw, force: float = 15.0) -> float:
    """N/mm at a force, by the law that the simulated tissue follows."""
    depth = np.linspace(0.0, 0.05, 5001)
    elastic = law.k0 / law.beta * np.expm1(law.beta * depth) + law.bone * np.maximum(0.0, depth - law.bone_depth) ** 1.5
    return float(np.interp(force, elastic, np.gradient(elastic, depth))) * 1e-3


def ramp(time: float) -> float:
    """N: 3 N, from 1 s on in 2 s to 30 N, held."""
    return float(np.interp(time, (1.0, 3.0), (3.0, 30.0)))


def breath(time: float) -> float:
    """m, as in the preset `realistic`."""
    return 2.3e-3 * math.sin(2.0 * math.pi * 0.25 * time + 0.8)


def uneven_breath(time: float) -> float:
    """m: quicker and quicker, longer out than in."""
    phase = 2.0 * math.pi * (0.2 * time + 0.001 * time * time)
    return 2.3e-3 * (math.sin(phase) + 0.25 * math.sin(2.0 * phase))


def tissue_of(*laws: TissueLaw) -> Tissue:
    """A flat piece of tissue, of the first law at small x and the last at large x."""
    x, y = cell_places(SHAPE, 0.0, 0.0, SPACING, 0.015)
    which = np.minimum((len(laws) * np.arange(len(x))) // len(x), len(laws) - 1)
    law = np.broadcast_to(np.array(laws)[which][:, None, :], (len(x), len(y), len(TissueLaw._fields)))
    return Tissue(np.full(SHAPE, 1.0), 0.0, 0.0, SPACING, law)


def pressed(
    tissue: Tissue, force: Signal, seconds: float, body: Signal = breath, *, speed: float = 0.0, noise: float = 0.1
) -> Ticks:
    """Ticks of a tool that yields to the force asked for, as fast as an arm does, while it goes along x at `speed`."""
    random = np.random.default_rng(3)
    dt, count = 1e-3, round(1e3 * seconds)
    ticks = np.zeros(count, tick_dtype(7))
    ticks["press_direction"] = (0.0, 0.0, -1.0)
    ticks["contact_state"] = ContactState.HOLD
    tip, felt = np.array([0.1, 0.1, 1.0]), 0.0
    for k, tick in enumerate(ticks):
        rise = (body(k * dt + dt) - body(k * dt)) / dt
        sink = min(max((force(k * dt) - felt) / 400.0, -0.06), 0.06)
        velocity = np.array([speed, 0.0, 0.7 * rise - sink])
        pull, _ = tissue.step(tip, velocity, body(k * dt), rise, dt)
        felt = float(pull[2])
        tick["time"], tick["tcp_position"], tick["force_reference"] = k * dt, tip, force(k * dt)
        tick["force_measured"] = felt + noise * random.standard_normal()
        tip = tip + velocity * dt
    return ticks


def learned(ticks: Ticks) -> Stiffness:
    """What the estimator says after all of it, at 100 Hz."""
    estimator = StiffnessEstimator()
    for tick in ticks[::10]:
        estimator.update(tick["time"], tick["force_measured"], tick["force_reference"], -tick["tcp_position"][2])
    return estimator.stiffness


@pytest.mark.parametrize("law", [SOFT, FIRM, BONY])
@pytest.mark.parametrize(("body", "off"), [(lambda time: 0.0, 0.15), (breath, 0.15), (uneven_breath, 0.25)])
def test_known_tissue_is_found_again_whatever_the_breath(law: TissueLaw, body: Signal, off: float) -> None:
    found = learned(pressed(tissue_of(law), ramp, 14.0, body))
    assert found.value_n_mm == pytest.approx(tangent(law), rel=off)
    assert abs(found.value_n_mm - tangent(law)) < 2.0 * found.error_n_mm < tangent(law)


def test_a_plain_regression_would_take_the_breath_for_softness() -> None:
    ticks = pressed(tissue_of(SOFT), ramp, 14.0)
    pressing = ticks["force_measured"] > 3.0
    slope = np.polyfit(-ticks["tcp_position"][pressing, 2], ticks["force_measured"][pressing], 1)[0]
    assert 1e-3 * slope < 0.8 * tangent(SOFT)
    assert learned(ticks).value_n_mm > 0.85 * tangent(SOFT)


def test_a_noisy_sensor_and_a_deep_breath_cost_precision_not_truth() -> None:
    found = learned(pressed(tissue_of(FIRM), ramp, 14.0, lambda time: 2.2 * breath(time), noise=0.5))
    assert found.value_n_mm == pytest.approx(tangent(FIRM), rel=0.2)


def test_noise_in_a_long_hold_does_not_pass_for_a_stiff_place() -> None:
    ticks = pressed(tissue_of(SOFT), lambda time: min(ramp(time), 16.0), 30.0, noise=0.5)
    assert learned(ticks).value_n_mm == pytest.approx(tangent(SOFT), rel=0.3)


def test_nothing_is_said_before_it_is_known() -> None:
    constant = pressed(tissue_of(SOFT), lambda time: 15.0, 20.0, noise=0.3)[2000:]
    assert math.isnan(learned(constant).value_n_mm), "breath alone tells nothing"
    light = pressed(tissue_of(SOFT), lambda time: max(3.0, 0.4 * ramp(time)), 10.0)
    assert math.isnan(learned(light).value_n_mm), "12 N tell nothing of 15 N"
    ticks = pressed(tissue_of(SOFT), ramp, 14.0)
    assert math.isnan(learned(ticks[:1500]).error_n_mm)
    assert learned(ticks[:4000]).error_n_mm > 1.5 * learned(ticks).error_n_mm, "the hold tells the breath apart"
    assert math.isnan(StiffnessEstimator().stiffness.value_n_mm)


def test_another_force_can_be_compared_at() -> None:
    ticks = pressed(tissue_of(SOFT), ramp, 14.0)
    estimator = StiffnessEstimator(at_n=25.0)
    for tick in ticks[::10]:
        estimator.update(tick["time"], tick["force_measured"], tick["force_reference"], -tick["tcp_position"][2])
    assert estimator.stiffness.value_n_mm == pytest.approx(tangent(SOFT, 25.0), rel=0.15)


@pytest.mark.parametrize("name", ["time", "force", "reference", "position", "way"])
def test_what_is_not_finite_is_refused_by_name(name: str) -> None:
    sample = {"time": 1.0, "force": 10.0, "reference": 10.0, "position": 0.0, "way": 0.0, name: math.nan}
    with pytest.raises(InputError, match=f"{name}: nan is not allowed; a finite number is"):
        StiffnessEstimator().update(**sample)


def test_time_and_way_do_not_go_back() -> None:
    estimator = StiffnessEstimator()
    estimator.update(1.0, 10.0, 10.0, 0.0, 0.5)
    with pytest.raises(InputError, match=r"time: 0\.9 is not allowed; at least the last one, 1, is"):
        estimator.update(0.9, 10.0, 10.0, 0.0, 0.5)
    with pytest.raises(InputError, match=r"way: 0\.4 is not allowed"):
        estimator.update(1.1, 10.0, 10.0, 0.0, 0.4)
    for force in (0.0, -5.0, math.inf, math.nan):
        with pytest.raises(InputError, match="at_n"):
            StiffnessEstimator(force)


def twice(time: float) -> float:
    """N: two ramps, each held for 10 s."""
    return ramp(time if time < 13.0 else time - 13.0)


def test_two_ramps_of_one_contact_are_before_and_after() -> None:
    before, after = before_and_after(stiffness_of_run(pressed(tissue_of(FIRM), twice, 26.0)))
    assert len(before) == len(after) == 1
    assert before[0].value_n_mm == pytest.approx(tangent(FIRM), rel=0.15)
    assert after[0].value_n_mm == pytest.approx(tangent(FIRM), rel=0.2)
    assert (before[0].x, before[0].y) == pytest.approx((0.1, 0.1), abs=1e-6)
    assert before[0].time == pytest.approx(13.0, abs=0.05)


def test_a_place_that_was_met_again_shows_what_it_has_become() -> None:
    ticks = pressed(tissue_of(FIRM), ramp, 13.0)
    again = pressed(tissue_of(SOFT), ramp, 13.0)
    again["time"] += 20.0
    again["contact_state"][:100] = ContactState.APPROACH
    before, after = before_and_after(stiffness_of_run(np.concatenate([ticks, again])))
    assert [place.value_n_mm for place in before] == pytest.approx([tangent(FIRM)], rel=0.15)
    assert [place.value_n_mm for place in after] == pytest.approx([tangent(SOFT)], rel=0.15)


def test_letting_go_is_not_compared_with_pressing() -> None:
    ticks = pressed(
        tissue_of(SOFT), lambda time: ramp(time) if time < 10.0 else max(0.0, 30.0 - 15.0 * (time - 10.0)), 12.0
    )
    ticks["contact_state"][10_000:] = ContactState.RELEASE
    (whole,) = stiffness_of_run(ticks)
    assert [whole] == stiffness_of_run(ticks[:10_000])


def swinging(time: float) -> float:
    """N: 15 N, from 1 s on swinging by 7 N once a second."""
    return 15.0 + (7.0 * math.sin(2.0 * math.pi * (time - 1.0)) if time > 1.0 else 0.0)


def test_a_stroke_tells_soft_from_firm_about_each_cm() -> None:
    ticks = pressed(tissue_of(SOFT, FIRM), swinging, 13.0, speed=0.02)
    ticks["press_direction"] = np.array([0.15, 0.0, -1.0]) / math.hypot(0.15, 1.0)  # a normal that is off by 9 degrees
    places = stiffness_of_run(ticks)
    x = np.array([place.x for place in places])
    value = np.array([place.value_n_mm for place in places])
    assert 20 <= len(places) <= 26 and np.diff(x).max() < 0.03
    assert np.ptp([place.y for place in places]) < 1e-3
    border = 0.015 * math.ceil(0.5 * len(cell_places(SHAPE, 0.0, 0.0, SPACING, 0.015)[0]))
    assert value[x < border - 0.02] == pytest.approx(tangent(SOFT), rel=0.25)
    assert np.median(value[x > border + 0.03]) == pytest.approx(tangent(FIRM), rel=0.12)


def test_a_stroke_of_constant_force_tells_nothing() -> None:
    assert stiffness_of_run(pressed(tissue_of(SOFT), lambda time: 15.0, 8.0, speed=0.02)[2000:]) == []


def test_a_run_without_contact_and_ticks_that_are_not_finite() -> None:
    ticks = pressed(tissue_of(SOFT), ramp, 13.0)
    whole = stiffness_of_run(ticks)
    ticks["tcp_position"][5000:5050] = np.nan
    assert stiffness_of_run(ticks)[0].value_n_mm == pytest.approx(whole[0].value_n_mm, rel=0.02)
    ticks["contact_state"] = ContactState.APPROACH
    assert stiffness_of_run(ticks) == [] == stiffness_of_run(ticks[:0])


def test_the_map_colours_places_before_and_after() -> None:
    body = load_body("man_58_heavy")
    x, y, _ = body.sites["gluteal_left"].position
    places = [PlaceStiffness(value, 0.2, x, y, 1.0) for value in (5.5, 1.2)]
    one = np.asarray(Image.open(io.BytesIO(stiffness_picture(body, places[:1]))).convert("RGB"))
    both = np.asarray(Image.open(io.BytesIO(stiffness_picture(body, places[:1], places[1:]))).convert("RGB"))
    assert both.shape[1] == 2 * one.shape[1]
    left, right = both[:, : one.shape[1]], both[:, one.shape[1] :]
    rows = slice(0, one.shape[0] - 60)  # above the legend
    assert (left[rows] == colour(5.5)).all(axis=-1).any() and not (left[rows] == colour(1.2)).all(axis=-1).any()
    assert (right[rows] == colour(1.2)).all(axis=-1).any()
    with pytest.raises(InputError, match="before: no place"):
        stiffness_picture(body, [PlaceStiffness(math.nan, math.nan, x, y, 1.0)])
