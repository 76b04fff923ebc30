"""Figures of hand-made presses whose answers are known."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from massage_arm.control.figure import Figure, spell
from massage_arm.control.metrics import metrics
from massage_arm.control.plan import PressPlan
from massage_arm.control.ticks import Ticks, tick_dtype
from massage_arm.native import ContactState

PLAN = PressPlan(force_n=40.0)
SECONDS = {
    ContactState.APPROACH: 1.0,
    ContactState.TOUCH: 0.5,
    ContactState.RAMP: 2.0,
    ContactState.HOLD: 10.0,
    ContactState.RELEASE: 2.0,
    ContactState.RETRACT: 0.5,
}


def perfect_press(hold_s: float = 10.0, hz: int = 1000) -> Ticks:
    """Approach, touch at 3 N, ramp to 40 N, hold, release, retract: true force always what is asked."""
    seconds = SECONDS | {ContactState.HOLD: hold_s}
    states = np.concatenate([np.full(round(s * hz), state) for state, s in seconds.items()])
    ticks = np.zeros(len(states), tick_dtype(7))
    ticks["contact_state"] = states
    ticks["time"] = np.arange(len(states)) / hz
    force = {ContactState.TOUCH: 3.0, ContactState.HOLD: 40.0}
    for state, value in force.items():
        ticks["force_asked"][states == state] = value
    for state, ends in ((ContactState.RAMP, (3.0, 40.0)), (ContactState.RELEASE, (40.0, 0.0))):
        count = np.count_nonzero(states == state)
        ticks["force_asked"][states == state] = np.linspace(*ends, count, endpoint=False)
    for name in ("force_reference", "force_true", "force_measured"):
        ticks[name] = ticks["force_asked"]
    return ticks


def figures(ticks: Ticks, plan: PressPlan = PLAN) -> dict[str, Figure]:
    return {figure.name: figure for figure in metrics(ticks, plan)}


def in_state(ticks: Ticks, state: ContactState, after: float = 0.0) -> npt.NDArray[np.bool_]:
    mask = np.asarray(ticks["contact_state"] == state)
    time: npt.NDArray[np.float64] = ticks["time"]
    return mask & (time >= float(time[mask][0]) + after)


def test_a_perfect_press_has_no_error_and_meets_every_goal() -> None:
    found = figures(perfect_press())
    zero = ("steady_error", "steady_error_beyond_sensor", "rms_error", "max_error", "overshoot", "contact_peak")
    assert all(found[name].value == 0 for name in zero)
    assert all(figure.met is not False for figure in found.values())
    assert found["peak_force"].value == 40.0


def test_steady_error_is_signed_and_leaves_out_the_first_half_of_a_short_hold() -> None:
    ticks = perfect_press()
    ticks["force_true"][in_state(ticks, ContactState.HOLD)] -= 5.0
    ticks["force_true"][in_state(ticks, ContactState.HOLD, after=4.9)] += 4.9
    found = figures(ticks)["steady_error"]
    assert found.value == pytest.approx(-0.1)
    assert found.goal == pytest.approx(0.08)
    assert found.met is False


def test_steady_error_of_a_long_hold_is_that_of_its_last_30_s() -> None:
    ticks = perfect_press(hold_s=60.0, hz=100)
    ticks["force_true"][in_state(ticks, ContactState.HOLD)] += 9.0
    ticks["force_true"][in_state(ticks, ContactState.HOLD, after=29.9)] -= 8.96
    assert figures(ticks)["steady_error"].value == pytest.approx(0.04)


def test_what_the_sensor_reads_wrong_is_told_apart_from_what_the_controller_does_wrong() -> None:
    ticks = perfect_press()
    ticks["force_measured"] += 0.5  # the sensor reads 0.5 N too much, the controller trusts it and presses 0.5 N less
    ticks["force_true"][in_state(ticks, ContactState.HOLD)] -= 0.5
    ticks["force_measured"][in_state(ticks, ContactState.HOLD)] -= 0.5
    found = figures(ticks)
    assert found["steady_error"].value == pytest.approx(-0.5)
    assert found["steady_error_beyond_sensor"].value == pytest.approx(0.0)
    assert found["worst_sensor_error"].value == pytest.approx(0.5)


def test_rms_error_of_a_sine_is_its_amplitude_over_the_root_of_two() -> None:
    ticks = perfect_press()
    ticks["force_true"] += 0.3 * np.sin(2 * np.pi * 0.25 * ticks["time"])
    found = figures(ticks)
    assert found["rms_error"].value == pytest.approx(0.3 / math.sqrt(2), rel=1e-3)
    assert found["max_error"].value == pytest.approx(0.3, rel=1e-3)


def test_the_first_two_seconds_of_the_hold_count_as_overshoot_not_as_error() -> None:
    ticks = perfect_press()
    hold = in_state(ticks, ContactState.HOLD)
    ticks["force_true"][hold & (ticks["time"] < ticks["time"][hold][0] + 1.9)] = 42.5
    found = figures(ticks)
    assert found["overshoot"].value == pytest.approx(2.5)
    assert found["overshoot"].met is False
    assert found["max_error"].value == 0


@pytest.mark.parametrize("late_s", [-0.2, 0.1])
def test_an_impact_counts_just_before_and_just_after_the_touch(late_s: float) -> None:
    ticks = perfect_press()
    ticks["force_reference"][in_state(ticks, ContactState.RAMP)] = 4.0
    end_of_touch = ticks["time"][in_state(ticks, ContactState.TOUCH)][-1]
    ticks["force_true"][np.abs(ticks["time"] - end_of_touch - late_s) < 0.002] = 9.0
    expected = 6.0 if late_s < 0 else 5.0
    assert figures(ticks)["contact_peak"].value == pytest.approx(expected)


def test_dose_is_the_integral_of_the_force() -> None:
    expected = 0.5 * 3 + 2 * 21.5 + 10 * 40 + 2 * 20
    assert figures(perfect_press())["dose"].value == pytest.approx(expected, rel=1e-3)


def test_times_add_up_with_jitter_and_at_any_rate() -> None:
    ticks = perfect_press(hz=250)
    ticks["time"] += np.random.default_rng(0).uniform(0, 3e-4, len(ticks))
    found = figures(ticks)
    for state, seconds in SECONDS.items():
        assert found[f"time_{state.name.lower()}"].value == pytest.approx(seconds, abs=1e-3)


def test_depth_and_torque_are_told_in_people_units() -> None:
    ticks = perfect_press()
    ticks["depth"][5000], ticks["torque_share"][6000] = 0.0173, 0.61
    found = figures(ticks)
    assert found["max_depth"].value == pytest.approx(17.3)
    assert found["max_depth"].unit == "mm"
    assert found["max_torque_share"].value == pytest.approx(61.0)
    assert found["max_torque_share"].unit == "%"


def test_on_a_real_arm_the_true_force_is_not_known_and_no_goal_counts_as_met() -> None:
    ticks = perfect_press()
    ticks["force_true"] = np.nan
    found = figures(ticks)
    for name in ("steady_error", "rms_error", "overshoot", "contact_peak", "peak_force", "dose"):
        assert math.isnan(found[name].value)
        assert found[name].met is None


@pytest.mark.parametrize("length", [0, 1, 700])
def test_a_run_that_ended_before_the_hold_has_unknown_figures_not_wrong_ones(length: int) -> None:
    found = figures(perfect_press()[:length])
    assert math.isnan(found["steady_error"].value)
    assert found["steady_error"].met is None


@pytest.mark.parametrize(("force", "steady", "rms", "over"), [(5, 0.05, 0.2, 0.5), (60, 0.12, 0.6, 3.0)])
def test_goals_are_the_larger_of_newtons_and_per_cent(force: float, steady: float, rms: float, over: float) -> None:
    found = figures(perfect_press(), PressPlan(force_n=force))
    assert found["steady_error"].goal == pytest.approx(steady)
    assert found["rms_error"].goal == pytest.approx(rms)
    assert found["overshoot"].goal == pytest.approx(over)


@pytest.mark.parametrize(
    ("value", "text"),
    [(3721.4, "3721 N"), (40.06, "40.1 N"), (-0.03312, "−0.0331 N"), (0.000021, "0.0000 N"), (0.0, "0 N")],
)
def test_figures_are_spelled_without_exponent(value: float, text: str) -> None:
    assert spell(value, "N") == text


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_known_is_not_spelled_as_a_number(value: float) -> None:
    assert spell(value, "N") == "not known"
