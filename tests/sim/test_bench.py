"""The figures of the press bench: their names stay the same for ever, and the worst seed counts."""

import math

import numpy as np
from massage_arm.control.figure import Figure
from massage_arm.sim.bench import Result, press_figures, press_trials

NAMES = [
    "press.steady_error_5n",
    "press.steady_error_with_drift_5n",
    "press.rms_breathing_5n",
    "press.steady_error_20n",
    "press.steady_error_with_drift_20n",
    "press.rms_breathing_20n",
    "press.steady_error_40n",
    "press.steady_error_with_drift_40n",
    "press.rms_breathing_40n",
    "press.steady_error_60n",
    "press.steady_error_with_drift_60n",
    "press.rms_breathing_60n",
    "press.overshoot_40n_1s",
    "press.contact_peak_share_of_allowed",
    "press.rate_250_against_1000hz",
    "press.rate_500_against_1000hz",
]
READ = ("steady_error", "steady_error_beyond_sensor", "rms_error", "overshoot", "contact_peak")


def results(*values: float) -> list[Result]:
    """One seed for each value, which all its figures have."""
    return [
        Result(trial, {name: Figure(name, "N", value) for name in READ}, np.zeros(601))
        for seed, value in enumerate(values)
        for trial in press_trials(seed)
    ]


def test_the_names_stay_the_same() -> None:
    assert [figure.name for figure in press_figures(results(0.0))] == NAMES


def test_the_worst_seed_counts_whatever_its_sign() -> None:
    figures = {figure.name: figure for figure in press_figures(results(0.01, -0.9, 0.02))}
    assert figures["press.steady_error_5n"].value == 0.9
    assert figures["press.steady_error_5n"].met is False


def test_a_figure_that_is_not_known_misses_its_goal() -> None:
    figures = {figure.name: figure for figure in press_figures(results(0.01, math.nan))}
    assert figures["press.rms_breathing_20n"].met is False
