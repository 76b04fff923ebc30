"""Stiffness of simulated people, from what the arm knows of a press, against what their tissue did."""

import numpy as np
import pytest
from massage_arm.control.plan import PressPlan
from massage_arm.control.stiffness import stiffness_of_run
from massage_arm.native import ContactState

from .test_press import in_state, run


@pytest.mark.parametrize(
    ("person", "site"), [("1/1", "upper_trapezius_left"), ("1/6", "gluteal_left"), ("1/8", "upper_trapezius_left")]
)
def test_a_press_tells_the_stiffness_of_the_place(person: str, site: str) -> None:
    plan = PressPlan(person=person, site=site, force_n=30.0, hold_s=8.0, seed=4)
    ticks = run(plan)
    near = in_state(ticks, ContactState.RAMP) & (np.abs(ticks["force_true"] - 15.0) < 3.0)
    true = 1e-3 * np.polyfit(ticks["depth"][near], ticks["force_true"][near], 1)[0]
    (found,) = stiffness_of_run(ticks)
    assert found.value_n_mm == pytest.approx(true, rel=0.2)
    hold = in_state(ticks, ContactState.HOLD)
    assert (found.x, found.y) == pytest.approx(ticks["tcp_position"][hold, :2].mean(axis=0), abs=2e-3)
